"""What is known of a finding besides its boundaries: gold of statuses and modifiers, their loss, their probabilities.

A status is one of several (softmax). A modifier (``uncertain``, ``hypothetical``, ``historical``, ``family``, or what
else the data name) holds or not, each by itself (sigmoid). A corpus may judge some modifiers and be silent on others.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import numpy
from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_MODIFIERS, group_values
from ..encoder.losses import sigmoid, sigmoid_cross_entropy, softmax, softmax_cross_entropy

HOLDS = 0.5  # probability from which a modifier is written


@dataclass(frozen=True)
class Judgement:
    """A span's status and modifiers, and the probability of every status and modifier."""

    status: str
    score: float
    modifiers: Tuple[str, ...]
    scores: Dict[str, float]


@dataclass(frozen=True)
class SpanGold:
    """Per span: column of its status [n], modifiers that hold and those that are judged, bool [n, n_modifiers]."""

    statuses: numpy.ndarray
    modifiers: numpy.ndarray
    judged: numpy.ndarray


def gold_modifiers(doc: Doc, key: str, modifiers: Sequence[str]) -> Tuple[List[List[bool]], List[bool]]:
    """Of each span of a gold group, which modifiers hold; and which are judged at all. Raises MedmtlError E104 where
    ``attrs["assertion_modifiers"]`` has another length than the group."""
    entries = group_values(doc, key, "assertion_modifiers")
    if not entries:
        return [[False] * len(modifiers) for _ in doc.spans[key]], [False] * len(modifiers)
    annotated = doc.spans[key].attrs.get(ANNOTATED_MODIFIERS)
    judged = [annotated is None or name in annotated for name in modifiers]
    return [[name in held for name in modifiers] for held in entries], judged


def span_loss(logits: Any, gold: SpanGold) -> Tuple[float, Any]:
    """Mean cross-entropy of the statuses plus mean binary cross-entropy of the judged modifiers, and the gradient.
    logits [n_spans, n_statuses + n_modifiers]."""
    n_statuses = logits.shape[1] - gold.modifiers.shape[1]
    allowed = numpy.ones((len(logits), n_statuses), dtype=bool)
    status_loss, d_statuses = softmax_cross_entropy(logits[:, :n_statuses], gold.statuses, allowed)
    modifier_loss, d_modifiers = sigmoid_cross_entropy(logits[:, n_statuses:], gold.modifiers, gold.judged)
    gradient = logits * 0.0
    gradient[:, :n_statuses], gradient[:, n_statuses:] = d_statuses, d_modifiers
    return status_loss + modifier_loss, gradient


def judge(logits: numpy.ndarray, statuses: Sequence[str], modifiers: Sequence[str]) -> List[Judgement]:
    """One judgement per row of logits [n_spans, n_statuses + n_modifiers]."""
    found = []
    for by_status, by_modifier in zip(softmax(logits[:, : len(statuses)]), sigmoid(logits[:, len(statuses) :])):
        best = int(by_status.argmax())
        scores = {name: float(p) for name, p in zip([*statuses, *modifiers], [*by_status, *by_modifier])}
        held = tuple(name for name, p in zip(modifiers, by_modifier) if p >= HOLDS)
        found.append(Judgement(statuses[best], float(by_status[best]), held, scores))
    return found
