"""Edges inside tokens, and documents with a loss: every policy does what it says, and the text stays what it is."""

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_medmtl.corpora.audit import CONTRACTED, DROPPED, EXPANDED, SKIPPED, Audit, Place
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.corpora.spans import token_span
from spacy_medmtl.errors import MedmtlError

# "unwellish" and "skin-rashes" hold findings and entities whose edges are no token borders
TEXT = (
    "# doc a-1\n<complaint> Not un[well|Problem-]ish. [[Sk|Anatomy]in-[rash|Problem]es|Problem+] came.\n<plan> Wait.\n"
)


def read(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def run(source, output, policy, **options):
    options = {"on_error": "report", **options}
    audit = convert_corpus(Job("sample", [source], output, on_misaligned=policy, **options))
    return read(output)[0], audit


def texts(doc, key):
    return [span.text for span in doc.spans[key]]


def test_expand_widens_and_contract_narrows(write, tmp_path):
    source = write("a.txt", TEXT)
    doc, audit = run(source, tmp_path / "x.spacy", "expand")
    assert texts(doc, "medmtl_findings") == ["unwellish", "Skin-rashes"]
    assert audit.tally(EXPANDED)["medmtl_findings", "Finding"] == 1
    doc, audit = run(source, tmp_path / "x.spacy", "contract")
    assert texts(doc, "medmtl_findings") == ["Skin-rashes"]
    assert audit.tally(DROPPED)["medmtl_findings", "Finding"] == 1


def test_contract_keeps_whole_tokens(nlp):
    doc = nlp.make_doc("left-sided unwellish pain")
    audit = Audit(on_misaligned="contract")
    span = token_span(doc, 7, len(doc.text), [("medmtl_ner", "Problem")], audit, Place("a.txt", 3))
    assert span.text == "unwellish pain"
    (change,) = audit.changes
    assert (change.outcome, change.line, change.offsets) == (CONTRACTED, 3, (7, 25, 11, 25))


def test_error_is_a_loss(write, tmp_path):
    source = write("a.txt", TEXT)
    doc, audit = run(source, tmp_path / "x.spacy", "error")
    assert texts(doc, "medmtl_findings") == ["Skin-rashes"]
    assert {change.reason for change in audit.changes} == {"an edge lies inside a token"}
    with pytest.raises(MedmtlError, match="line 2: an edge lies inside a token"):
        run(source, tmp_path / "y.spacy", "error", on_error="stop")
    assert not (tmp_path / "y.spacy").exists()


def test_an_unknown_policy_is_named():
    with pytest.raises(MedmtlError, match="--on-misaligned is 'guess'"):
        Audit(on_misaligned="guess")


GENIA = (
    '{"doc": "1", "sent": 0, "text": "IL-2 acts.", "entities": [[0, 4, "protein"]]}\n'
    '{"doc": "2", "sent": 0, "text": "IL-4 acts.", "entities": [[0, 4, "protein"], [0, 4, "unknown"]]}\n'
    '{"doc": "3", "sent": 0, "text": "IL-6 acts.", "entities": []}\n'
)


def test_skip_leaves_out_the_document_and_lists_it(write, tmp_path):
    source, output = write("a.jsonl", GENIA), tmp_path / "x.spacy"
    audit = convert_corpus(Job("genia", [source], output, on_error="skip"))
    assert [doc.text for doc in read(output)] == ["IL-2 acts.", "IL-6 acts."]
    assert [(change.outcome, change.line) for change in audit.changes] == [(DROPPED, 2), (SKIPPED, 2)]
    assert audit.notes["documents left out: something of it was lost"] == 1
    assert audit.outputs[str(output)].documents == 2
    audit = convert_corpus(Job("genia", [source], output, on_error="report"))
    assert audit.outputs[str(output)].documents == 3


def test_skip_is_refused_where_a_loss_belongs_to_no_document(write, tmp_path):
    with pytest.raises(MedmtlError, match="MEDMTL-E432"):
        run(write("a.txt", TEXT), tmp_path / "x.spacy", "expand", on_error="skip")
