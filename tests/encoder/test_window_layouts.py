"""Views laid out as sequences: windows, pairs and their cut, [C] markers and context, templates of the models."""

from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from tiny_tokenizers import FAMILIES

from spacy_medmtl.encoder.views import viewer
from spacy_medmtl.encoder.views.layout import Layout, ViewSettings, Window
from spacy_medmtl.encoder.views.pairs import fit_pair
from spacy_medmtl.encoder.views.requests import Reading, Unit, doc_of
from spacy_medmtl.encoder.views.windows import window_spans
from spacy_medmtl.encoder.views.wordpieces import WordPieces
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

NLP = spacy.blank("en")
FIXED = settings(max_examples=300, deadline=None, derandomize=True)


def settings_of(family: str, size: int = 32, stride: int = 20) -> ViewSettings:
    return ViewSettings(WordPieces(FAMILIES[family]().to_str()), Window(size, stride))


def lay_out(views: ViewSettings, view: str, items: list[Any]) -> Layout:
    return viewer.lay_out(views, view, items, [views.wordpieces.of_doc(doc_of(item)) for item in items])


def letters(n: int, letter: str = "a") -> Doc:
    """A Doc of ``n`` tokens with one piece each."""
    return Doc(NLP.vocab, words=[letter] * n)


@FIXED
@given(n=st.integers(0, 400), size=st.integers(1, 60), data=st.data())
def test_window_spans_partition_what_they_cover(n: int, size: int, data: Any):
    stride = data.draw(st.integers(1, size))
    spans = window_spans(n, size, stride)
    owned = [i for _, _, own, own_end in spans for i in range(own, own_end)]
    assert owned == list(range(n))
    for start, end, own, own_end in spans:
        assert 0 <= start <= own <= own_end <= end <= n
        assert end - start <= size
    assert all(b[0] - a[0] <= stride for a, b in zip(spans, spans[1:]))


@FIXED
@given(n=st.integers(1, 200), size=st.integers(2, 40), data=st.data())
def test_the_copy_nearest_to_a_centre_counts(n: int, size: int, data: Any):
    spans = window_spans(n, size, data.draw(st.integers(1, size)))
    for start, end, own, own_end in spans:
        for i in range(own, own_end):
            nearest = min(abs(a + b - 1 - 2 * i) for a, b, _, _ in spans if a <= i < b)
            assert abs(start + end - 1 - 2 * i) <= nearest + 1


@FIXED
@given(n_a=st.integers(0, 60), n_b=st.integers(0, 60), room=st.integers(2, 60))
def test_pairs_lose_pieces_of_the_longer_member_one_by_one(n_a: int, n_b: int, room: int):
    a, b = n_a, n_b
    while a + b > room:
        a, b = (a - 1, b) if a > b else (a, b - 1)
    assert fit_pair(n_a, n_b, room) == (a, b)


@pytest.mark.parametrize("family", FAMILIES)
def test_pair_sequences_are_those_of_the_tokenizer_itself(family: str):
    """Ids and type ids of BERT's ``[CLS] a [SEP] b [SEP]`` and RoBERTa's ``<s> a </s></s> b </s>``."""
    doc = NLP("the chest pain no fever")
    layout = lay_out(settings_of(family), "pair", [Reading(doc, pairs=[((0, 3), (3, 5)), ((3, 5), (0, 3))])])
    blank = "" if family == "wordpiece" else " "  # tokens inside a text have one before them
    for i, (a, b) in enumerate([("the chest pain", f"{blank}no fever"), (f"{blank}no fever", "the chest pain")]):
        expected = FAMILIES[family]().encode(a, b)
        assert layout.ids[i].tolist() == expected.ids
        assert layout.types[i].tolist() == expected.type_ids
    assert set(layout.types[0].tolist()) == ({0, 1} if family == "wordpiece" else {0})
    assert layout.lengths == [2]
    assert [int(rows[0]) for rows in layout.gather] == [0, len(layout.ids[0])]  # the first piece of each


@pytest.mark.parametrize("family", FAMILIES)
def test_single_sequences_are_those_of_the_tokenizer_itself(family: str):
    doc = NLP("the chest pain")
    expected = FAMILIES[family]().encode("the chest pain")
    for view, item in (("tokens", doc), ("sentence", Reading(doc, [Unit(0, 0, 3, 3)]))):
        layout = lay_out(settings_of(family), view, [item])
        assert [ids.tolist() for ids in layout.ids] == [expected.ids]
        assert [types.tolist() for types in layout.types] == [expected.type_ids]


def test_too_long_pairs_are_cut_with_a_warning_that_names_the_document():
    views = settings_of("wordpiece", size=23)  # room for 20 beside [CLS] [SEP] [SEP]
    short, long = letters(8), letters(40)
    items = [Reading(short, pairs=[((0, 4), (4, 8))]), Reading(long, pairs=[((0, 5), (5, 40)), ((0, 3), (3, 6))])]
    with pytest.warns(MedmtlWarning, match=r"W002\] 1 sentence pair.*window of 23.*document 1 "):
        layout = lay_out(views, "pair", items)
    assert [len(ids) for ids in layout.ids] == [11, 23, 9]
    assert layout.types[1].tolist() == [0] * (1 + 5 + 1) + [1] * (15 + 1)  # the short member is whole


def test_pairs_that_just_fit_are_not_cut():
    layout = lay_out(settings_of("wordpiece", size=23), "pair", [Reading(letters(20), pairs=[((0, 5), (5, 20))])])
    assert [len(ids) for ids in layout.ids] == [23]


def context_sequence(n_left: int, n_target: int, n_right: int, size: int) -> tuple[list[str], list[int]]:
    """Pieces of the one sequence of a unit, left context ``a b c ...``, target ``x``, right context ``p q r ...``;
    and the places that give rows."""
    words = [chr(ord("a") + i) for i in range(n_left)] + ["x"] * n_target + [chr(ord("p") + i) for i in range(n_right)]
    doc = Doc(NLP.vocab, words=words)
    views = settings_of("wordpiece", size=size)
    unit = Unit(0, n_left, n_left + n_target, len(doc))
    layout = lay_out(views, "context", [Reading(doc, [unit], marked=True)])
    assert len(layout.ids) == 1
    tokenizer = FAMILIES["wordpiece"]()
    return [tokenizer.id_to_token(int(i)) for i in layout.ids[0]], numpy.concatenate(layout.gather).tolist()


@pytest.mark.parametrize(
    ("n_left", "n_target", "n_right", "expected"),
    [
        (2, 3, 2, "[CLS] a b [unused1] x x x [unused1] p q [SEP]"),
        (0, 3, 0, "[CLS] [unused1] x x x [unused1] [SEP]"),
        (6, 6, 6, "[CLS] d e f [unused1] x x x x x x [unused1] p q r [SEP]"),
        (1, 6, 9, "[CLS] a [unused1] x x x x x x [unused1] p q r s t [SEP]"),
        (9, 6, 1, "[CLS] e f g h i [unused1] x x x x x x [unused1] p [SEP]"),
        (5, 11, 5, "[CLS] [unused1] x x x x x x x x x x x [unused1] p [SEP]"),
        (5, 12, 5, "[CLS] [unused1] x x x x x x x x x x x x [unused1] [SEP]"),
    ],
)
def test_context_is_cut_from_the_outside_inwards_and_the_target_never(
    n_left: int, n_target: int, n_right: int, expected: str
):
    pieces, rows = context_sequence(n_left, n_target, n_right, size=16)
    assert " ".join(pieces) == expected
    assert [pieces[row] for row in rows] == ["x"] * n_target


@pytest.mark.parametrize(
    ("heading", "left", "expected"),
    [
        ((0, 2), 4, "[CLS] h h e [unused1] x x x [unused1] p [SEP]"),
        ((0, 2), 2, "[CLS] h h c d e [unused1] x x x [unused1] p [SEP]"),
        ((0, 2), 0, "[CLS] h h c d e [unused1] x x x [unused1] p [SEP]"),  # in the context anyway: read once
        ((0, 4), 4, "[CLS] h h c d e [unused1] x x x [unused1] p [SEP]"),
        ((0, 5), 5, "[CLS] [unused1] x x x [unused1] p [SEP]"),  # more than half of the room for context
    ],
)
def test_a_heading_stands_before_the_context(heading: tuple[int, int], left: int, expected: str):
    words = ["h", "h", "c", "d", "e", "x", "x", "x", "p"]
    views = settings_of("wordpiece", size=16, stride=14)
    unit = Unit(left, 5, 8, 9, heading=heading)
    layout = lay_out(views, "context", [Reading(Doc(NLP.vocab, words=words), [unit], marked=True)])
    tokenizer = FAMILIES["wordpiece"]()
    assert " ".join(tokenizer.id_to_token(int(i)) for i in layout.ids[0]) == expected
    assert numpy.concatenate(layout.segments).tolist() == [5, 6, 7]


def test_a_target_over_the_window_is_read_in_windows_without_context():
    doc = Doc(NLP.vocab, words=["a"] * 5 + ["x"] * 50 + ["p"] * 5)
    views = settings_of("wordpiece", size=20, stride=18)
    layout = lay_out(views, "context", [Reading(doc, [Unit(0, 5, 55, 60)], marked=True)])
    tokenizer = FAMILIES["wordpiece"]()
    for ids in layout.ids:
        names = [tokenizer.id_to_token(int(i)) for i in ids]
        assert names == ["[CLS]", "[unused1]", *["x"] * 16, "[unused1]", "[SEP]"]
    assert numpy.concatenate(layout.segments).tolist() == list(range(5, 55))


@pytest.mark.parametrize(
    ("family", "marker"), [("wordpiece", "[unused1]"), ("byte_bpe", "madeupword0001"), ("unigram", "<mask>")]
)
def test_marker_of_each_family_is_one_known_piece(family: str, marker: str):
    assert settings_of(family).wordpieces.marker == FAMILIES[family]().token_to_id(marker)


def test_unmarked_units_have_no_markers():
    layout = lay_out(settings_of("wordpiece"), "sentence", [Reading(letters(6), [Unit(0, 2, 4, 6)], marked=False)])
    assert [len(ids) for ids in layout.ids] == [8]


def test_sentences_over_several_windows_give_one_row_from_all_their_heads():
    doc = letters(70)
    layout = lay_out(settings_of("wordpiece"), "sentence", [Reading(doc, [Unit(0, 0, 60, 60), Unit(60, 60, 70, 70)])])
    firsts = numpy.cumsum([0] + [len(ids) for ids in layout.ids])[:-1]
    assert numpy.concatenate(layout.gather).tolist() == firsts.tolist()
    assert numpy.concatenate(layout.segments).tolist() == [0, 0, 0, 1]
    assert layout.lengths == [2]


def test_views_that_need_units_refuse_docs_and_unknown_views_are_named():
    for view in ("sentence", "pair"):
        with pytest.raises(MedmtlError, match=f"E010.*'{view}'.*'spacy debug model' ends with this"):
            lay_out(settings_of("wordpiece"), view, [letters(3)])
    with pytest.raises(MedmtlError, match="E002.*'page'.*tokens, document, sentence, pair, context"):
        lay_out(settings_of("wordpiece"), "page", [letters(3)])
    with pytest.raises(MedmtlError, match="E010.*'document'"):
        lay_out(settings_of("wordpiece"), "document", [Reading(letters(3), [Unit(0, 0, 3, 3)])])


def pieces_read(views: ViewSettings, unit: Unit, doc: Doc) -> tuple[list[int], list[list[int]]]:
    """The pieces of the one sequence of a unit, and which of them are read for each token."""
    layout = lay_out(views, "context", [Reading(doc, [unit], marked=True)])
    (ids,) = layout.ids
    rows, segments = numpy.concatenate(layout.gather), numpy.concatenate(layout.segments)
    return ids.tolist(), [ids[rows[segments == token]].tolist() for token in range(len(doc))]


@pytest.mark.parametrize("family", FAMILIES)
def test_speakers_stand_in_front_of_what_they_say_and_give_no_rows(family: str):
    views = settings_of(family, 64)
    doc = Doc(NLP.vocab, words="any pain no fever good".split())
    silent = Unit(0, 2, 4, 5)
    spoken = Unit(0, 2, 4, 5, speakers=((0, "knee:"), (2, "chest:"), (4, "knee:")))
    words, template = views.wordpieces, views.wordpieces.single
    of_doc, (knee, chest) = words.of_doc(doc), (list(words.of_text(name)) for name in ("knee:", "chest:"))
    any_pain, target, good = (
        of_doc.ids[of_doc.starts[a] : of_doc.starts[b]].tolist() for a, b in ((0, 2), (2, 4), (4, 5))
    )
    marker = [words.marker]
    expected = [*knee, *any_pain, *chest, *marker, *target, *marker, *knee, *good]
    ids, rows = pieces_read(views, spoken, doc)
    assert ids == [*template.before, *expected, *template.after]
    assert rows == pieces_read(views, silent, doc)[1]


@pytest.mark.parametrize("size", range(16, 40))
def test_speakers_are_cut_as_context_from_the_outside_and_the_unit_never(size: int):
    views = settings_of("wordpiece", size)
    doc = letters(30)
    unit = Unit(0, 10, 20, 30, speakers=((0, "b"), (10, "c"), (20, "d")))
    words = views.wordpieces
    b, c, d = (list(words.of_text(name)) for name in "bcd")
    a = words.of_doc(doc).ids[0]
    before, after = [*b, *[a] * 10, *c], [*d, *[a] * 10]
    ids, rows = pieces_read(views, unit, doc)
    assert len(ids) <= size
    first, second = (i for i, piece in enumerate(ids) if piece == words.marker)
    assert ids[first + 1 : second] == [a] * 10
    left, right = ids[len(words.single.before) : first], ids[second + 1 : len(ids) - len(words.single.after)]
    assert left == before[len(before) - len(left) :]
    assert right == after[: len(right)]
    assert [len(row) for row in rows] == [0] * 10 + [1] * 10 + [0] * 10
