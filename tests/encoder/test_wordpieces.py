"""Wordpieces of tokens: nothing is lost, whatever the text and the tokenizer family."""

from functools import cache
from typing import Any

import numpy
import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from tiny_tokenizers import FAMILIES

from spacy_medmtl.annotations.blanks import is_blank
from spacy_medmtl.encoder.views.layout import ViewSettings, Window
from spacy_medmtl.encoder.views.requests import DocumentReading, Reading, units_with_context
from spacy_medmtl.encoder.views.viewer import lay_out
from spacy_medmtl.encoder.views.wordpieces import DocPieces, WordPieces

CONTROL = "\x00\x01\x07\x08\x1b\x7f\x85\u200b\u200d\u2028\ufeff\ufffd\u00ad"
SPACES = " \t\n\r\u00a0\u2003"
EMOJI = "😀👩‍⚕️🩺❤️"
CJK = "患者胸痛無發熱あア한국"
NLP = spacy.blank("en")
FIXED = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

pieces_of_text = st.one_of(
    st.sampled_from(
        ["no fever .", "chest pain", "x1" * 45, "q" * 300, "[SEP]", "[PAD]", "</s>", "", "   ", "\n\n", CJK * 9]
    ),
    st.text(alphabet=CONTROL + SPACES, max_size=8),
    st.text(alphabet=EMOJI + CJK + "abc .,", max_size=20),
    st.text(max_size=20),
)
texts = st.lists(pieces_of_text, max_size=8).map("".join)


@cache
def wordpieces(family: str) -> WordPieces:
    return WordPieces(FAMILIES[family]().to_str())


def check_pieces(doc: Doc, pieces: DocPieces) -> None:
    owned = numpy.diff(pieces.starts)
    assert pieces.starts[0] == 0
    assert pieces.starts[-1] == len(pieces.ids)
    assert [bool(n) for n in owned] == [not is_blank(token) for token in doc]


def check_layout(doc: Doc, pieces: DocPieces, view: str, items: list[Any], views: ViewSettings) -> None:
    """Each piece of the text lands in exactly one output row, that of its token, and sequences fit."""
    layout = lay_out(views, view, items, [pieces])
    assert all(len(ids) == len(types) <= views.window.size for ids, types in zip(layout.ids, layout.types))
    assert layout.lengths == [len(doc)]
    none = numpy.zeros(0, dtype="int64")
    gather, segments = numpy.concatenate([none, *layout.gather]), numpy.concatenate([none, *layout.segments])
    stream = numpy.concatenate([none, *layout.ids])
    assert len(set(gather.tolist())) == len(gather)
    assert stream[gather].tolist() == pieces.ids.tolist()  # all of them, in the order of the text
    assert segments.tolist() == numpy.repeat(numpy.arange(len(doc)), numpy.diff(pieces.starts)).tolist()


@pytest.mark.parametrize("family", FAMILIES)
@FIXED
@given(text=texts)
def test_every_token_owns_pieces_and_every_piece_one_row(family: str, text: str):
    doc, tool = NLP(text), wordpieces(family)
    pieces = tool.of_doc(doc)
    check_pieces(doc, pieces)
    for window, stride in ((16, 1), (16, 14), (40, 24)):
        views = ViewSettings(tool, Window(window, stride))
        check_layout(doc, pieces, "tokens", [doc], views)
        check_layout(doc, pieces, "context", [doc], views)
        check_layout(doc, pieces, "document", [doc], views)
        thirds = sorted({0, len(doc) // 3, len(doc) // 2, len(doc)})
        units = units_with_context(list(zip(thirds, thirds[1:])), 1)
        check_layout(doc, pieces, "context", [Reading(doc, units, marked=True)], views)
        check_layout(doc, pieces, "document", [DocumentReading(doc, list(zip(thirds, thirds[1:])))], views)


@pytest.mark.parametrize("family", FAMILIES)
@FIXED
@given(
    words=st.lists(st.text(min_size=1, max_size=6), max_size=12),
    blanks=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_tokens_of_any_tokenizer(family: str, words: list[str], blanks: list[bool]):
    """Docs need not come from spaCy's tokenizer: words may hold blanks or be nothing but controls."""
    doc = Doc(NLP.vocab, words=words, spaces=blanks[: len(words)])
    check_pieces(doc, wordpieces(family).of_doc(doc))


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\n\t ", "\x00", "\u200b\u200d", "🩺", "👩‍⚕️🩺", "患者胸痛無發熱", "a\u00a0b", "q" * 5000, "x1" * 2500],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_odd_texts(family: str, text: str):
    doc, tool = NLP(text), wordpieces(family)
    pieces = tool.of_doc(doc)
    check_pieces(doc, pieces)
    for view in ("tokens", "document"):
        check_layout(doc, pieces, view, [doc], ViewSettings(tool, Window(32, 20)))


@pytest.mark.parametrize("family", FAMILIES)
def test_one_token_longer_than_the_window_and_text_far_over_it(family: str):
    tool = wordpieces(family)
    views = ViewSettings(tool, Window(32, 20))
    giant = "x1" * 45  # WordPiece takes words of more than 100 letters for unknown: one piece
    for words in ([giant], ["no", giant, "fever"], ["chest", "pain", giant, "."] * 300):
        doc = Doc(NLP.vocab, words=words)
        pieces = tool.of_doc(doc)
        assert numpy.diff(pieces.starts).max() > 32
        check_pieces(doc, pieces)
        for view in ("tokens", "context", "document"):
            check_layout(doc, pieces, view, [doc], views)


@pytest.mark.parametrize("family", FAMILIES)
def test_truncation_and_padding_in_the_file_are_neutralised(family: str):
    """The tokenizer.json of sentence-transformers models cuts at 128 pieces and pads."""
    cutting = FAMILIES[family]()
    cutting.enable_truncation(4)
    cutting.enable_padding(length=30)
    tool, plain = WordPieces(cutting.to_str()), wordpieces(family)
    doc = NLP("the " + "x1" * 40 + " chest pain .")
    assert tool.of_doc(doc).ids.tolist() == plain.of_doc(doc).ids.tolist()
    assert (tool.single, tool.pair) == (plain.single, plain.pair)


def test_a_blank_before_a_word_makes_the_pieces_that_the_vocabulary_was_trained_on():
    """Byte-level BPE has other pieces for a word at the start and inside a text."""
    tool, tokenizer = wordpieces("byte_bpe"), FAMILIES["byte_bpe"]()
    text = "the chest pain is left ."
    assert tool.of_doc(NLP(text)).ids.tolist() == tokenizer.encode(text, add_special_tokens=False).ids
    glued = Doc(NLP.vocab, words=["chest", "pain"], spaces=[False, False])
    assert tool.of_doc(glued).ids.tolist() != tool.of_doc(NLP("chest pain")).ids.tolist()
    after_newline = NLP("\n\nchest")
    assert tool.of_doc(after_newline).ids.tolist() == tokenizer.encode(" chest", add_special_tokens=False).ids


def test_pieces_do_not_depend_on_what_was_read_before():
    """The memo of word forms changes no result."""
    fresh = WordPieces(FAMILIES["byte_bpe"]().to_str())
    docs = [NLP("pain in the chest"), NLP("pain  pain\npain")]
    once = [fresh.of_doc(doc).ids.tolist() for doc in docs]
    assert [fresh.of_doc(doc).ids.tolist() for doc in reversed(docs)] == once[::-1]


TYPED = {"☐": "[ ]", "□": "[ ]", "☑": "[x]", "☒": "[x]", "✓": "+", "✔": "+", "✗": "-", "✘": "-"}
TYPED |= {
    "❌": "-",
    "\u2796": "-",
    "\u2795": "+",
    "\uf0a8": "[ ]",
    "\uf06f": "[ ]",
    "\uf0fe": "[x]",
    "\uf0fc": "+",
    "\uf0fb": "-",
}


def test_signs_of_forms_that_no_piece_stands_for_are_read_as_typed():
    """A ticked box, an empty one and a cross are three things, and not [UNK] each."""
    tokenizer = FAMILIES["wordpiece"]()
    tokenizer.add_tokens(list("[]+-"))
    pieces = WordPieces(tokenizer.to_str())
    assert {sign: pieces.of_text(sign) for sign in TYPED} == {sign: pieces.of_text(own) for sign, own in TYPED.items()}
    assert len({pieces.of_text(sign) for sign in TYPED}) == 4
    assert pieces.of_text("☹") == pieces.of_text("\u2603")  # others stay unknown


@pytest.mark.parametrize("form", ["\ufe0e", "\ufe0f"])
def test_signs_as_phones_type_them_are_read_as_others(form: str):
    """The character behind "☑️" says that it is an emoji; it is no sign of its own."""
    tokenizer = FAMILIES["wordpiece"]()
    tokenizer.add_tokens(list("[]+-"))
    pieces = WordPieces(tokenizer.to_str())
    plain, other = (pieces.of_doc(NLP(f"☑{mark} pain ☐{mark} chest")) for mark in ("", form))
    assert other.ids.tolist() == plain.ids.tolist()


def test_signs_of_forms_that_the_vocabulary_knows_keep_their_piece():
    tokenizer = FAMILIES["wordpiece"]()
    tokenizer.add_tokens([*"[]+-", "☐"])
    pieces = WordPieces(tokenizer.to_str())
    assert len(pieces.of_text("☐")) == 1
    bytes_ = wordpieces("byte_bpe")
    assert bytes_.of_text("☐") != bytes_.of_text("[ ]")
