"""What is decided of a span: its status and modifiers, their loss and their probabilities.

A status is one of several (softmax). A modifier (``uncertain``, ``hypothetical``, ``historical``, ``family``, or what
else the data name) holds or not, each by itself (sigmoid). A corpus may judge some modifiers and be silent on others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from ..heads.outputs import Exclusive, Independent
from .gold import FindingGold

EXCLUSIVE, INDEPENDENT = Exclusive(), Independent()
HOLDS = 0.5  # probability from which a modifier is written


@dataclass(frozen=True)
class Judgement:
    """A span's status and modifiers, and the probability of every status and modifier."""

    status: str
    score: float
    modifiers: tuple[str, ...]
    scores: dict[str, float]


def span_loss(logits: Any, gold: FindingGold) -> tuple[float, Any]:
    """Mean cross-entropy of the statuses, plus the mean over spans of the binary cross-entropy summed over the judged
    modifiers; and the gradient. logits [n_spans, n_statuses + n_modifiers].

    A mean over modifiers too would leave rare ones, of which there are several, with hardly any say.
    """
    n_statuses, judged = gold.statuses.held.shape[1], gold.modifiers.judged
    status_loss, d_statuses = EXCLUSIVE.loss(logits[:, :n_statuses], gold.statuses)
    modifier_loss, d_modifiers = INDEPENDENT.loss(logits[:, n_statuses:], gold.modifiers)
    per_span = int(judged.sum()) / max(1, int(judged.any(axis=1).sum()))
    gradient = logits * 0.0
    gradient[:, :n_statuses], gradient[:, n_statuses:] = d_statuses, d_modifiers * per_span
    return status_loss + modifier_loss * per_span, gradient


def judge(
    logits: numpy.ndarray, statuses: Sequence[str], modifiers: Sequence[str], temperatures: tuple[float, float]
) -> list[Judgement]:
    """One judgement per row of logits [n_spans, n_statuses + n_modifiers]. temperatures: of statuses and modifiers."""
    found = []
    status_logits, modifier_logits = logits[:, : len(statuses)], logits[:, len(statuses) :]
    of_statuses = EXCLUSIVE.probabilities(status_logits, temperatures[0])
    of_modifiers = INDEPENDENT.probabilities(modifier_logits, temperatures[1])
    for by_status, by_modifier in zip(of_statuses, of_modifiers):
        best = int(by_status.argmax())
        scores = {name: float(p) for name, p in zip([*statuses, *modifiers], [*by_status, *by_modifier])}
        held = tuple(name for name, p in zip(modifiers, by_modifier) if p >= HOLDS)
        found.append(Judgement(statuses[best], float(by_status[best]), held, scores))
    return found
