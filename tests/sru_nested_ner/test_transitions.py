"""Oracle and decoder of SRU-NER: worked examples of the method notes (1.4), the round trip, malformed sequences."""

import random

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_medmtl.sru_nested_ner.transitions import (
    EOA,
    SHIFT,
    decode,
    foreign_actions,
    inexpressible,
    n_actions,
    oracle,
    reduce,
    transition,
)

D, P = 0, 1
SH, END = {SHIFT}, {EOA}
TD, TP, RD, RP = transition(D), transition(P), reduce(D), reduce(P)

SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10), st.integers(0, 2)), max_size=14)


def as_sets(rows):
    return [set(numpy.flatnonzero(row).tolist()) for row in rows]


def as_spans(found):
    return [span[:3] for span in found]


def round_trip(spans, n_words, n_labels):
    return as_spans(decode(oracle(spans, n_words, n_labels).astype(numpy.float32), n_words))


def crosses(one, other):
    return one[2] == other[2] and (one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1])


def without_crossings(candidates):
    chosen = []
    for span in candidates:
        if span[0] < span[1] and not any(crosses(span, other) for other in chosen):
            chosen.append(span)
    return chosen


def test_action_indices():
    assert (EOA, SHIFT, transition(0), reduce(0), transition(3), reduce(3), n_actions(4)) == (0, 1, 2, 3, 8, 9, 10)
    assert numpy.flatnonzero(foreign_actions([1], 3)).tolist() == [2, 3, 6, 7]


@pytest.mark.parametrize(
    ("spans", "n_words", "expected"),
    [
        (
            [(1, 6, D), (3, 5, D), (1, 5, P)],
            7,
            [SH, {TD, TP}, SH, SH, {TD}, SH, SH, {RD, RP}, SH, {RD}, SH, END],
        ),
        (
            [(0, 3, D), (0, 2, D), (0, 3, P)],
            6,
            [{TD, TP}, {TD}, SH, SH, {RD}, SH, {RD, RP}, SH, SH, SH, END],
        ),
        (
            [(0, 1, D), (1, 2, D), (1, 2, P)],
            4,
            [{TD}, SH, {RD, TD, TP}, SH, {RD, RP}, SH, SH, END],
        ),
        # the shortest closes first, so the third REDUCE, of a label that had its turn, opens a row
        ([(0, 3, D), (1, 3, D), (2, 3, P)], 3, [{TD}, SH, {TD}, SH, {TP}, SH, {RP, RD}, {RD}, END]),
        ([(1, 3, D)], 3, [SH, {TD}, SH, SH, {RD}, END]),
        ([], 0, [END]),
    ],
)
def test_worked_examples(spans, n_words, expected):
    assert as_sets(oracle(spans, n_words, 2)) == expected
    assert sorted(round_trip(spans, n_words, 2)) == sorted(spans)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(SPANS)
def test_every_expressible_set_comes_back(candidates):
    spans = set(without_crossings(candidates))
    found = round_trip(spans, 10, 3)
    assert found == sorted(spans, key=lambda span: (span[0], -span[1], span[2]))
    assert inexpressible(spans) == (0, 0)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(SPANS, st.integers(0, 1000))
def test_rows_are_well_formed_and_ignore_the_input_order(candidates, seed):
    spans = [span for span in candidates if span[0] < span[1]]
    rows = oracle(spans, 10, 3)
    shuffled = list(spans)
    random.Random(seed).shuffle(shuffled)
    assert numpy.array_equal(rows, oracle(shuffled, 10, 3))
    assert numpy.array_equal(rows, oracle(spans + spans, 10, 3))
    assert rows[:, SHIFT].sum() == 10
    assert rows[-1, EOA]
    assert rows[:, EOA].sum() == 1
    alone = rows[:, EOA] | rows[:, SHIFT]
    assert (rows[alone].sum(axis=1) == 1).all()
    assert rows.any(axis=1).all()
    assert rows[:, SHIFT].sum() == 10


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SPANS)
def test_losses_are_counted(candidates):
    spans = [span for span in candidates if span[0] < span[1]]
    distinct = set(spans)
    lost = inexpressible(spans)
    assert lost.duplicates == len(spans) - len(distinct)
    assert lost.crossing == len(distinct - set(round_trip(distinct, 10, 3)))
    assert (lost.crossing > 0) == any(crosses(one, other) for one in distinct for other in distinct)


def test_crossings_of_one_label_nest_and_of_two_labels_survive():
    assert round_trip([(0, 3, D), (1, 4, D)], 4, 1) == [(0, 4, D), (1, 3, D)]
    assert inexpressible([(0, 3, D), (1, 4, D), (0, 3, D)]) == (1, 2)
    assert round_trip([(0, 3, D), (1, 4, P)], 4, 2) == [(0, 3, D), (1, 4, P)]


@pytest.mark.parametrize("span", [(2, 2, 0), (3, 2, 0), (-1, 1, 0), (0, 5, 0), (0, 1, 2), (0, 1, -1)])
def test_invalid_spans_are_refused(span):
    with pytest.raises(ValueError, match="does not fit"):
        oracle([span], 4, 2)


def rows_of(*groups, p=0.9, n_labels=2):
    rows = numpy.zeros((len(groups), n_actions(n_labels)))
    for row, group in zip(rows, groups, strict=True):
        row[list(group)] = p
    return rows


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (rows_of({RD}, SH, SH, END), []),  # nothing open
        (rows_of({TD}, {RD}, SH, SH, END), []),  # empty span
        (rows_of({TD}, SH, SH, END), []),  # never closed
        (rows_of({TD}, SH, END, {RD}), []),  # EOA too early
        (rows_of({TD}, SH, {RD}), [(0, 1, D)]),  # EOA never
        (rows_of(SH, {TD}, SH, SH, SH, {RD}, END), [(1, 2, D)]),  # more SHIFTs than words
        (rows_of({TD}, SH, {TD} | {RD}, SH, {RD}, END), [(0, 1, D), (1, 2, D)]),  # REDUCE first
        (rows_of({TD}, {TD}, SH, {RD}, {RD}, END), [(0, 1, D)]),  # made twice
        (rows_of({TD}, p=0.4), []),  # leads, but below the threshold
        (numpy.zeros((0, 6)), []),
    ],
)
def test_malformed_sequences_decode(rows, expected):
    assert as_spans(decode(rows, 2)) == expected


def test_a_row_led_by_shift_does_nothing_else():
    rows = rows_of({TD}, SH, {RD}, END)
    rows[0, SHIFT] = 0.95
    assert decode(rows, 2) == []


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 5), st.floats(0, 1))
def test_any_probabilities_decode(seed, n_rows, n_words, threshold):
    generator = numpy.random.default_rng(seed)
    probabilities = generator.random((n_rows, 8)).astype(numpy.float32)
    probabilities[:, EOA] *= generator.random()
    probabilities[generator.random(probabilities.shape) < 0.05] = numpy.nan
    found = decode(probabilities, n_words, threshold=threshold)
    assert len(set(as_spans(found))) == len(found)
    for start, end, label, score in found:
        assert 0 <= start < end <= n_words
        assert 0 <= label < 3
        assert threshold - 1e-7 <= score <= 1


def test_score_is_the_geometric_mean_and_grows_with_both():
    rows = rows_of({TD}, SH, {RD}, END)
    rows[0, TD], rows[2, RD] = 0.64, 0.81
    assert decode(rows, 1)[0] == pytest.approx((0, 1, D, 0.72))
    for cell in ((0, TD), (2, RD)):
        better = rows.copy()
        better[cell] += 0.01
        assert decode(better, 1)[0][3] > 0.72


def test_a_repeated_span_keeps_its_best_score():
    rows = rows_of({TD}, {TD}, SH, {RD}, {RD}, END)
    rows[0, TD], rows[1, TD] = 0.6, 0.9  # the second is on top, so it is closed first
    rows[3, RD], rows[4, RD] = 0.9, 0.6
    assert decode(rows, 1) == [(0, 1, D, pytest.approx(0.9))]


def test_threshold_is_strict():
    rows = rows_of({TD}, SH, {RD}, END, p=0.5)
    assert decode(rows, 1) == []
    assert as_spans(decode(rows, 1, threshold=0.49)) == [(0, 1, D)]


@pytest.mark.parametrize("shape", [(3,), (3, 5), (3, 0)])
def test_wrong_shape_is_refused(shape):
    with pytest.raises(ValueError, match="Expected probabilities"):
        decode(numpy.zeros(shape), 2)
