"""Views of entity pairs: marks and types against a plain walk over the tokens, overlaps, and what is cut."""

import warnings
from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from tiny_tokenizers import FAMILIES
from tokenizers import Tokenizer, models, pre_tokenizers

from spacy_medmtl.encoder.views import viewer
from spacy_medmtl.encoder.views.layout import Layout, ViewSettings, Window
from spacy_medmtl.encoder.views.requests import Reading, Unit
from spacy_medmtl.encoder.views.wordpieces import WordPieces
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

NLP = spacy.blank("en")
FIXED = settings(max_examples=100, deadline=None, derandomize=True)
TYPES = ("Drug", "Gene_or_protein")
Bounds = tuple[int, int]


def tokenizer() -> Tokenizer:
    """The family ``wordpiece``, and the marks, which are letters of any real vocabulary."""
    made = FAMILIES["wordpiece"]()
    vocab = {**made.get_vocab(), "@": made.get_vocab_size(), "#": made.get_vocab_size() + 1}
    made.model = models.WordPiece(vocab, unk_token="[UNK]")
    return made


TOKENIZER = tokenizer()
WORDPIECES = WordPieces(TOKENIZER.to_str())


def lay_out(view: str, doc: Doc, pairs: list[tuple[Bounds, Bounds]], around: Any = None, size: int = 100) -> Layout:
    units = []
    for head, tail in pairs:
        start, end = min(head[0], tail[0]), max(head[1], tail[1])
        left, right = around or (0, len(doc))
        units.append(Unit(left, start, end, right))
    reading = Reading(doc, units, pairs, types=[TYPES] * len(pairs))
    views = ViewSettings(WORDPIECES, Window(size, size - 2))
    return viewer.lay_out(views, view, [reading], [WORDPIECES.of_doc(doc)])


def read(view: str, words: str, head: Bounds, tail: Bounds, **settings: Any) -> str:
    """The one sequence of a pair, as pieces."""
    layout = lay_out(view, Doc(NLP.vocab, words=words.split()), [(head, tail)], **settings)
    return " ".join(TOKENIZER.id_to_token(int(i)) for i in layout.ids[0])


@pytest.mark.parametrize(
    ("head", "tail", "marked", "blind"),
    [
        ((1, 2), (3, 4), "a @ b @ c # d # e", "a @ HEAD @ c # TAIL # e"),
        ((3, 4), (1, 2), "a # b # c @ d @ e", "a # TAIL # c @ HEAD @ e"),
        ((0, 2), (2, 5), "@ a b @ # c d e #", "@ HEAD @ # TAIL #"),  # side by side
        ((2, 5), (0, 2), "# a b # @ c d e @", "# TAIL # @ HEAD @"),
        ((0, 4), (1, 2), "@ a # b # c d @ e", "@ HEAD # TAIL # @ e"),  # the tail inside the head
        ((1, 2), (0, 4), "# a @ b @ c d # e", "@ HEAD # TAIL # @ e"),
        ((1, 4), (1, 2), "a @ # b # c d @ e", "a @ HEAD # TAIL # @ e"),  # with one border
        ((1, 2), (1, 4), "a # @ b @ c d # e", "a @ HEAD # TAIL # @ e"),
        ((1, 4), (3, 4), "a @ b c # d # @ e", "a @ HEAD # TAIL # @ e"),
        ((3, 4), (1, 4), "a # b c @ d @ # e", "a @ HEAD # TAIL # @ e"),
        ((1, 3), (2, 4), "a @ b # c @ d # e", "a @ HEAD # TAIL # @ e"),  # crossing
        ((1, 3), (1, 3), "a @ # b c # @ d e", "a @ HEAD # TAIL # @ d e"),  # the same
    ],
)
def test_marks_and_types_by_hand(head: Bounds, tail: Bounds, marked: str, blind: str):
    words = "a b c d e"
    assert read("marked_pair", words, head, tail) == f"[CLS] {marked} [SEP]"
    pieces = {"HEAD": "d ##r ##u ##g", "TAIL": "g ##e ##n ##e o ##r p ##r ##o ##t ##e ##i ##n"}
    for name, spelt in pieces.items():
        blind = blind.replace(name, spelt)
    assert read("blinded_pair", words, head, tail) == f"[CLS] {blind} [SEP]"


def plain(doc: Doc, head: Bounds, tail: Bounds, left: int, right: int) -> list[int]:
    """Token by token: close what ends here, the one that was opened last first, then open what begins here."""
    ids: list[int] = []
    open_marks: list[str] = []
    ends = {"@": head[1], "#": tail[1]}

    def close(i: int) -> None:
        for mark in reversed(list(open_marks)):
            if ends[mark] == i:
                open_marks.remove(mark)
                ids.append(TOKENIZER.token_to_id(mark))

    for i in range(left, right):
        close(i)
        begins = [(end, rank, mark) for rank, mark, (start, end) in ((1, "@", head), (0, "#", tail)) if start == i]
        for _, _, mark in sorted(begins, reverse=True):
            open_marks.append(mark)
            ids.append(TOKENIZER.token_to_id(mark))
        ids += TOKENIZER.encode(doc[i].text, add_special_tokens=False).ids
    close(right)
    return ids


@st.composite
def docs_with_pairs(draw: Any) -> tuple[Doc, list[tuple[Bounds, Bounds]], Bounds]:
    words = draw(st.lists(st.sampled_from(["a", "the", "pain", "xyz", "knees", ","]), min_size=1, max_size=12))
    left = draw(st.integers(0, len(words) - 1))
    right = draw(st.integers(left + 1, len(words)))
    bounds = st.integers(left, right - 1).flatmap(lambda a: st.tuples(st.just(a), st.integers(a + 1, right)))
    pairs = draw(st.lists(st.tuples(bounds, bounds), min_size=1, max_size=4))
    return Doc(NLP.vocab, words=words), pairs, (left, right)


@FIXED
@given(drawn=docs_with_pairs())
def test_equal_to_a_walk_over_the_tokens(drawn: Any):
    doc, pairs, around = drawn
    layout = lay_out("marked_pair", doc, pairs, around)
    cls, sep = (TOKENIZER.token_to_id(name) for name in ("[CLS]", "[SEP]"))
    for ids, (head, tail) in zip(layout.ids, pairs, strict=True):
        assert ids.tolist() == [cls, *plain(doc, head, tail, *around), sep]
    firsts = numpy.cumsum([0] + [len(ids) for ids in layout.ids])[:-1]
    assert numpy.concatenate(layout.gather).tolist() == firsts.tolist()  # a row per pair, its [CLS]
    assert numpy.concatenate(layout.segments).tolist() == list(range(len(pairs)))
    assert layout.lengths == [len(pairs)]
    assert all(set(types.tolist()) == {0} for types in layout.types)


@FIXED
@given(drawn=docs_with_pairs())
def test_blinded_entities_leave_no_piece_and_the_rest_is_whole(drawn: Any):
    doc, pairs, (left, right) = drawn
    layout = lay_out("blinded_pair", doc, pairs, (left, right))
    types = [WORDPIECES.of_type(label) for label in TYPES]
    marks = WORDPIECES.entity_marks()
    for ids, (head, tail) in zip(layout.ids, pairs, strict=True):
        overlap = head[0] < tail[1] and tail[0] < head[1]
        both = set(range(min(head[0], tail[0]), max(head[1], tail[1])))
        hidden = both if overlap else {*range(*head), *range(*tail)}
        shown = [doc[i].text for i in range(left, right) if i not in hidden]
        expected = [i for word in shown for i in TOKENIZER.encode(word, add_special_tokens=False).ids]
        assert sorted(ids[1:-1].tolist()) == sorted([*expected, *types[0], *types[1], *marks, *marks])


def test_outer_ends_are_cut_first_and_without_a_warning():
    words = "a b c d e f g h x i y j k l m n o p"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read("marked_pair", words, (8, 9), (10, 11), size=16)
    assert found == "[CLS] e f g h @ x @ i # y # j k l [SEP]"  # of equally near pieces the earlier one
    assert read("marked_pair", words, (0, 1), (2, 3), size=16) == "[CLS] @ a @ b # c # d e f g h x i [SEP]"


def test_then_the_middle_between_the_two_with_a_warning():
    words = "a x b c d e f g h i j k l y m"
    with pytest.warns(MedmtlWarning, match=r"W215\] 1 pair.*window of 16.*document 0 "):
        found = read("marked_pair", words, (1, 2), (13, 14), size=16)
    assert found == "[CLS] @ x @ b c d e i j k l # y # [SEP]"


def test_entities_longer_than_the_window_lose_the_end_of_the_longer_one():
    with pytest.warns(MedmtlWarning, match="W215"):
        found = read("marked_pair", " ".join("a" * 20 + "y" + "bcd"), (0, 20), (21, 23), size=16)
    assert found == "[CLS] @ a a a a a a a a @ # b c # [SEP]"


@FIXED
@given(drawn=docs_with_pairs(), size=st.integers(16, 30))
def test_nothing_exceeds_the_window_and_all_marks_are_there(drawn: Any, size: int):
    doc, pairs, around = drawn
    marks = WORDPIECES.entity_marks()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MedmtlWarning)
        for view in ("marked_pair", "blinded_pair"):
            whole, cut = (lay_out(view, doc, pairs, around, size=n) for n in (200, size))
            for all_ids, ids in zip(whole.ids, cut.ids, strict=True):
                assert len(ids) == min(size, len(all_ids))
                assert [int(i) for i in ids if i in marks] == [int(i) for i in all_ids if i in marks]
                rest = iter(all_ids.tolist())
                assert all(i in rest for i in ids.tolist())  # in their order


def test_other_marks_are_other_content():
    """What sequences are remembered by in a batch."""
    doc = Doc(NLP.vocab, words="a b c".split())
    one, other = ((0, 1), (2, 3)), ((2, 3), (0, 1))
    layouts = [
        lay_out("marked_pair", doc, [one]),
        lay_out("marked_pair", doc, [other]),
        lay_out("blinded_pair", doc, [one]),
    ]
    keys = {key for layout in layouts for key in layout.sequence_keys()}
    assert len(keys) == 3
    assert lay_out("marked_pair", doc, [one]).sequence_keys()[0] in keys


def test_byte_level_marks_are_single_known_pieces():
    made = FAMILIES["byte_bpe"]()
    assert [made.decode([i]).strip() for i in WordPieces(made.to_str()).entity_marks()] == ["@", "#"]


def test_a_vocabulary_without_the_marks_is_an_error():
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(MedmtlError, match="E215.*@ and #"):
        WordPieces(made.to_str()).entity_marks()


def test_docs_without_pairs_are_refused_and_readings_without_pairs_give_no_rows():
    doc = Doc(NLP.vocab, words=["a"])
    views = ViewSettings(WORDPIECES, Window(32, 20))
    with pytest.raises(MedmtlError, match="E010.*'marked_pair'"):
        viewer.lay_out(views, "marked_pair", [doc], [WORDPIECES.of_doc(doc)])
    layout = viewer.lay_out(views, "blinded_pair", [Reading(doc)], [WORDPIECES.of_doc(doc)])
    assert (layout.lengths, layout.ids) == ([0], [])
