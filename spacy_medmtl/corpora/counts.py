"""What one output of a conversion holds, in numbers: never a text."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from spacy.tokens import Doc

from ..annotations.groups import FINDINGS, RELATIONS, group_values, sentence_bounds
from ..annotations.relations import read_pairs
from .lengths import WindowCheck

NO_RELATION = "(none)"


@dataclass
class Counts:
    """What one output holds. Histograms are counted by the upper bound of their bin: 1, 2, 4, 8, and so on; 0 apart.

    ``depths``: by span group, how many spans lie at each depth, 1 outermost. ``sentences_over`` counts sentences longer
    than the encoder's window (see ``window``). ``prints`` holds a hash of each document's text (see ``leakage``).
    """

    documents: int = 0
    sentences: int = 0
    tokens: int = 0
    spans: dict[str, "Counter[str]"] = field(default_factory=lambda: defaultdict(Counter))
    depths: dict[str, "Counter[int]"] = field(default_factory=lambda: defaultdict(Counter))
    sentence_tokens: "Counter[int]" = field(default_factory=Counter)
    spans_per_document: dict[str, "Counter[int]"] = field(default_factory=lambda: defaultdict(Counter))
    span_tokens: dict[str, "Counter[int]"] = field(default_factory=lambda: defaultdict(Counter))
    sentences_over: int = 0
    prints: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, doc: Doc, window: WindowCheck | None = None) -> None:
        """Count a finished reference Doc. Findings count as ``label/status``, relations once for each judged pair."""
        bounds = sentence_bounds(doc)
        if window is not None:
            self.sentences_over += window.n_over(doc, bounds)
        self.documents += 1
        self.sentences += len(bounds)
        self.tokens += len(doc)
        self.sentence_tokens.update(bin_of(end - start) for start, end in bounds)
        for key, group in doc.spans.items():
            if key == RELATIONS:
                names = ["+".join(pair.labels) or NO_RELATION for pair in read_pairs(doc)]
            else:
                places = [(span.start, span.end) for span in group]
                names = [span.label_ for span in group]
                if key == FINDINGS:
                    statuses = group_values(doc, key, "assertion")
                    names = [f"{name}/{status}" for name, status in zip(names, statuses, strict=True)]
                self.depths[key].update(depths(places))
                self.span_tokens[key].update(bin_of(end - start) for start, end in places)
            self.spans[key].update(names)
            self.spans_per_document[key][bin_of(len(names))] += 1

    def as_dict(self) -> dict[str, Any]:
        """For JSON, in a stable order."""
        return {
            "documents": self.documents,
            "sentences": self.sentences,
            "tokens": self.tokens,
            "spans": _sorted(self.spans),
            "depths": _sorted(self.depths),
            "histograms": {
                "tokens_per_sentence": _sorted({"": self.sentence_tokens})[""],
                "spans_per_document": _sorted(self.spans_per_document),
                "tokens_per_span": _sorted(self.span_tokens),
            },
        }


def bin_of(value: int) -> int:
    """The upper bound of the bin of a number."""
    return 1 << (value - 1).bit_length() if value > 0 else 0


def depths(places: Iterable[tuple[int, int]]) -> list[int]:
    """How deep each span (start, end) is nested, sorted by start, longest first: 1 if it lies in no other. Of spans
    with equal bounds each lies in the one before it."""
    levels: list[int] = []
    around: list[int] = []  # ends of the spans that begin before and are not over yet
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        around = [outer_end for outer_end in around if outer_end > start]
        levels.append(1 + sum(outer_end >= end for outer_end in around))
        around.append(end)
    return levels


def _sorted(counters: dict[str, "Counter[Any]"]) -> dict[str, dict[str, int]]:
    return {key: {str(name): n for name, n in sorted(names.items())} for key, names in sorted(counters.items())}
