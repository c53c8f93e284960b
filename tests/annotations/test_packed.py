"""Span groups in bytes: what one packer makes and reads for all Docs is what spaCy makes and reads for each."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span
from srsly.msgpack import Packer, msgpack_decoders

from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.annotations.packed import GroupPacker, read_docs

NLP = spacy.blank("en")
KEYS = ("medmtl_ner", "medmtl_findings")


@st.composite
def docs(draw) -> Doc:
    doc = Doc(NLP.vocab, words=["no", "fever", "today"])
    for key in draw(st.sets(st.sampled_from(KEYS))):
        edges = draw(st.lists(st.tuples(st.integers(0, 1), st.integers(2, 3)), max_size=3))
        spans = [
            Span(doc, start, end, label=draw(st.sampled_from("AB")), kb_id=draw(st.sampled_from(["", "C1"])), span_id=7)
            for start, end in edges
        ]
        write_group(doc, key, spans, scores=[0.5] * len(spans))
    return doc


def content(doc: Doc) -> dict:
    return {
        key: (
            group.name,
            dict(group.attrs),
            [(s.start, s.end, s.start_char, s.end_char, s.label_, s.kb_id_, s.id) for s in group],
        )
        for key, group in doc.spans.items()
    }


@settings(deadline=None)
@given(given_docs=st.lists(docs(), max_size=3))
def test_bytes_are_those_of_spacy_and_read_back_as_they_were(given_docs):
    packer = GroupPacker()
    for doc in given_docs:
        packed = packer.pack(doc)
        assert packed == doc.spans.to_bytes()
        other = Doc(NLP.vocab, words=["no", "fever", "today"])
        packer.unpack(other, packed)
        assert content(other) == content(doc)


def test_one_group_under_two_keys_becomes_two(tmp_path):
    doc = NLP.make_doc("No fever.")
    doc.spans["a"] = doc.spans["b"] = [doc[1:2]]
    doc.spans["b"] = doc.spans["a"]
    DocBin(docs=[doc]).to_disk(tmp_path / "x.spacy")
    (back,) = read_docs(tmp_path / "x.spacy", NLP.vocab)
    back.spans["a"].attrs["mine"] = True
    assert back.spans["b"].attrs == {}
    assert [span.text for span in back.spans["b"]] == ["fever"]


def test_groups_of_old_files_are_read(tmp_path):
    doc = NLP.make_doc("No fever.")
    doc.spans["a"] = [doc[1:2]]
    docs = DocBin(docs=[doc])
    docs.span_groups = [Packer(use_bin_type=True).pack([doc.spans["a"].to_bytes()])]
    docs.to_disk(tmp_path / "x.spacy")
    (back,) = read_docs(tmp_path / "x.spacy", NLP.vocab)
    assert [span.text for span in back.spans["a"]] == ["fever"]


@pytest.mark.parametrize("n_docs", [1, 20])
def test_registries_are_not_searched_for_each_doc(tmp_path, monkeypatch, n_docs):
    doc = NLP.make_doc("No fever.")
    doc.spans["a"] = [doc[1:2]]
    DocBin(docs=[doc] * n_docs).to_disk(tmp_path / "x.spacy")
    searches = []
    find = type(msgpack_decoders).get_all
    monkeypatch.setattr(type(msgpack_decoders), "get_all", lambda self: searches.append(self) or find(self))
    assert len(list(read_docs(tmp_path / "x.spacy", NLP.vocab))) == n_docs
    assert searches.count(msgpack_decoders) == 2  # for the file and for the groups
