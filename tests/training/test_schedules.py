"""Schedules against their formulas: number of steps, shares of the corpora, seeds, what cannot be scheduled."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.schedules import (
    loss_sum,
    probabilities,
    proportional,
    round_robin,
    temperature,
)

N_BATCHES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=1)
LARGE = {"a": 6000, "b": 3000, "c": 1000}
N_LARGE = sum(LARGE.values())
RANDOM = [proportional, temperature, lambda: temperature(-1.0)]


def algorithm_1(n_batches):
    """As printed: while not all batches of the largest data set are sampled, a batch and a step for every head."""
    largest = max(n_batches, key=lambda name: n_batches[name])
    sampled, steps = 0, []
    while sampled < n_batches[largest]:
        for name in n_batches:
            steps.append((name,))
        sampled += 1
    return steps


@given(N_BATCHES)
def test_round_robin_takes_the_steps_of_algorithm_1(n_batches):
    steps = list(round_robin()(n_batches))
    assert steps == algorithm_1(n_batches)
    assert len(steps) == len(n_batches) * max(n_batches.values())


@given(N_BATCHES)
def test_loss_sum_takes_one_step_a_round(n_batches):
    steps = list(loss_sum()(n_batches))
    assert steps == [tuple(n_batches)] * max(n_batches.values())
    assert [(name,) for step in steps for name in step] == list(round_robin()(n_batches))


@given(N_BATCHES)
def test_proportional_takes_every_batch_once(n_batches):
    assert Counter(proportional()(n_batches)) == {(name,): n for name, n in n_batches.items()}


@given(N_BATCHES, st.floats(-2, 2), st.floats(0.1, 10))
def test_probabilities_follow_the_formula(n_batches, alpha, weight):
    found = probabilities(n_batches, alpha, {"a": weight} if "a" in n_batches else {})
    powers = {name: n**alpha * (weight if name == "a" else 1.0) for name, n in n_batches.items()}
    assert sum(found.values()) == pytest.approx(1.0)
    for name, power in powers.items():
        assert found[name] * sum(powers.values()) == pytest.approx(power)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (temperature(1.0), {"a": 0.6, "b": 0.3, "c": 0.1}),
        (temperature(0.0), {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        (temperature(0.0, weights={"a": 2.0, "c": 0.0}), {"a": 2 / 3, "b": 1 / 3}),
        (temperature(1.0, weights={"c": 9.0}), {"a": 6 / 18, "b": 3 / 18, "c": 9 / 18}),
        (temperature(), {"a": 6**0.5 / 5.181591, "b": 3**0.5 / 5.181591, "c": 1 / 5.181591}),
        (temperature(-1.0), {"a": (1 / 6) / 1.5, "b": (1 / 3) / 1.5, "c": 1 / 1.5}),
        (temperature(-1.0, {"c": 0.0}), {"a": 1 / 3, "b": 2 / 3}),
    ],
)
def test_drawn_shares_are_those_of_the_formula(schedule, expected):
    """10,000 draws: within four standard deviations."""
    random.seed(1)
    counts = Counter(schedule(LARGE))
    assert sum(counts.values()) == N_LARGE
    assert set(counts) == {(name,) for name in expected}
    for name, p in expected.items():
        assert abs(counts[(name,)] / N_LARGE - p) < 4 * math.sqrt(p * (1 - p) / N_LARGE)


@pytest.mark.parametrize("schedule", RANDOM)
def test_the_seed_is_the_order_and_epochs_differ(schedule):
    """Two trainings with one seed take the same steps in every epoch."""
    random.seed(0)
    one, two = schedule(), schedule()
    first, second = list(one(LARGE)), list(one(LARGE))
    assert first != second
    random.seed(0)
    assert list(two(LARGE)) == first
    assert list(two(LARGE)) == second


@pytest.mark.parametrize("schedule", [round_robin, loss_sum, *RANDOM])
def test_nothing_to_schedule(schedule):
    assert list(schedule()({})) == []
    assert {name for step in schedule()({"a": 3, "b": 0}) for name in step} <= {"a", "b"}


@pytest.mark.parametrize("alpha", [math.nan, math.inf])
def test_an_alpha_that_is_no_number(alpha):
    with pytest.raises(MedmtlError, match="MEDMTL-E320"):
        temperature(alpha)


@pytest.mark.parametrize("weights", [{"x": 1.0}, {"a": -1.0}, {"a": math.nan}, {"a": math.inf}, {"a": 0.0, "b": 0.0}])
def test_weights_that_do_not_fit(weights):
    with pytest.raises(MedmtlError, match=r"MEDMTL-E321.*\['a', 'b'\]"):
        list(temperature(1.0, weights)({"a": 3, "b": 2}))
