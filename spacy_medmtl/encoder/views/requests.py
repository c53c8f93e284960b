"""What a head asks the encoder to read of a Doc, and what a listener asks of the encoder. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from spacy.tokens import Doc

from ...annotations.groups import Bounds

DOCUMENT = "document"
MARKED, BLINDED = ENTITY_VIEWS = ("marked_pair", "blinded_pair")


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

    @property
    def bounds(self) -> Sequence[Bounds]:
        """Token bounds of the units, without their context."""
        return [(unit.start, unit.end) for unit in self.units]


@dataclass(frozen=True)
class DocumentReading:
    """A Doc that is read whole, a marker in front of each of its ``sentences`` (view ``document``).

    Heads whose Readings have equal sentences share one pass of the encoder, whatever rows each of them wants.
    sentences: token bounds, in the order of the text. spans: a row is wanted for each of these token bounds: the mean
    of its wordpieces and of the markers of sentences that lie in it; None for a row per token.
    """

    doc: Doc
    sentences: Sequence[Bounds]
    spans: Sequence[Bounds] | None = None

    @property
    def bounds(self) -> Sequence[Bounds]:
        return self.sentences


ToRead = Doc | Reading | DocumentReading


@dataclass(frozen=True)
class HeadInput:
    """Items that a head of this package reads. A listener answers with Rows, which stay on the encoder's device; any
    other layer gives, and stock components get, one array per item."""

    items: Sequence[ToRead]

    def __len__(self) -> int:
        return len(self.items)


class RowSource(Protocol):
    """What keeps the rows of a batch of Docs for all who read them: the ``Encoding``, which is made of torch."""

    def read(self, request: "ViewRequest") -> Any:
        """The rows [n_rows, width] that a request wants."""

    def add_gradient(self, rows: Any, gradient: Any, task: int) -> None:
        """Take the gradient of rows that ``read`` gave to the listener ``task``."""

    def backpropagate(self) -> None:
        """Go back through the encoder, once for all gradients that were taken."""


@dataclass(frozen=True)
class ViewRequest:
    """What a listener wants of the encoder: ``view`` of ``items`` along ``route``, wordpieces pooled to rows.

    encoding: what keeps the rows of this batch of Docs for all who read them; None to compute, and differentiate, for
    this request alone.
    """

    items: Sequence[ToRead]
    route: str
    view: str
    pooling: str = "mean"
    encoding: RowSource | None = None


def doc_of(item: ToRead) -> Doc:
    return item if isinstance(item, Doc) else item.doc


def units_with_context(bounds: Sequence[Bounds], neighbours: int) -> list[Unit]:
    """Units from ``bounds`` sorted by start, each with up to ``neighbours`` bounds on either side as its context."""
    last = len(bounds) - 1
    return [
        # the end of what comes after lies inside a unit that holds it
        Unit(bounds[max(0, i - neighbours)][0], start, end, max(end, bounds[min(last, i + neighbours)][1]))
        for i, (start, end) in enumerate(bounds)
    ]
