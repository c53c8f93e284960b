"""The converters on the real files, against the counts that the corpora state. Skipped where the files are absent."""

from pathlib import Path

import pytest

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, INTENTS
from spacy_medmtl.corpora.audit import DROPPED, MERGED
from spacy_medmtl.corpora.run import Job, convert_corpus

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
pytestmark = [
    pytest.mark.corpora,
    pytest.mark.slow,
    pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the public corpora are not in {CORPORA}"),
]


def convert(name, file, tmp_path, **options):
    output = tmp_path / "x.spacy"
    audit = convert_corpus(Job(name, [CORPORA / file], output, **options))
    return audit, audit.outputs[str(output)]


@pytest.mark.parametrize(
    ("part", "chemicals", "diseases", "relations"), [("Training", 5203, 4182, 1038), ("Development", 5347, 4244, 1012)]
)
def test_bc5cdr(tmp_path, part, chemicals, diseases, relations):
    audit, counts = convert("pubtator", f"bc5cdr/CDR_{part}Set.PubTator.txt", tmp_path)
    merged = audit.tally(MERGED)
    assert counts.documents == 500
    for label, stated in (("Chemical", chemicals), ("Disease", diseases)):
        assert counts.spans[ENTITIES][label] + merged[ENTITIES, label] == stated
    assert audit.notes["relation lines not used"] == relations


@pytest.mark.parametrize(("file", "pairs", "lost"), [("train_8588.xml", 8588, 1), ("dev_230.xml", 230, 0)])
def test_rqe(tmp_path, file, pairs, lost):
    audit, counts = convert("rqe", f"rqe/{file}", tmp_path, on_error="report")
    assert counts.documents + lost == pairs
    assert sum(audit.tally(DROPPED).values()) == lost  # one question of the training part is empty


@pytest.mark.parametrize(("part", "abstracts", "sentences"), [("train", 720, 6979), ("dev", 80, 801)])
def test_piboso(tmp_path, part, abstracts, sentences):
    audit, counts = convert("piboso", f"piboso/{part}.txt", tmp_path)
    assert (counts.documents, counts.sentences) == (abstracts, sentences)
    assert sum(counts.spans[INTENTS].values()) == sentences
    assert not audit.changes


def test_negex(tmp_path):
    audit, train = convert("negex", "negex/train.tsv", tmp_path, on_error="report", dev_share=0.2)
    written = sum(sum(counts.spans[FINDINGS].values()) for counts in audit.outputs.values())
    assert written + sum(audit.tally(DROPPED).values()) == 1407
    assert sum(audit.tally(DROPPED).values()) == 7  # conditions that run over the end of the sentence
    assert 0.1 < 1 - train.documents / written < 0.3
