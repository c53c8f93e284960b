"""The spans of a sentence that are scored, in their order: by first word, shortest first. NumPy.

M words of the longest, L labels.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy

from ..heads.losses import sigmoid
from ..heads.outputs import UnitLabels, tempered
from .inputs import Predicted, WordSequence
from .transitions import ScoredSpan, border_logits, decode


class SpanUnits(NamedTuple):
    """Of each span its first word and how many words it has, both [n_spans]."""

    first: numpy.ndarray
    n_words: numpy.ndarray


@lru_cache(maxsize=64)  # sentences of one length are many
def span_units(n_words: int, longest: int) -> SpanUnits:
    """All spans of a sentence that have at most ``longest`` words. Not to be changed."""
    starts = numpy.arange(n_words)
    counts = numpy.minimum(longest, n_words - starts)
    first = numpy.repeat(starts, counts)
    # how far each is behind the shortest one of its word
    behind = numpy.arange(len(first)) - numpy.repeat(numpy.cumsum(counts) - counts, counts)
    return SpanUnits(first, behind + 1)


def span_labels(sentences: Sequence[WordSequence], longest: int) -> UnitLabels:
    """Gold of the spans of all sentences, one after the other: which labels each has, and which its corpus judged."""
    held, judged = [], []
    for sentence in sentences:
        units = span_units(len(sentence.words), longest)
        assert sentence.foreign is not None
        # transitions of labels stand at 2, 4, ... of the actions
        own = ~sentence.foreign[2::2]
        of_sentence = numpy.zeros((len(units.first), len(own)), dtype=bool)
        begins = numpy.searchsorted(units.first, numpy.arange(len(sentence.words)))
        for start, end, label in sentence.spans:
            if end - start <= longest:
                of_sentence[begins[start] + end - start - 1, label] = True
        held.append(of_sentence)
        judged.append(numpy.broadcast_to(own, of_sentence.shape))
    return UnitLabels(numpy.concatenate(held), numpy.concatenate(judged))


def found_entities(
    predicted: Predicted, n_words: int, *, threshold: float = 0.5, temperature: float = 1.0, paper_compat: bool = False
) -> list[ScoredSpan]:
    """Spans (start, end, label, score) of one sentence, sorted by start, longest first, label.

    With u the largest logits that the walk had, at the border where a span starts or ends, for opening and for closing
    its label, and s the logit of the span, its score is sigmoid((s / 2 + (u_open + u_close) / 4) / temperature). From
    the best one above the threshold down, a span is an entity unless it ``rivals`` one that is: then the walk must have
    found it as well, which knows what it has opened. Longer spans than are scored, or all if none are, come from the
    walk alone; see ``decode``.
    """
    walked = decode(tempered(predicted.actions, temperature), n_words, threshold=threshold, paper_compat=paper_compat)
    if predicted.spans is None:
        return walked
    units = span_units(n_words, predicted.longest)
    opening, closing = border_logits(predicted.actions, n_words)
    logits = predicted.spans / 2 + (opening[units.first] + closing[units.first + units.n_words]) / 4
    scores = sigmoid(logits / temperature)
    candidates = []
    for unit, label in zip(*(places.tolist() for places in numpy.nonzero(scores > threshold))):
        start = int(units.first[unit])
        candidates.append((start, start + int(units.n_words[unit]), label, float(scores[unit, label])))
    confirmed = {span[:3] for span in walked}
    found: list[ScoredSpan] = []
    over: list[list[ScoredSpan]] = [[] for _ in range(n_words)]  # by word, those of the found that it is part of

    def add(span: ScoredSpan) -> None:
        found.append(span)
        for word in range(span[0], span[1]):
            over[word].append(span)

    for span in walked:
        if span[1] - span[0] > predicted.longest:
            add(span)
    for span in sorted(candidates, key=lambda span: -span[3]):
        near = (other for word in range(span[0], span[1]) for other in over[word])
        if span[:3] in confirmed or not any(rivals(span, other) for other in near):
            add(span)
    return sorted(found, key=lambda span: (span[0], -span[1], span[2]))


def rivals(one: ScoredSpan, other: ScoredSpan) -> bool:
    """Whether two spans are more likely two readings of one entity than two entities: they share words, and have one
    label, or the same bounds, or cross."""
    (start, end, label, _), (other_start, other_end, other_label, _) = one, other
    if end <= other_start or other_end <= start:
        return False
    # 0 where a border is shared; of one sign where the spans cross
    return label == other_label or (start - other_start) * (end - other_end) > 0 or one[:2] == other[:2]
