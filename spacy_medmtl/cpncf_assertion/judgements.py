"""What is decided of a span: its status and modifiers, their loss and their probabilities.

A status is one of several (softmax). A modifier (``uncertain``, ``hypothetical``, ``historical``, ``family``, or what
else the data name) holds or not, each by itself (sigmoid). A corpus may judge some modifiers and be silent on others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from ..heads.losses import softmax
from ..heads.outputs import Exclusive, Independent
from .gold import FindingGold
from .tags import TagSet

EXCLUSIVE, INDEPENDENT = Exclusive(), Independent()
UNKNOWN = "unknown"  # the status of a finding of which none is probable enough
HOLDS = 0.5  # probability from which a modifier is written
TINY = 1e-12  # a probability may become 0 in float32


@dataclass(frozen=True)
class Judgement:
    """A span's status and modifiers, and the probability of every status and modifier. score: that of its status; None
    for UNKNOWN where it is none of the component's statuses."""

    status: str
    score: float | None
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
    # from the mean over judged entries back to a sum over modifiers, mean over spans that judge any
    per_span = int(judged.sum()) / max(1, int(judged.any(axis=1).sum()))
    # of the library and on the device that the logits have
    gradient = logits * 0.0
    gradient[:, :n_statuses], gradient[:, n_statuses:] = d_statuses, d_modifiers * per_span
    return status_loss + modifier_loss * per_span, gradient


def with_tags(
    of_spans: numpy.ndarray, of_tokens: Sequence[numpy.ndarray | None], tags: TagSet, tag_weight: float
) -> numpy.ndarray:
    """Logits of spans [n_spans, n_statuses + n_modifiers] after their tags have had their say in the status.

    of_tokens: of each span the tag logits [n_tokens, n_tags] of its words; None where it was given, and has no tags.
    """
    if not tag_weight:
        return of_spans
    of_spans, own = of_spans.copy(), slice(len(tags.statuses))
    for row, tag_logits in zip(of_spans, of_tokens):
        if tag_logits is not None:
            row[own] = pooled(row[own], tags.status_probabilities(EXCLUSIVE.probabilities(tag_logits)), tag_weight)
    return of_spans


def pooled(logits: numpy.ndarray, by_tags: numpy.ndarray, tag_weight: float) -> numpy.ndarray:
    """Logits of statuses in which the tags have a say [..., n_statuses].

    logits: those of the spans. by_tags: probabilities by the spans' tags. The logarithmic opinion pool (Genest and
    Zidek, "Combining probability distributions", Statistical Science 1986): p is proportional to p_span^(1 - w)
    p_tags^w. With w = 0 the span alone decides, with w = 1 its tags do, as in the progressive paper.
    """
    # log p = (1 - w) log p_span + w log p_tags, up to a constant that the next softmax takes away
    of_spans, of_tags = (numpy.log(numpy.maximum(p, TINY)) for p in (softmax(logits), by_tags))
    return numpy.asarray((1.0 - tag_weight) * of_spans + tag_weight * of_tags)


def judge(
    logits: numpy.ndarray,
    statuses: Sequence[str],
    modifiers: Sequence[str],
    temperatures: tuple[float, float] = (1.0, 1.0),
    status_threshold: float = 0.0,
) -> list[Judgement]:
    """One judgement per row of logits [n_spans, n_statuses + n_modifiers].

    temperatures: of statuses and modifiers. status_threshold: the status is UNKNOWN where none has this probability
    (Chow, "On optimum recognition error and reject tradeoff", IEEE Transactions on Information Theory 1970).
    """
    judgements = []
    status_logits, modifier_logits = logits[:, : len(statuses)], logits[:, len(statuses) :]
    of_statuses = EXCLUSIVE.probabilities(status_logits, temperatures[0])
    of_modifiers = INDEPENDENT.probabilities(modifier_logits, temperatures[1])
    for by_status, by_modifier in zip(of_statuses, of_modifiers):
        best = int(by_status.argmax())
        status = statuses[best] if by_status[best] >= status_threshold else UNKNOWN
        scores = {name: float(p) for name, p in zip([*statuses, *modifiers], [*by_status, *by_modifier])}
        held = tuple(name for name, p in zip(modifiers, by_modifier) if p >= HOLDS)
        judgements.append(Judgement(status, scores.get(status), held, scores))
    return judgements
