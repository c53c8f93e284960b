"""Relations between two spans of a Doc, kept in one span group: head, tail, head, tail, ...

``attrs["labels"]`` has a list of labels per pair (an empty list: the pair was judged and holds no relation),
``attrs["scores"]`` a number per pair (a probability, or the value of a regression). Where the two are entities, the
spans are labelled with their types.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc, Span

from ..errors import MedmtlError, warn
from ..kinds import is_number
from .groups import RELATIONS, Bounds
from .steady import SteadySpans, aligned_group
from .travelling import is_labels, pairs_of


@dataclass(frozen=True)
class Relation:
    """One labelled pair. ``score`` is a probability in [0, 1], or the value of a regression."""

    head: Span
    tail: Span
    label: str
    score: float


@dataclass(frozen=True)
class JudgedPair:
    """A pair of token ranges with all labels that hold for it, none included. types: of head and tail, where they are
    entities; they make no other pair."""

    head: Bounds
    tail: Bounds
    labels: tuple[str, ...]
    score: float
    types: tuple[str, str] = field(default=("", ""), compare=False)


def write_relations(doc: Doc, pairs: Iterable[JudgedPair], *, key: str = RELATIONS) -> None:
    """Store pairs under ``doc.spans[key]``, replacing what was there."""
    pairs = list(pairs)
    spans = [
        Span(doc, start, end, label=label)
        for pair in pairs
        for (start, end), label in zip((pair.head, pair.tail), pair.types)
    ]
    group = SteadySpans(doc, name=key, spans=spans)
    group.attrs["labels"] = [list(pair.labels) for pair in pairs]
    group.attrs["scores"] = [pair.score for pair in pairs]
    doc.spans[key] = group


def read_pairs(doc: Doc, *, key: str = RELATIONS) -> list[JudgedPair]:
    """The pairs under ``doc.spans[key]``; none if it is absent. Raises MedmtlError E103 on a group of another shape,
    E105 on values that are no labels or no numbers."""
    group = aligned_group(doc, key)
    if group is None:
        return []
    spans: Sequence[Span] = list(group)
    labels = group.attrs.get("labels", [])
    scores = group.attrs.get("scores", [1.0] * len(labels) if isinstance(labels, list) else [])
    for name, entries, is_value, expected in (
        ("labels", labels, is_labels, "a list of labels for each pair"),
        ("scores", scores, is_number, "a number for each pair"),
    ):
        odd = [entries] if not isinstance(entries, list) else [entry for entry in entries if not is_value(entry)]
        if odd:
            raise MedmtlError("E105", name=name, key=key, received=type(odd[0]).__name__, expected=expected)
    if len(spans) != 2 * len(labels) or len(scores) != len(labels):
        noted = pairs_of(doc, key)  # of pairs that were filtered or joined
        if not spans or len(spans) % 2 or None in noted:
            raise MedmtlError("E103", key=key, spans=len(spans), labels=len(labels))
        labels, scores = [pair[0] for pair in noted if pair], [pair[1] for pair in noted if pair]
    return [
        JudgedPair(
            (head.start, head.end), (tail.start, tail.end), tuple(names), float(score), (head.label_, tail.label_)
        )
        for head, tail, names, score in zip(spans[::2], spans[1::2], labels, scores)
    ]


def read_relations(doc: Doc, *, key: str = RELATIONS) -> list[Relation]:
    """The relations that hold in ``doc``, one for each pair and label.

    Warns (W205) where the group holds pairs, or half a pair, of which nothing is known any more: they are left out.
    """
    spans: Sequence[Span] = list(aligned_group(doc, key) or ())
    pairs = pairs_of(doc, key)
    if len(spans) % 2 or None in pairs:
        warn("W205", key=key)
    return [
        Relation(spans[2 * number], spans[2 * number + 1], label, pair[1])
        for number, pair in enumerate(pairs)
        if pair is not None
        for label in pair[0]
    ]
