"""``medmtl debug-data`` on what a conversion may have done to findings."""

import json

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES, FINDINGS, write_group
from spacy_medmtl.training.finding_checks import FindingChecks
from spacy_medmtl.training.given_checks import GivenChecks


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


def test_one_span_with_two_statuses_is_told(tmp_path):
    doc = spacy.blank("en").make_doc("no ache \n but fever")
    ache, untrimmed, fever = Span(doc, 1, 2, "P"), Span(doc, 1, 3, "P"), Span(doc, 4, 5, "P")
    other = Span(doc, 4, 5, "Q")  # another type is another finding
    for spans, statuses, expected in (
        ([ache, untrimmed], ["negative", "positive"], ["W317"]),
        ([ache, untrimmed], ["negative", "negative"], []),
        ([fever, other], ["negative", "positive"], []),
    ):
        write_group(doc, FINDINGS, spans, assertion=statuses)
        assert codes(doc, tmp_path) == [[], expected]


def test_given_labels_that_do_not_stand_in_the_corpus_are_told():
    nlp = spacy.blank("en")
    sources = {"medmtl_ner": ["Problem", "Probem"], "ents": ["SIGN"]}
    head = nlp.add_pipe("cpncf_assertion", config={"given": sources})
    doc = nlp.make_doc("an ache")
    write_group(doc, ENTITIES, [Span(doc, 1, 2, "Problem")])
    for part, expected in (("dev", []), ("train", ["W318"])):
        checks = GivenChecks([head])
        assert list(checks.watch([Example(nlp.make_doc(doc.text), doc)], part))
        found = checks.report()
        assert [text.split("]")[0].removeprefix("[MEDMTL-") for text in found] == expected
    assert "['Probem'] of 'medmtl_ner'" in found[0]
    assert "['Problem']" in found[0]


def test_pipelines_without_findings_are_warned(tmp_path):
    doc = doc_of(*["negative"] * 30, entities=range(30))
    assert codes(doc, tmp_path, keys=(ENTITIES,), left_out={"attribute Severity": 3}) == [[], ["E312", "E314"]]
