"""The transition system of SRU-NER: spans -> rows of actions (oracle) and rows of probabilities -> spans (decoder).

Source: Ruano et al., "Effective Multi-Task Learning for Biomedical NER", BioNLP 2025, the transition system. A sentence
is read word by word. TRANSITION(k) opens a span of label k before the current word, REDUCE(k) closes the latest open
span of label k before the current word, SHIFT goes to the next word, EOA ends. Open spans lie on one stack per label.
Actions that do not exclude each other share a row, so a row is multi-hot; SHIFT and EOA are alone in theirs.

Pure Python and NumPy. A span is (start word, end word exclusive, label index); T is the number of rows, A of actions.
"""

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

import numpy

Span = tuple[int, int, int]
ScoredSpan = tuple[int, int, int, float]

EOA = 0
SHIFT = 1
SURE = 1e-6  # logits of probabilities are those of this and of 1 less this at most: about 14


class Inexpressible(NamedTuple):
    """How many spans do not survive oracle -> decoder: repeated ones, and those lost because a label crosses itself."""

    duplicates: int
    crossing: int


def transition(label: int) -> int:
    """Index of the action that opens a span of this label."""
    return 2 + 2 * label


def reduce(label: int) -> int:
    """Index of the action that closes a span of this label."""
    return 3 + 2 * label


def n_actions(n_labels: int) -> int:
    """A, the number of actions for so many labels."""
    return 2 + 2 * n_labels


def foreign_actions(own_labels: Iterable[int], n_labels: int) -> numpy.ndarray:
    """Bool [A]: the actions of labels that a corpus annotated with `own_labels` only says nothing about."""
    foreign = numpy.ones(n_actions(n_labels), dtype=bool)
    foreign[[EOA, SHIFT]] = False
    for label in own_labels:
        foreign[[transition(label), reduce(label)]] = False
    return foreign


def oracle(spans: Iterable[Span], n_words: int, n_labels: int) -> numpy.ndarray:
    """Gold rows, bool [T, A], of one sentence.

    Between two words come the REDUCEs of the spans that end there, shortest first, then the TRANSITIONs of those that
    start there, longest first; ties by start and label, so the order of `spans` does not matter. They share a row until
    an action repeats, which opens another. The last row is EOA. Duplicates count once. Spans of one label that cross
    come back as other spans, see `inexpressible`.

    Raises ValueError for a span that is empty, outside the sentence, or of an unknown label.
    """
    closing: list[list[int]] = [[] for _ in range(n_words + 1)]
    opening: list[list[int]] = [[] for _ in range(n_words + 1)]
    for start, end, label in sorted(set(spans), key=lambda span: (span[0] - span[1], span[0], span[2])):
        if not (0 <= start < end <= n_words and 0 <= label < n_labels):
            raise ValueError(f"Span {(start, end, label)} does not fit {n_words} words and {n_labels} labels.")
        opening[start].append(transition(label))
        closing[end].append(reduce(label))
    groups: list[set[int]] = []
    for boundary in range(n_words + 1):
        group: set[int] = set()
        # closed before opened, as the decoder does within a row
        for action in closing[boundary][::-1] + opening[boundary]:
            if action in group:
                groups.append(group)
                group = set()
            group.add(action)
        if group:
            groups.append(group)
        groups.append({SHIFT} if boundary < n_words else {EOA})
    rows = numpy.zeros((len(groups), n_actions(n_labels)), dtype=bool)
    for row, group in zip(rows, groups, strict=True):
        row[list(group)] = True
    return rows


def flushed(spans: Iterable[Span], n_words: int) -> list[Span]:
    """The spans that the authors' BIO converter keeps: it loses those that end with the sentence, and of two that touch
    the first."""
    spans = list(spans)
    starts = {start for start, _, _ in spans}
    return [span for span in spans if span[1] < n_words and span[1] not in starts]


def decode(
    probabilities: numpy.ndarray, n_words: int, *, threshold: float = 0.5, paper_compat: bool = False
) -> list[ScoredSpan]:
    """Spans (start, end, label, score) of one sentence from action probabilities [T, A], sorted by start, longest
    first, label.

    The most probable action of a row leads: EOA stops, SHIFT reads a word and nothing else. Otherwise every REDUCE
    above the threshold closes the latest open span of its label, then every TRANSITION above it opens one. A REDUCE
    without an open span, an empty span, an open span never closed and a SHIFT after the last word have no effect, so
    any sequence decodes.

    The score is the geometric mean of the probabilities of the TRANSITION and the REDUCE that made the span: in [0, 1],
    above the threshold, and growing with each of the two. A span made twice keeps its best score.

    paper_compat: no span ends with the sentence, as in the authors' code.

    Raises ValueError when the array is not [T, A] with an even A >= 2.
    """
    if probabilities.ndim != 2 or probabilities.shape[1] < 2 or probabilities.shape[1] % 2:
        raise ValueError(f"Expected probabilities [T, A] with A = 2 + 2 * labels, received {probabilities.shape}.")
    leader = probabilities.argmax(axis=1)
    stops = numpy.flatnonzero(leader == EOA)
    length = int(stops[0]) if stops.size else len(leader)
    # of each step the words before it, a SHIFT of its own included (where it leads, nothing fires)
    words_read = numpy.minimum(numpy.cumsum(leader == SHIFT), n_words)
    last_end = n_words - paper_compat
    fired = probabilities[:length] > threshold
    fired[leader[:length] == SHIFT] = False
    stacks: dict[int, list[tuple[int, float]]] = {}
    scores: dict[Span, float] = {}
    # steps at which anything opens or closes are few; the others need no loop
    for t in numpy.flatnonzero(fired[:, 2:].any(axis=1)).tolist():
        word = int(words_read[t])
        for label in numpy.flatnonzero(fired[t, 3::2]).tolist():
            if not stacks.get(label):
                continue
            start, opened = stacks[label].pop()
            if start < word <= last_end:
                score = sqrt(opened * float(probabilities[t, reduce(label)]))
                scores[start, word, label] = max(score, scores.get((start, word, label), 0.0))
        for label in numpy.flatnonzero(fired[t, 2::2]).tolist():
            stacks.setdefault(label, []).append((word, float(probabilities[t, transition(label)])))
    spans = sorted(scores, key=lambda span: (span[0], -span[1], span[2]))
    return [(start, end, label, scores[start, end, label]) for start, end, label in spans]


def border_logits(probabilities: numpy.ndarray, n_words: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Of each border between words, also before the first and behind the last, the largest logits that any row there
    had for opening, and for closing, a span of each label, both [n_words + 1, labels]; whatever led there. Where the
    walk did not come, they are as low as logits get."""
    leader = probabilities.argmax(axis=1)
    stops = numpy.flatnonzero(leader == EOA)
    rows = probabilities[: stops[0] + 1 if stops.size else len(leader)]
    shifts = leader[: len(rows)] == SHIFT
    # a SHIFT itself stands before the word that it reads
    border = numpy.minimum(numpy.cumsum(shifts) - shifts, n_words)
    largest = numpy.zeros((n_words + 1, probabilities.shape[1] - 2), dtype=probabilities.dtype)
    numpy.maximum.at(largest, border, rows[:, 2:])
    largest = numpy.clip(largest, SURE, 1 - SURE)
    logits = numpy.log(largest) - numpy.log1p(-largest)
    return logits[:, ::2], logits[:, 1::2]


def inexpressible(spans: Iterable[Span]) -> Inexpressible:
    """Count what of one sentence's gold cannot be learned: exact duplicates, and spans lost because one label crosses
    itself.

    `crossing` is counted on the round trip itself: the distinct spans that do not come back. It is 0 exactly when no
    two spans of one label cross; spans of different labels cross freely.
    """
    given = list(spans)
    distinct = set(given)
    n_words = max((end for _, end, _ in distinct), default=0)
    n_labels = max((label for _, _, label in distinct), default=-1) + 1
    rows = oracle(distinct, n_words, n_labels)
    returned = {(start, end, label) for start, end, label, _ in decode(rows.astype(numpy.float32), n_words)}
    return Inexpressible(duplicates=len(given) - len(distinct), crossing=len(distinct - returned))
