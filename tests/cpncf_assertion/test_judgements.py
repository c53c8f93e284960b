"""The loss of judged spans: by hand, and its gradient by finite differences."""

import numpy
import pytest

from spacy_medmtl.cpncf_assertion.gold import FindingGold
from spacy_medmtl.cpncf_assertion.judgements import UNKNOWN, judge, pooled, span_loss
from spacy_medmtl.heads.losses import softmax
from spacy_medmtl.heads.outputs import UnitLabels, one_hot

STATUSES, MODIFIERS = ["positive", "negative", "unknown"], ["family", "historical"]
LOGITS = numpy.random.default_rng(0).normal(size=(3, 5))
NO_TAGS = UnitLabels(numpy.zeros((0, 1), dtype=bool), numpy.zeros((0, 1), dtype=bool))


def gold_of(statuses, held, judged):
    """Gold of spans: column of the status, modifiers that hold and that are judged."""
    shape = len(statuses), len(held[0]) if held else 2
    known = [numpy.asarray(part, dtype=bool).reshape(shape) for part in (held, judged)]
    of_statuses = UnitLabels(one_hot(statuses, 3), numpy.ones((len(statuses), 3), dtype=bool))
    return FindingGold(NO_TAGS, of_statuses, UnitLabels(*known))


# the first span's corpus judged both modifiers, the second's one, the third's none
GOLD = gold_of([0, 2, 1], [[True, False], [False, True], [True, True]], [[True] * 2, [True, False], [False] * 2])


def test_status_mean_over_spans_modifiers_summed_and_mean_over_spans_that_have_any():
    exp = numpy.exp(LOGITS[:, :3])
    of_status = -numpy.log((exp / exp.sum(axis=1, keepdims=True))[[0, 1, 2], [0, 2, 1]]).mean()
    p = 1 / (1 + numpy.exp(-LOGITS[:, 3:]))
    of_modifiers = -(numpy.log(p[0, 0]) + numpy.log(1 - p[0, 1]) + numpy.log(1 - p[1, 0])) / 2
    assert span_loss(LOGITS, GOLD)[0] == pytest.approx(of_status + of_modifiers)


def test_gradient():
    _, gradient = span_loss(LOGITS, GOLD)
    for place in numpy.ndindex(LOGITS.shape):
        shifted = [LOGITS.copy(), LOGITS.copy()]
        shifted[0][place] += 1e-5
        shifted[1][place] -= 1e-5
        slope = (span_loss(shifted[0], GOLD)[0] - span_loss(shifted[1], GOLD)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, abs=1e-8)
    assert (gradient[1:, 4] == 0).all()  # not judged
    assert gradient[2, 3] == 0


def test_no_spans_or_no_modifiers_give_no_loss():
    loss, gradient = span_loss(LOGITS[:0], gold_of(numpy.zeros(0, dtype=int), [], []))
    assert (loss, gradient.shape) == (0.0, (0, 5))
    loss, gradient = span_loss(LOGITS[:, :3], gold_of([0, 2, 1], [[]] * 3, [[]] * 3))
    assert loss > 0
    assert gradient.shape == (3, 3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_temperatures_leave_what_is_decided(temperature):
    plain = judge(LOGITS, STATUSES, MODIFIERS, (1.0, 1.0))
    tempered = judge(LOGITS, STATUSES, MODIFIERS, (temperature, temperature))
    assert [(one.status, one.modifiers) for one in tempered] == [(one.status, one.modifiers) for one in plain]
    assert ([one.scores for one in tempered] == [one.scores for one in plain]) == (temperature == 1.0)


def test_a_status_below_the_threshold_is_unknown_and_its_probabilities_stay():
    plain = judge(LOGITS, STATUSES, MODIFIERS)
    threshold = sorted(max(softmax(LOGITS[:, :3])[row]) for row in range(3))[1]
    strict = judge(LOGITS, STATUSES, MODIFIERS, status_threshold=threshold)
    for before, after in zip(plain, strict, strict=True):
        assert (after.scores, after.modifiers) == (before.scores, before.modifiers)
        assert after.status == (before.status if before.score >= threshold else UNKNOWN)
        assert after.score == after.scores[after.status]
    assert 0 < sum(one.status != other.status for one, other in zip(plain, strict)) < 3
    assert [one.status for one in judge(LOGITS, STATUSES, MODIFIERS, status_threshold=1.1)] == [UNKNOWN] * 3
    nameless = judge(LOGITS[:, :2], ["here", "gone"], [], status_threshold=1.1)
    assert [(one.status, one.score) for one in nameless] == [(UNKNOWN, None)] * 3


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_pool_of_spans_and_tags_is_what_its_formula_says(weight):
    by_tags = softmax(LOGITS[::-1, :3] * 2.0)
    by_tags[0] = [1.0, 0.0, 0.0]  # as float32 can make them
    of_spans = softmax(LOGITS[:, :3])
    expected = of_spans ** (1.0 - weight) * numpy.maximum(by_tags, 1e-12) ** weight
    expected /= expected.sum(axis=1, keepdims=True)
    numpy.testing.assert_allclose(softmax(pooled(LOGITS[:, :3], by_tags, weight)), expected, rtol=1e-9)
