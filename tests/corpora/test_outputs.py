"""The files of Docs: what ``DocFile`` writes is what spaCy's own ``DocBin`` would."""

import zlib

import pytest
import spacy
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from spacy_medmtl.annotations.groups import set_sentence_starts, write_group
from spacy_medmtl.corpora.outputs import STORED, DocFile, write_atomically
from spacy_medmtl.errors import MedmtlError

NLP = spacy.blank("en")
WORDS = st.lists(st.sampled_from(["no", "fever", " ", "\n", "🦴", "e\u0301", "漢"]), max_size=6)


@st.composite
def docs(draw) -> Doc:
    words = draw(WORDS)
    spaces = draw(st.none() | st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    set_sentence_starts(doc, draw(st.sets(st.integers(0, 6))))
    for key in draw(st.sets(st.sampled_from(["medmtl_ner", "medmtl_findings"]))):
        spans = [Span(doc, at, at + 1, draw(st.sampled_from("AB"))) for at in range(0, len(doc), 2)]
        write_group(doc, key, spans, assertion=["negative"] * len(spans), scores=[0.5] * len(spans))
    doc.cats = draw(st.dictionaries(st.sampled_from("ab"), st.sampled_from([0.0, 1.0])))
    return doc


@settings(deadline=None)
@given(given_docs=st.lists(docs(), max_size=4))
def test_content_is_that_of_spacy(given_docs, tmp_path_factory):
    path = tmp_path_factory.mktemp("out") / "x.spacy"
    output = DocFile(path)
    for doc in given_docs:
        output.add(doc)
    output.finish()
    expected = srsly.msgpack_loads(zlib.decompress(DocBin(attrs=STORED, docs=given_docs).to_bytes()))
    found = srsly.msgpack_loads(zlib.decompress(path.read_bytes()))
    texts = {token.text for doc in given_docs for token in doc}
    assert set(found.pop("strings")) >= texts  # what a Doc has none of (lemmas, tags) is not listed
    expected.pop("strings")
    assert found == expected
    back = list(DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab))
    assert [doc.text for doc in back] == [doc.text for doc in given_docs]
    labels = [[(s.start, s.end, s.label_) for key in sorted(doc.spans) for s in doc.spans[key]] for doc in back]
    assert labels == [
        [(s.start, s.end, s.label_) for key in sorted(doc.spans) for s in doc.spans[key]] for doc in given_docs
    ]


def test_nothing_is_left_of_what_was_not_finished(tmp_path):
    (tmp_path / "x.spacy").write_bytes(b"earlier")
    output = DocFile(tmp_path / "x.spacy")
    output.add(NLP.make_doc("No fever."))
    output.abandon()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    output = DocFile(tmp_path / "file" / "x.spacy")
    with pytest.raises(MedmtlError, match="MEDMTL-E407"):
        output.finish()
    output.abandon()


def test_a_folder_named_like_the_unfinished_part_stays(tmp_path):
    """What stands there is somebody else's."""
    (tmp_path / "x.spacy.part").mkdir()
    (tmp_path / "x.spacy.part" / "thesis.docx").write_text("mine")
    with pytest.raises(MedmtlError, match="MEDMTL-E407"):
        write_atomically(tmp_path / "x.spacy", b"data")
    assert (tmp_path / "x.spacy.part" / "thesis.docx").read_text() == "mine"
    assert not (tmp_path / "x.spacy").exists()
