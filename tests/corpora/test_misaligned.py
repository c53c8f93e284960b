"""Edges inside tokens, and documents with a loss: every policy does what it says, and the text stays what it is."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_medmtl.corpora.audit import CONTRACTED, DROPPED, EXPANDED, SKIPPED, Audit, Place
from spacy_medmtl.corpora.docs import split_sentences, token_span
from spacy_medmtl.corpora.retokenize import Edges, SplittingTokenizer, split_tokens, unsplit
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.errors import MedmtlError

# "unwellish" and "skin-rashes" hold findings and entities whose edges are no token borders
TEXT = (
    "# doc a-1\n<complaint> Not un[well|Problem-]ish. [[Sk|Anatomy]in-[rash|Problem]es|Problem+] came.\n<plan> Wait.\n"
)
PUBTATOR = "1|t|Ab.c.d cases\n1|a|None e.g. here.\n1\t1\t2\tb\tDisease\tD1\n1\t4\t6\t.d\tChemical\tD2\n\n"


def read(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def run(source, output, policy, **options):
    options = {"on_error": "report", **options}
    audit = convert_corpus(Job("sample", [source], output, on_misaligned=policy, **options))
    return read(output)[0], audit


def texts(doc, key):
    return [span.text for span in doc.spans[key]]


def test_retokenize_fits_every_layer(write, tmp_path):
    doc, audit = run(write("a.txt", TEXT), tmp_path / "x.spacy", "retokenize")
    plain, _ = run(write("a.txt", TEXT), tmp_path / "y.spacy", "expand")
    assert texts(doc, "medmtl_ner") == ["well", "Skin-rashes", "Sk", "rash"]
    assert texts(doc, "medmtl_findings") == ["well", "Skin-rashes"]
    assert texts(doc, "medmtl_intents") == texts(plain, "medmtl_intents")
    assert [sent.text for sent in doc.sents] == [sent.text for sent in plain.sents]
    assert doc.text == plain.text
    assert not audit.changes
    assert audit.notes["tokens split so that a span fits"] == len(doc) - len(plain) > 0


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


def test_sentences_do_not_depend_on_the_gold(write, tmp_path):
    """A full stop that a split sets free ends no sentence."""
    docs = {}
    for policy in ("expand", "retokenize"):
        output = tmp_path / f"{policy}.spacy"
        convert_corpus(Job("pubtator", [write("a.txt", PUBTATOR)], output, on_misaligned=policy))
        (docs[policy],) = read(output)
    assert [s.text for s in docs["expand"].sents] == [s.text for s in docs["retokenize"].sents]
    assert texts(docs["retokenize"], "medmtl_ner") == ["b", ".d"]
    assert len(docs["retokenize"]) > len(docs["expand"])


@given(st.text(max_size=40), st.sets(st.integers(-2, 45), max_size=8))
def test_splitting_keeps_the_text(text, edges):
    nlp = spacy.blank("en")
    plain = nlp.make_doc(text)
    split = split_tokens(plain, edges)
    assert split.text == text
    starts = {token.idx for token in split}
    assert {token.idx for token in plain} <= starts
    inside = {token.idx + i for token in plain for i in range(1, len(token))}
    assert edges & inside <= starts
    whole, firsts = unsplit(split)
    assert [token.text for token in whole] == [token.text for token in plain]
    assert [split[i].idx for i in firsts.values()] == [token.idx for token in plain]


def test_equal_texts_share_their_edges(nlp):
    edges = Edges()
    edges.add("unwell", 2)
    tokenizer = SplittingTokenizer(nlp.tokenizer, edges)
    assert [[token.text for token in tokenizer(text)] for text in ("unwell", "so unwell")] == [
        ["un", "well"],
        ["so", "unwell"],
    ]


def test_rule_sees_tokens_as_they_were(nlp):
    edges = Edges()
    edges.add("approx. two", 6)
    doc = SplittingTokenizer(nlp.tokenizer, edges)("approx. two")
    split_sentences(doc, Audit())
    assert [token.text for token in doc] == ["approx", ".", "two"]
    plain = nlp.make_doc("approx. two")
    split_sentences(plain, Audit())
    assert [s.text for s in doc.sents] == [s.text for s in plain.sents]


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
