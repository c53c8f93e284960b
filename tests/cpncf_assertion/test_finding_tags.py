"""BIO over finding type x status: tags there and back, and the one rule that reads findings off probabilities."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_medmtl.cpncf_assertion.tags import OUTSIDE, TagSet, outermost

TYPES = ["DRUG", "SIGN", "TEST"]
STATUSES = ["positive", "negative", "unknown"]
TAGS = TagSet(TYPES, STATUSES)
FINDING = st.tuples(st.integers(0, 9), st.integers(1, 4), st.sampled_from(TYPES), st.sampled_from(STATUSES))
FINDINGS = st.lists(FINDING.map(lambda f: (f[0], f[0] + f[1], f[2], f[3])), max_size=8)


def one_hot(columns):
    return numpy.eye(TAGS.n_tags)[columns]


def found(probabilities):
    """With the status that the tags speak for."""
    findings = TAGS.decode(probabilities)
    by_tags = [TAGS.status_probabilities(probabilities[f.start : f.end]).argmax() for f in findings]
    return [(f.start, f.end, f.label, STATUSES[best]) for f, best in zip(findings, by_tags)]


def rows(*tags):
    """Probabilities of tokens from (B or I, type, status, probability) or None for O; the rest goes to O."""
    made = numpy.zeros((len(tags), TAGS.n_tags))
    for i, tag in enumerate(tags):
        for kind, label, status, p in tag or ():
            made[i, TAGS.column(label, status, inside=kind == "I")] = p
        made[i, OUTSIDE] = 1.0 - made[i].sum()
    return made


@given(FINDINGS)
def test_round_trip_of_findings_that_do_not_overlap(candidates):
    """Adjacent ones of the same type and status too."""
    kept, n_lost = outermost(candidates)
    assert len(kept) + n_lost == len(candidates)
    assert found(one_hot(TAGS.encode(kept, 14))) == kept
    assert all(finding.detection == 1.0 for finding in TAGS.decode(one_hot(TAGS.encode(kept, 14))))


@given(FINDINGS)
def test_outermost_keeps_the_longest_and_nothing_that_overlaps(candidates):
    kept, _ = outermost(candidates)
    tokens = [i for start, end, *_ in kept for i in range(start, end)]
    assert len(tokens) == len(set(tokens))
    assert kept == outermost(candidates[::-1])[0]
    if candidates:
        assert max(end - start for start, end, *_ in kept) == max(end - start for start, end, *_ in candidates)


@given(st.lists(st.integers(0, TAGS.n_tags - 1), max_size=12), st.integers(0, 2**32 - 1))
def test_any_probabilities_decode_to_findings_that_do_not_overlap(columns, seed):
    """In the order of the text, covering exactly the tokens that are not O, each more probable than not."""
    noise = numpy.random.default_rng(seed).uniform(size=(len(columns), TAGS.n_tags)) * 0.02
    probabilities = one_hot(numpy.asarray(columns, dtype=int)) + noise
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    findings = TAGS.decode(probabilities)
    tokens = [i for finding in findings for i in range(finding.start, finding.end)]
    assert tokens == [i for i, column in enumerate(columns) if column != OUTSIDE]
    assert all(0.5 < finding.detection <= 1.0 for finding in findings)


def test_columns_are_pinned():
    """Saved weights depend on their order."""
    tags = TagSet(["A", "B"], ["yes", "no"])
    names = [(label, status, inside) for label in "AB" for status in ("yes", "no") for inside in (False, True)]
    assert [tags.column(label, status, inside=inside) for label, status, inside in names] == list(range(1, 9))
    assert tags.n_tags == 9
    assert numpy.flatnonzero(tags.allowed(["B"])).tolist() == [0, 5, 6, 7, 8]
    assert numpy.flatnonzero(tags.allowed([])).tolist() == [0]
    with pytest.raises(ValueError, match="'C' is not in list"):
        tags.column("C", "yes", inside=False)


P, N, U = STATUSES
CASES = {
    "inside without begin begins": ([("I", "SIGN", P, 0.9)], None, [(0, 1, "SIGN", P)]),
    "inside goes on whatever its status": (
        [("B", "SIGN", N, 0.9)], [("I", "SIGN", P, 0.6)], [(0, 2, "SIGN", N)]),
    "the status with the highest mean wins, not the first": (
        [("B", "SIGN", N, 0.55)], [("I", "SIGN", P, 0.9)], [(0, 2, "SIGN", P)]),
    "inside of another type begins": (
        [("B", "SIGN", N, 0.9)], [("I", "DRUG", N, 0.9)], [(0, 1, "SIGN", N), (1, 2, "DRUG", N)]),
    "begin after begin begins": (
        [("B", "SIGN", N, 0.9)], [("B", "SIGN", N, 0.9)], [(0, 1, "SIGN", N), (1, 2, "SIGN", N)]),
    "outside needs half of the probability": (
        [("B", "SIGN", N, 0.3), ("B", "SIGN", P, 0.3)], [("B", "SIGN", N, 0.4)], [(0, 1, "SIGN", P)]),
    "a beginning right after a finding must be ten times as probable as going on": (
        [("B", "SIGN", N, 0.9)], [("B", "SIGN", N, 0.85), ("I", "SIGN", N, 0.1)], [(0, 2, "SIGN", N)]),
    "and then it is one": (
        [("B", "SIGN", N, 0.9)], [("B", "SIGN", N, 0.9), ("I", "SIGN", N, 0.05)],
        [(0, 1, "SIGN", N), (1, 2, "SIGN", N)]),
    "the type with the most probability wins": (
        [("B", "SIGN", P, 0.4), ("B", "DRUG", N, 0.3), ("I", "DRUG", N, 0.25)], None, [(0, 1, "DRUG", N)]),
    "begin and inside of a status count together": (
        [("B", "SIGN", P, 0.4), ("B", "SIGN", N, 0.3), ("I", "SIGN", N, 0.3)], None, [(0, 1, "SIGN", N)]),
    "tags of all types speak for a status": (
        [("B", "SIGN", P, 0.4), ("B", "DRUG", N, 0.3), ("I", "TEST", N, 0.3)], None, [(0, 1, "SIGN", N)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_rule(name):
    first, second, expected = CASES[name]
    assert found(rows(first, second)) == expected


def test_a_gap_parts_findings():
    inside = [("I", "SIGN", P, 0.9)]
    assert found(rows(inside, None, inside)) == [(0, 1, "SIGN", P), (2, 3, "SIGN", P)]
    assert found(rows(None, None)) == found(rows()) == []


def test_detection_is_the_mean_probability_of_not_outside_whatever_type_and_status():
    made = rows([("B", "SIGN", N, 0.8), ("I", "DRUG", P, 0.1)], [("I", "SIGN", N, 0.6)])
    (finding,) = TAGS.decode(made)
    assert finding.detection == pytest.approx((0.9 + 0.6) / 2)


def test_status_probabilities_are_means_over_tokens_without_outside():
    made = rows([("B", "SIGN", N, 0.8), ("I", "DRUG", P, 0.1)], [("I", "SIGN", P, 0.6)])
    numpy.testing.assert_allclose(TAGS.status_probabilities(made), numpy.asarray([0.7, 0.8, 0.0]) / 1.5)
