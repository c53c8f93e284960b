"""The three kinds of output that a head can have, each with its loss, its probabilities and what it decides.

``Exclusive``: one label holds of a unit (softmax). ``Independent``: each label holds or not, by itself (sigmoid).
``Regression``: one value a unit. A head says which kind it has and hands its logits over; it never asks again.

Dividing logits by one number T > 0 before the softmax or the sigmoid ("temperature scaling": Guo et al., "On
Calibration of Modern Neural Networks", ICML 2017) makes all probabilities less (T > 1) or more extreme and leaves their
order. So the most probable label stays, and of a sigmoid what lies above 0.5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from .losses import (
    MASKED,
    Array,
    mean_squared_error,
    sigmoid,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
    to_numpy,
)


@dataclass(frozen=True)
class UnitLabels:
    """Gold of n units: labels that hold and labels that their corpus judged, both [n, labels] (bool), and the values
    [n] of a regression."""

    held: Any
    judged: Any
    values: numpy.ndarray | None = None


@dataclass(frozen=True)
class LabelledLogits:
    """One output's logits [n, labels] of n annotated units, and of each label whether it holds (``gold``) and whether
    the unit's corpus judged it (``judged``), both bool [n, labels].

    exclusive: exactly one label holds of a unit (softmax); else each holds or not, by itself (sigmoid).
    """

    logits: numpy.ndarray
    gold: numpy.ndarray
    judged: numpy.ndarray
    exclusive: bool

    def probabilities(self, temperature: float = 1.0) -> numpy.ndarray:
        """[n, labels]; of an exclusive output over the judged labels."""
        scaled = self.logits / temperature
        return softmax(numpy.where(self.judged, scaled, MASKED)) if self.exclusive else sigmoid(scaled)


class Exclusive:
    """Exactly one label a unit. with_none: or none of them, which has a column of its own, the last."""

    def __init__(self, *, with_none: bool = False) -> None:
        self.with_none = with_none

    def n_columns(self, n_labels: int) -> int:
        return n_labels + self.with_none

    def learns_from(self, held: numpy.ndarray, judged: numpy.ndarray) -> bool:
        """Whether a unit gives loss, by its labels and those that are judged, bool [labels]: one that does not must not
        make a step."""
        if self.with_none and not held.any():
            return bool(judged.any())
        return bool((held & judged).any())

    def loss(self, logits: Array, gold: UnitLabels) -> tuple[float, Array]:
        """Mean cross-entropy over the units with a judged label, and its gradient. logits [n, columns]."""
        return softmax_cross_entropy(logits, *self._targets(gold))

    def probabilities(self, logits: Array, temperature: float = 1.0) -> Array:
        """[n, columns], summing to 1."""
        return softmax(logits / temperature)

    def chosen(self, probabilities: numpy.ndarray, threshold: float) -> list[int]:
        """The label that holds of one unit, as a list of columns; empty where it is "none of them"."""
        best = int(probabilities.argmax())
        is_none = self.with_none and best == len(probabilities) - 1
        return [] if is_none else [best]

    def moved_threshold(self, threshold: float, factor: float) -> None:
        """None: the probability of a label also depends on the logits of the others, so no threshold fits all units."""

    def labelled(self, logits: Array, gold: UnitLabels) -> LabelledLogits:
        """Units without label, or with one that is not judged, are left out, as in the loss."""
        columns, judged = self._targets(gold)
        rows = numpy.arange(len(columns))
        is_labelled = (columns >= 0) & judged[rows, columns]
        one_hot = numpy.zeros(judged.shape, dtype=bool)
        one_hot[rows[is_labelled], columns[is_labelled]] = True
        # in float64, in which temperatures are fitted
        kept = to_numpy(logits)[is_labelled].astype("float64")
        return LabelledLogits(kept, one_hot[is_labelled], judged[is_labelled], exclusive=True)

    def _targets(self, gold: UnitLabels) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The column of each unit [n], -1 where it has none, and the judged columns [n, columns]."""
        held, judged = gold.held, gold.judged
        if self.with_none:
            # the column behind the labels; it is judged wherever the unit is
            none_of_them = ~held.any(axis=1, keepdims=True)  # [n, 1]
            held = numpy.hstack([held, none_of_them])
            judged = numpy.hstack([judged, numpy.ones_like(none_of_them)])
        # argmax of a row without True is 0, which would be the first label
        return numpy.where(held.any(axis=1), held.argmax(axis=1), -1), judged


class Independent:
    """Any number of labels a unit, each with a probability of its own."""

    def n_columns(self, n_labels: int) -> int:
        return n_labels

    def learns_from(self, held: numpy.ndarray, judged: numpy.ndarray) -> bool:
        """Whether a unit gives loss: where no label holds, that is something to learn too."""
        return bool(judged.any())

    def loss(self, logits: Array, gold: UnitLabels) -> tuple[float, Array]:
        """Mean binary cross-entropy over the judged entries, and its gradient. logits [n, labels]."""
        return sigmoid_cross_entropy(logits, gold.held, gold.judged)

    def probabilities(self, logits: Array, temperature: float = 1.0) -> Array:
        """[n, labels], each between 0 and 1."""
        return sigmoid(logits / temperature)

    def chosen(self, probabilities: numpy.ndarray, threshold: float) -> list[int]:
        """The columns of the labels that hold of one unit."""
        return numpy.flatnonzero(probabilities >= threshold).tolist()

    def moved_threshold(self, threshold: float, factor: float) -> float:
        """The threshold that lets the same through when the temperature is ``factor`` times as high: the probability
        that the logit at the old threshold has then."""
        if threshold == 0.5:  # its logit is 0 at any temperature; exactly, not but for rounding
            return 0.5
        logit = math.log(threshold / (1.0 - threshold)) / factor
        return 1.0 / (1.0 + math.exp(-logit))

    def labelled(self, logits: Array, gold: UnitLabels) -> LabelledLogits:
        held, judged = to_numpy(gold.held), to_numpy(gold.judged)
        return LabelledLogits(to_numpy(logits).astype("float64"), held & judged, judged, exclusive=False)


class Regression:
    """One value a unit, under one label."""

    def n_columns(self, n_labels: int) -> int:
        return n_labels

    def learns_from(self, held: numpy.ndarray, judged: numpy.ndarray) -> bool:
        return bool(judged.any())

    def loss(self, logits: Array, gold: UnitLabels) -> tuple[float, Array]:
        """Mean squared error and its gradient. logits [n, 1]."""
        values = numpy.zeros(0) if gold.values is None else gold.values
        return mean_squared_error(logits, values[:, None])

    def probabilities(self, logits: Array, temperature: float = 1.0) -> Array:
        """The values [n, 1] as they are."""
        return logits

    def chosen(self, probabilities: numpy.ndarray, threshold: float) -> list[int]:
        """Its one column, whatever the value."""
        return [0]

    def moved_threshold(self, threshold: float, factor: float) -> None:
        """None: a value is compared with no threshold."""

    def labelled(self, logits: Array, gold: UnitLabels) -> None:
        """None: a value is no probability, so nothing can be calibrated."""


Output = Exclusive | Independent | Regression


def joined_logits(parts: Sequence[LabelledLogits]) -> LabelledLogits:
    """Those of several batches of one output."""
    logits, gold, judged = (
        numpy.concatenate([getattr(part, name) for part in parts]) for name in ("logits", "gold", "judged")
    )
    return LabelledLogits(logits, gold, judged, parts[0].exclusive)


def stacked(held: Sequence[numpy.ndarray], judged: Sequence[numpy.ndarray], n_labels: int) -> UnitLabels:
    """Gold of units, a row each [labels] of what holds and what is judged."""
    empty = numpy.zeros((0, n_labels), dtype=bool)
    return UnitLabels(numpy.vstack([empty, *held]), numpy.vstack([empty, *judged]))


def one_hot(columns: Sequence[int] | numpy.ndarray, n_labels: int) -> numpy.ndarray:
    """Bool [n, labels] of one column a row [n]; a row of nothing where it is -1."""
    # [n, 1] against [labels]
    return numpy.asarray(columns)[:, None] == numpy.arange(n_labels)


def tempered(probabilities: numpy.ndarray, temperature: float) -> numpy.ndarray:
    """Probabilities of sigmoids at another temperature, where the logits are not at hand."""
    if temperature == 1.0:
        return probabilities
    with numpy.errstate(divide="ignore"):  # of 0 and 1, which stay
        return sigmoid((numpy.log(probabilities) - numpy.log1p(-probabilities)) / temperature)
