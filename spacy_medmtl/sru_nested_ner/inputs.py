"""What the model of ``sru_nested_ner`` reads, and what it gives in training. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from ..encoder.views.requests import ToRead


@dataclass(frozen=True)
class WordSequence:
    """The words of one sentence, as token offsets in its Doc [n_words], and in training its gold.

    item: number of the Doc in the batch. rows: the oracle's gold rows, bool [n_rows, n_actions]. foreign: actions of
    labels that the corpus does not annotate, bool [n_actions].
    """

    item: int
    words: numpy.ndarray
    rows: numpy.ndarray | None = None
    foreign: numpy.ndarray | None = None


@dataclass(frozen=True)
class SruInput:
    """What is read of each Doc, and the sentences whose words are labelled."""

    items: Sequence[ToRead]
    sentences: Sequence[WordSequence]

    def __len__(self) -> int:
        return len(self.sentences)


@dataclass(frozen=True)
class ActionScores:
    """Output in training, rows of all sentences together: logits, targets and mask [n_rows, n_actions].

    Targets come from the model too: with labels that a corpus does not annotate, a gold SHIFT can be postponed.
    """

    logits: Any
    targets: Any
    mask: Any

    def __mul__(self, factor: float) -> "ActionScores":
        """Of a gradient: that of the loss times a factor."""
        return ActionScores(self.logits * factor, self.targets, self.mask)
