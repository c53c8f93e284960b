"""What a Doc is annotated with for a component, in one form for all: what is scored, counted, sampled and compared."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from spacy.tokens import Doc
from spacy.training import Example

from .groups import Bounds, is_annotated, judges, trimmed
from .scoring import ScoredItem, places
from .steady import aligned_group


class Item(NamedTuple):
    """One annotated unit: a span, a pair of spans, or a whole Doc.

    bounds: token bounds of the span, or of head and tail; white space at their ends is no part of them. labels: those
    that hold; none where the unit was judged and none does. status: what is said beside the label, if anything. score:
    the value of a regression.
    """

    bounds: tuple[Bounds, ...]
    labels: tuple[str, ...]
    status: str = ""
    score: float = 1.0

    def names(self) -> list[str]:
        """Each label, with the status if there is one: "type/status"."""
        return [f"{label}/{self.status}" if self.status else label for label in self.labels]


def span_items(doc: Doc, key: str) -> list[Item] | None:
    """The labelled spans under ``doc.spans[key]``, blank ones left out; None if it is absent: not annotated."""
    if not is_annotated(doc, key):
        return None
    spans = [(trimmed(doc, span.start, span.end), span.label_) for span in aligned_group(doc, key) or ()]
    return [Item((bounds,), (label,)) for bounds, label in spans if bounds[0] < bounds[1]]


def judged_by(doc: Doc, key: str) -> Callable[[str], bool]:
    """Whether a Doc was judged for a label under ``key``; for none where it is not annotated."""
    return judges(doc, key) if is_annotated(doc, key) else (lambda label: False)


def compared(
    example: Example, items_of: Callable[[Doc], list[Item] | None], judged: Callable[[str], bool]
) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
    """(gold, predicted) of an example as sets of (name, place), those alone whose label was judged; None where it is
    not annotated. For ``score_items``."""
    gold = items_of(example.reference)
    if gold is None:
        return None
    return placed(example.reference, gold, judged), placed(example.predicted, items_of(example.predicted) or [], judged)


def placed(doc: Doc, items: list[Item], judged: Callable[[str], bool]) -> set[ScoredItem]:
    """(name, place) of each judged label of each item. Places are characters that are not white space, so Docs of one
    text agree on them however they are tokenised."""
    place = places(doc)
    return {
        (name, tuple(border for bounds in item.bounds for border in place(*bounds)))
        for item in items
        for name, label in zip(item.names(), item.labels)
        if judged(label)
    }


def inner_items(items: set[Any]) -> set[Any]:
    """The (name, place) of spans that lie inside another; of equal places, each inside the other."""
    n_at = Counter(place for _, place in items)
    inside: set[Any] = set()
    furthest = -1
    # outer places come first, so a place lies inside one of those before it where any of these ends with it or later
    for start, end in sorted(n_at, key=lambda place: (place[0], -place[1])):
        if furthest >= end or n_at[start, end] > 1:
            inside.add((start, end))
        furthest = max(furthest, end)
    return {item for item in items if item[1] in inside}


def names_by_place(items: Iterable[tuple[str, Any]]) -> dict[Any, set[str]]:
    """The names at each place, of (name, place)."""
    names: dict[Any, set[str]] = {}
    for name, place in items:
        names.setdefault(place, set()).add(name)
    return names
