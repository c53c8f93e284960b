"""What the model of ``sru_nested_ner`` reads, and what it gives in training. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy

from ..encoder.views.requests import ToRead
from .transitions import Span


@dataclass(frozen=True)
class WordSequence:
    """The words of one sentence, as token offsets in its Doc [n_words], and in training its gold.

    item: number of the Doc in the batch. rows: the oracle's gold rows, bool [n_rows, n_actions]. foreign: actions of
    labels that the corpus does not annotate, bool [n_actions]. spans: what the rows were made of.
    """

    item: int
    words: numpy.ndarray
    rows: numpy.ndarray | None = None
    foreign: numpy.ndarray | None = None
    spans: Sequence[Span] = ()


@dataclass(frozen=True)
class SruInput:
    """What is read of each Doc, and the sentences whose words are labelled."""

    items: Sequence[ToRead]
    sentences: Sequence[WordSequence]

    def __len__(self) -> int:
        return len(self.sentences)


@dataclass(frozen=True)
class Predicted:
    """Output in prediction, of one sentence: probabilities of actions [n_steps, n_actions], and logits of its spans
    [n_spans, n_labels] of at most ``longest`` words, in the order of ``span_units``; None where the model scores none.
    """

    actions: numpy.ndarray
    spans: numpy.ndarray | None
    longest: int


@dataclass(frozen=True)
class ActionScores:
    """Output in training: logits [n_rows, n_actions] along the gold rows of all sentences.

    batches: of each padded batch the numbers of its sentences, and the steps that they walked together. Its rows stand
    sentence by sentence, n_sentences * n_steps. spans: logits [n_spans, n_labels] of the spans of all sentences, in the
    order of ``span_units``, of at most ``longest`` words; None where the model scores none.
    """

    logits: Any
    batches: Sequence[tuple[Sequence[int], int]]
    spans: Any = None
    longest: int = 0

    def __mul__(self, factor: float) -> "ActionScores":
        """Of a gradient: that of the loss times a factor."""
        spans = None if self.spans is None else self.spans * factor
        return replace(self, logits=self.logits * factor, spans=spans)
