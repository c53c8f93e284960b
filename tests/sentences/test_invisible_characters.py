"""A text with characters of no width in it has the tokens and sentences that it has without."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_medmtl.annotations.blanks import INVISIBLE, is_blank, visible
from spacy_medmtl.annotations.groups import sentence_bounds

NLP = spacy.blank("en")
NLP.add_pipe("medmtl_sentences")
BEFORE = spacy.blank("en")
WORDS = ["pain", "pain.", "(no", "fever),", "3.5", "mg/kg", "Mr.", "isn't", "x-ray;", "no?"]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def words(doc: Doc) -> list[str]:
    return [visible(token.text) for token in doc if not is_blank(token)]


def sentences(doc: Doc) -> list[list[str]]:
    return [words(doc[start:end].as_doc()) for start, end in sentence_bounds(doc)]


@settings(max_examples=25)
@given(text=TEXT, mark=st.sampled_from(INVISIBLE))
def test_behind_and_before_words(text: str, mark: str):
    expected = NLP(text)
    for other in (text.replace(" ", f"{mark} "), text.replace(" ", f" {mark}"), f"{mark}{text}{mark}"):
        doc = NLP(other)
        assert words(doc) == words(expected)
        assert sentences(doc) == sentences(expected)
        assert doc.text == other


@pytest.mark.parametrize("mark", INVISIBLE)
@pytest.mark.parametrize("text", ["pain.", "(no fever).", "pain, fever. no?"])
def test_before_what_ends_a_sentence(text: str, mark: str):
    expected = NLP(text)
    for end in ".,?":
        doc = NLP(text.replace(end, f"{mark}{end}"))
        assert words(doc) == words(expected)
        assert sentences(doc) == sentences(expected)


@pytest.mark.parametrize("mark", ["\u200e", "\u202d", "\u2069", "\ufe0f", "\x07", "\x00", "\x1b", "\x9f"])
def test_directions_forms_and_control_characters_are_not_seen(mark: str):
    assert visible(f"{mark}pa{mark}in{mark}") == "pain"
    assert [is_blank(token) for token in Doc(NLP.vocab, words=[mark, f"{mark}pain", "\u0601", "1"])] == [
        True,
        *[False] * 3,
    ]
    assert [token.text for token in NLP(f"{mark}pain{mark}.")] == [mark, "pain", mark, "."]


@settings(max_examples=25)
@given(text=TEXT)
def test_other_texts_have_the_tokens_that_they_had(text: str):
    assert [token.text for token in BEFORE(text)] == [token.text for token in NLP.make_doc(text)]


def test_a_saved_tokenizer_keeps_it():
    loaded = spacy.blank("en")
    loaded.tokenizer.from_bytes(NLP.tokenizer.to_bytes())
    assert [token.text for token in loaded("pain.\u200b")] == ["pain", ".", "\u200b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("o\u0308dem", "\u00f6dem"), ("hy\u00adper\u200btension", "hypertension"), ("a\u00a0b", "a\u00a0b")],
)
def test_words_as_they_read(text: str, expected: str):
    assert visible(text) == expected
