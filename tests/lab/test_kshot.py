"""k-shot samples: exactly k where a document has one label, at least k where it has many, nothing that adds nothing."""

from collections import Counter
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from thinc.api import Config
from toy import CASE, TEXTS, with_sentences

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.lab.cells import Cell
from spacy_medmtl.lab.kshot import doc_labels, sample, sampled_cells

annotate_findings = CASE["cpncf_assertion"].annotate
annotate_pairs = CASE["pair_relation"].annotate


def test_one_label_each():
    labels = [["abc"[i % 3]] for i in range(60)]
    for k in (1, 8, 16):
        assert Counter(labels[i][0] for i in sample(labels, k, seed=0)) == {"a": k, "b": k, "c": k}
    assert sample(labels, 8, seed=0) == sample(labels, 8, seed=0) != sample(labels, 8, seed=1)


@pytest.mark.parametrize("seed", range(5))
def test_many_labels(seed: int):
    labels = [["a"], ["a", "a", "b"], [], ["b", "c"], ["c", "c"]] * 20
    taken = sample(labels, 8, seed)
    counts = Counter(label for i in taken for label in labels[i])
    assert min(counts[one] for one in "abc") >= 8
    assert all(labels[i] for i in taken), "a document without labels adds nothing"
    assert len(taken) <= 3 * 8


def test_labels_of_pairs_and_findings(make_nlp):
    nlp = make_nlp("pair_relation", "cpncf_assertion")
    findings, pairs = nlp.get_pipe("cpncf_assertion"), nlp.get_pipe("pair_relation")
    doc = with_sentences(nlp, TEXTS[0])
    assert doc_labels(doc, findings) == doc_labels(doc, nlp.get_pipe("sentencizer")) == []
    annotate_findings(doc)
    annotate_pairs(doc)
    assert doc_labels(doc, findings) == ["SIGN positive", "SIGN negative"]
    assert doc_labels(doc, pairs) == ["(none)", "CONTRAST"]


def test_cells_get_their_samples(base: Config, tmp_path: Path):
    cells = [Cell("x", {"nlp.lang": "en"}, 4, seed=seed, shots=1) for seed in (0, 1)]
    found = sampled_cells(base, cells, tmp_path, lambda items, _: items)
    for cell in found:
        paths = [str(value) for name, value in cell.changes.items() if name.endswith(".path")]
        assert [value for name, value in cell.changes.items() if name.endswith(".limit")] == [0] * 4, (
            "samples are whole"
        )
        assert len(paths) == 4
        for path in paths:
            docs = list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))
            assert 0 < len(docs) < len(TEXTS)
            assert all(doc.has_annotation("SENT_START") and doc.spans for doc in docs)
    assert found[0].changes != found[1].changes


def test_too_few_of_a_label(base: Config, tmp_path: Path):
    with pytest.raises(MedmtlError, match="E346.*rarest label .*; 8 are wanted"):
        sampled_cells(base, [Cell("x", {}, 4, shots=8)], tmp_path, lambda items, _: items)
