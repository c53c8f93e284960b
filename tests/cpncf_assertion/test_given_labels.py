"""Which given spans are judged, and what stands where they and found findings overlap."""

import pytest
import spacy
from spacy.tokens import Span

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS
from spacy_medmtl.cpncf_assertion.given import given_spans, settled, sources_of
from spacy_medmtl.cpncf_assertion.tags import Finding
from spacy_medmtl.errors import MedmtlError

NAME = "cpncf_assertion"
WORDS = "denies chest pain and cough \n after aspirin today"
PROBLEMS = {ENTITIES: ["Problem"]}


@pytest.fixture
def doc():
    """Nested and other entities: chest pain (Problem), chest (Anatomy), cough (Test, a mistake), aspirin (Drug)."""
    doc = spacy.blank("en").make_doc(WORDS)
    places = [(1, 3, "Problem"), (1, 2, "Anatomy"), (4, 5, "Test"), (7, 8, "Drug")]
    doc.spans[ENTITIES] = [Span(doc, *place) for place in places]
    doc.ents = [Span(doc, 4, 6, "Problem")]  # with white space at its end
    return doc


def places(findings):
    return [(one.start, one.end, one.label) for one in findings]


def test_labels_say_which_spans_are_given(doc):
    assert places(given_spans(doc, PROBLEMS)) == [(1, 3, "Problem")]
    assert places(given_spans(doc, {"ents": None, **PROBLEMS})) == [(4, 5, "Problem"), (1, 3, "Problem")]
    assert len(given_spans(doc, sources_of([ENTITIES, "ents"]))) == 5
    assert given_spans(doc, {"nowhere": ["Problem"], ENTITIES: ["problem"]}) == []


CHEST_PAIN, PAIN, COUGH, TODAY = (
    Finding(1, 3, "Finding", 0.9),
    Finding(2, 3, "Finding", 0.9),
    Finding(4, 5, "Finding", 0.8),
    Finding(8, 9, "Finding", 0.7),
)


@pytest.mark.parametrize(
    ("conflicts", "found", "expected"),
    [
        ("keep", [PAIN, COUGH], [(2, 3, "Finding"), (4, 5, "Finding"), (1, 3, "Problem")]),
        ("found", [PAIN, COUGH], [(2, 3, "Finding"), (4, 5, "Finding")]),
        ("found", [COUGH], [(4, 5, "Finding"), (1, 3, "Problem")]),
        ("given", [PAIN, COUGH, TODAY], [(8, 9, "Finding"), (1, 3, "Problem")]),  # cough is said to be a Test
        ("given", [CHEST_PAIN], [(1, 3, "Problem")]),
    ],
)
def test_the_rule_where_found_and_given_overlap(doc, conflicts, found, expected):
    given = given_spans(doc, PROBLEMS)
    assert places(settled(doc, found, given, PROBLEMS, conflicts)) == expected


@pytest.mark.parametrize("conflicts", ["keep", "found", "given"])
def test_a_given_span_that_was_found_is_that_finding(doc, conflicts):
    """With its probability, whoever has the last word."""
    found = [Finding(1, 3, "Problem", 0.9)]
    assert settled(doc, found, given_spans(doc, PROBLEMS), PROBLEMS, conflicts) == found


@pytest.mark.parametrize(
    "wrong", [{}.keys(), "ents", ["ents", "ents"], {"ents": []}, {"ents": "Problem"}, {"ents": [1]}, {"": None}, None]
)
def test_what_is_no_source_is_refused(wrong):
    head = spacy.blank("en").add_pipe(NAME)
    with pytest.raises(MedmtlError, match="E203.*'given'"):
        head.given = wrong
    assert head.given == ("medmtl_given",)


def test_problems_of_another_component_are_judged_and_nothing_else(doc, make_nlp, tmp_path):
    """The setting is saved with the pipeline; a dict that was given cannot change it afterwards."""
    given = {ENTITIES: ["Problem"]}
    nlp = make_nlp((NAME, NAME, {"mode": "assert", "given": given}))
    head = nlp.get_pipe(NAME)
    head.add_label("Finding")
    nlp.initialize()
    given[ENTITIES].append("Drug")
    assert head.given_labels == {ENTITIES: ("Problem",)}
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert again.config["components"][NAME]["given"] == {ENTITIES: ["Problem"]}
    for pipeline in (nlp, again):
        read = doc.copy()
        read.vocab.strings.add("Problem")
        for name in ("encoder", NAME):
            read = pipeline.get_pipe(name)(read)
        (span,) = read.spans[FINDINGS]
        assert (span.text, span.label_) == ("chest pain", "Problem")
        assert read.spans[FINDINGS].attrs["detection_scores"] == [None]
