"""``medmtl debug-data`` on what a conversion may have done to findings."""

import json

import pytest
import spacy
from spacy.tokens import Span

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES, FINDINGS, write_group
from spacy_medmtl.training.finding_checks import FindingChecks


class Given:
    """What the checks read of an Example and of a pipeline."""

    def __init__(self, doc=None, path="", keys=()):
        self.reference = doc
        self.components = [(key, type("Pipe", (), {"spans_key": key})()) for key in keys]
        self.config = self
        self.path = path

    def interpolate(self):
        return {"corpora": {"train": {"corpora": {"notes": {"path": str(self.path)}}}}}


def doc_of(*statuses, entities=(), labels=("Problem",)):
    doc = spacy.blank("en").make_doc(" ".join(["ache"] * len(statuses)))
    spans = [Span(doc, at, at + 1, "Problem") for at in range(len(statuses))]
    write_group(doc, FINDINGS, spans, assertion=list(statuses))
    kept = [span for span in spans if span.start in entities]
    write_group(doc, ENTITIES, kept).attrs[ANNOTATED_LABELS] = list(labels)
    return doc


def codes(doc, tmp_path, keys=(FINDINGS,), left_out=None):
    path = tmp_path / "notes.spacy"
    if left_out is not None:
        path.with_name("notes.spacy.audit.json").write_text(json.dumps({"left_out": left_out}))
    checks = FindingChecks(Given(path=path, keys=keys))
    assert list(checks.watch([Given(doc)], "train"))
    errors, warnings = [], []
    checks.report(errors, warnings)
    return [[text.split("]")[0].removeprefix("[MEDMTL-") for text in found] for found in (errors, warnings)]


@pytest.mark.parametrize(
    ("doc", "left_out", "expected"),
    [
        (doc_of(*["negative"] * 30, entities=range(30)), None, ["E312"]),
        (doc_of(*["negative"] * 5, entities=range(5)), None, []),
        (doc_of(*["negative", "positive"] * 15, entities=range(30)), None, []),
        (doc_of(*["negative", "positive"] * 15, entities=range(0, 30, 2)), None, ["E313"]),
        (doc_of(*["negative", "positive"] * 15, labels=("Drug",)), None, []),  # findings under a name of their own
        (doc_of("negative", entities=[0]), {"attribute Severity": 3}, ["E314"]),
        (doc_of("negative", entities=[0]), {"mention of the label Drug, which is no finding here": 3}, []),
    ],
)
def test_what_is_refused(doc, left_out, expected, tmp_path):
    assert codes(doc, tmp_path, left_out=left_out) == [expected, []]


def test_pipelines_without_findings_are_warned(tmp_path):
    doc = doc_of(*["negative"] * 30, entities=range(30))
    assert codes(doc, tmp_path, keys=(ENTITIES,), left_out={"attribute Severity": 3}) == [[], ["E312", "E314"]]
