"""What a head asks the encoder to read of a Doc: the whole of it, some units, or some pairs."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.tokens import Doc

Bounds = tuple[int, int]
MARKED, BLINDED = ENTITY_VIEWS = ("marked_pair", "blinded_pair")
Memo = dict[Hashable, Any]


@dataclass(frozen=True)
class Unit:
    """Tokens [start, end) with the context [left, start) and [end, right) around them, and a heading [a, b) from
    farther up. All are token offsets.

    speakers: (token, name), by token: who speaks from there on. The name is read in front of the token, as context; no
    token lies inside the unit.
    """

    left: int
    start: int
    end: int
    right: int
    heading: Bounds | None = None
    speakers: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Reading:
    """A Doc and the units or pairs of it that are to be read.

    Pairs of entities (views ``marked_pair`` and ``blinded_pair``) have one unit each, from the first token of the two
    to the last, whose context is the rest of their sentences; and, to be blinded, the types of head and tail.
    marked: the context stands behind [C] markers, which are there even where a unit has none.
    """

    doc: Doc
    units: Sequence[Unit] = ()
    pairs: Sequence[tuple[Bounds, Bounds]] = ()
    marked: bool = False
    types: Sequence[tuple[str, str]] = ()


ToRead = Doc | Reading


@dataclass(frozen=True)
class ViewRequest:
    """What a listener wants of the encoder: ``view`` of ``items`` along ``route``, wordpieces pooled to rows.

    memo: where to look for, and leave, what other requests for the same Docs computed; only used in prediction.
    """

    items: Sequence[ToRead]
    route: str
    view: str
    pooling: str = "mean"
    memo: Memo = field(default_factory=dict)


def doc_of(item: ToRead) -> Doc:
    return item.doc if isinstance(item, Reading) else item


def units_with_context(bounds: Sequence[Bounds], neighbours: int) -> list[Unit]:
    """Units from ``bounds`` sorted by start, each with up to ``neighbours`` bounds on either side as its context."""
    last = len(bounds) - 1
    return [
        # the end of what comes after lies inside a unit that holds it
        Unit(bounds[max(0, i - neighbours)][0], start, end, max(end, bounds[min(last, i + neighbours)][1]))
        for i, (start, end) in enumerate(bounds)
    ]
