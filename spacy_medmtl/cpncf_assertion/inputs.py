"""What the model of ``cpncf_assertion`` reads. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy

from ..encoder.views.requests import DocumentReading, Reading


@dataclass(frozen=True)
class FindingInput:
    """What is read of each Doc, and the spans to judge: of each the numbers of its token rows, all Docs' rows counted
    through."""

    readings: Sequence[Reading | DocumentReading]
    spans: Sequence[numpy.ndarray] = ()

    def __len__(self) -> int:
        return len(self.readings)

    def first_rows(self) -> list[int]:
        """The row of each Doc's first token, with the end behind."""
        return [*accumulate((len(reading.doc) for reading in self.readings), initial=0)]
