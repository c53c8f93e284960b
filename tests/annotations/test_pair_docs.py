"""Two texts as one Doc of two segments, and back, for any texts."""

import pytest
import spacy
from hypothesis import example, given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_medmtl import pair_doc, texts_of
from spacy_medmtl.annotations.pairs import SEPARATOR, segment_bounds
from spacy_medmtl.errors import MedmtlError

NLP = spacy.blank("en")
ANY_TEXT = st.text(max_size=30).filter(lambda text: SEPARATOR not in text)
TEXT = st.one_of(ANY_TEXT, st.text(alphabet=" \n\tab.,'", max_size=8))


@given(TEXT, TEXT)
@example("trailing blank ", "next")
@example("two blanks  ", "  two blanks")
@example("line\n", "\nline")
@example(" ", " ")
@example("", "")
@example("", "second")
@example("first", "")
def test_round_trip(first, second):
    assert texts_of(pair_doc(NLP, first, second)) == (first, second)


@given(TEXT, TEXT)
@example("trailing blank ", "next")
def test_round_trip_through_the_plain_text(first, second):
    """The text alone holds the pair: a tokenizer that reads it finds the same two segments."""
    doc = pair_doc(NLP, first, second)
    again = NLP.make_doc(doc.text)
    assert texts_of(again) == (first, second)
    texts = [again[start:end].text.strip() for start, end in segment_bounds(again)]
    assert texts in ([], [first.strip(), second.strip()])


@given(TEXT.filter(str.strip), TEXT.filter(str.strip))
def test_segments_are_the_tokens_of_each_text(first, second):
    doc = pair_doc(NLP, first, second)
    (start, end), (start_2, end_2) = segment_bounds(doc)
    assert (start, start_2, end_2) == (0, end + 1, len(doc))
    assert doc[end].text == SEPARATOR
    own = [token.text for token in NLP.make_doc(first)]
    assert [token.text for token in doc[:end]][: len(own)] == own
    assert [token.text for token in doc[start_2:]] == [token.text for token in NLP.make_doc(second)]


def test_segments_survive_storage():
    stored = DocBin(docs=[pair_doc(NLP, "no fever.", "any cough?")], store_user_data=False).to_bytes()
    (doc,) = DocBin().from_bytes(stored).get_docs(NLP.vocab)
    assert texts_of(doc) == ("no fever.", "any cough?")
    assert [doc[start:end].text for start, end in segment_bounds(doc)] == ["no fever.", "any cough?"]


@pytest.mark.parametrize("texts", [("", "b"), ("a", ""), ("", "")])
def test_an_empty_text_is_no_segment(texts):
    assert segment_bounds(pair_doc(NLP, *texts)) == []


@pytest.mark.parametrize("texts", [(f"a {SEPARATOR} b", "c"), ("a", SEPARATOR)])
def test_a_separator_in_a_text_is_an_error(texts):
    with pytest.raises(MedmtlError, match=r"MEDMTL-E101.*U\+241E"):
        pair_doc(NLP, *texts)


@pytest.mark.parametrize(("text", "received"), [("no pair", 1), (f"a {SEPARATOR} b {SEPARATOR} c", 3)])
def test_a_doc_that_is_no_pair_is_an_error(text, received):
    doc = NLP.make_doc(text)
    assert segment_bounds(doc) == []
    with pytest.raises(MedmtlError, match=rf"MEDMTL-E102.*received {received} segment"):
        texts_of(doc)
