"""What a head's outputs said of annotated units, beside the gold; and probabilities at a temperature.

Dividing logits by one number T > 0 before the softmax or the sigmoid ("temperature scaling": Guo et al., "On
Calibration of Modern Neural Networks", ICML 2017) makes all probabilities less (T > 1) or more extreme and leaves their
order. So the most probable label stays, and of a sigmoid what lies above 0.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from .losses import MASKED, sigmoid, softmax, to_numpy


@dataclass(frozen=True)
class Decisions:
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


def exclusive_decisions(logits: Any, columns: numpy.ndarray, judged: numpy.ndarray) -> Decisions:
    """Of logits [n, labels], the column that holds [n] (-1: not annotated) and the judged labels [n, labels]. Rows
    without label, or with one that is not judged, are left out, as in ``softmax_cross_entropy``."""
    rows = numpy.arange(len(columns))
    labelled = (columns >= 0) & judged[rows, columns]
    gold = numpy.zeros(judged.shape, dtype=bool)
    gold[rows[labelled], columns[labelled]] = True
    kept = to_numpy(logits)[labelled].astype("float64")
    return Decisions(kept, gold[labelled], judged[labelled], exclusive=True)


def independent_decisions(logits: Any, gold: numpy.ndarray, judged: numpy.ndarray) -> Decisions:
    """Of logits, what holds and what is judged, all [n, labels]."""
    return Decisions(to_numpy(logits).astype("float64"), gold & judged, judged, exclusive=False)


def joined_decisions(parts: Sequence[Decisions]) -> Decisions:
    """Those of several batches of one output."""
    logits, gold, judged = (
        numpy.concatenate([getattr(part, name) for part in parts]) for name in ("logits", "gold", "judged")
    )
    return Decisions(logits, gold, judged, parts[0].exclusive)


def tempered(probabilities: numpy.ndarray, temperature: float) -> numpy.ndarray:
    """Probabilities of sigmoids at another temperature, where the logits are not at hand."""
    if temperature == 1.0:
        return probabilities
    with numpy.errstate(divide="ignore"):  # of 0 and 1, which stay
        return sigmoid((numpy.log(probabilities) - numpy.log1p(-probabilities)) / temperature)
