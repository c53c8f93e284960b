"""Values of decoded JSON, where any value may be of any type, as mentions, labels and attributes."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ...annotations.groups import ENTITIES
from ..audit import Audit, LossError, Place, need
from ..record import FALSE, Attributes, Bounds, Entity, LinkRow, is_offset, is_unicode, label_problem, read_label
from .words import NO_CHARACTER

Mention = tuple[Bounds, str, Attributes]  # where, label, what is said of it
Value = dict[str, Any]  # a JSON object


@dataclass(frozen=True)
class JsonText:
    """A text of a JSON file. What is malformed about it is a loss at its place (MedmtlError E401 in stop mode)."""

    text: str
    place: Place
    audit: Audit

    def lose(self, reason: str) -> None:
        """Something of it does not reach the output."""
        self.audit.dropped(self.place, "line", "", reason)

    def label(self, value: Any, what: str) -> str:
        """A label. Raises LossError for what is none, ``what`` being what it is the label of."""
        return need(read_label(value, self.audit), f"{what} {label_problem(value)}")

    def objects(self, value: Any, what: str) -> list[Value]:
        """The JSON objects of a list; None stands for an empty one, and whatever else is there is a loss."""
        parts = value if isinstance(value, list) else [] if value is None else [value]
        for part in parts:
            if not isinstance(part, dict):
                self.lose(f"{what} that is no JSON object")
        return [part for part in parts if isinstance(part, dict)]

    def mention(self, start: Any, end: Any, label: Any, attributes: Attributes = ()) -> list[Entity]:
        """The mention of one stretch, or a loss and none."""
        with self.audit.losing(self.place):
            bounds = within(start, end, self.text)
            return [Entity(self.label(label, "a mention"), (bounds,), self.place, attributes)]
        return []

    def mentions(self, value: Any, what: str, known: Collection[str] | None = None) -> list[Entity]:
        """The mentions of a list of objects with ``start``, ``end`` and ``label``. Members beside the ``known`` ones
        are attributes; None: all are known."""
        return [
            mention
            for part in self.objects(value, what)
            for mention in self.mention(
                part.get("start"), part.get("end"), part.get("label"), attributes_of(part, known or part)
            )
        ]

    def labels(self, value: Any) -> list[str]:
        """The labels of a text: one or a list of them."""
        labels: list[str] = []
        for given in value if isinstance(value, list) else [value]:
            with self.audit.losing(self.place):
                labels.append(self.label(given, "a class of the text"))
        return labels

    def link_rows(self, value: Any, names: tuple[str, str, str]) -> Iterator[LinkRow]:
        """The relations of a list of objects, by the names of their label and of the ids of head and tail."""
        for given in self.objects(value, "a relation"):
            label, head, tail = map(given.get, names)
            with self.audit.losing(self.place):
                yield LinkRow(self.label(label, "a relation"), str(head), str(tail), self.place)


def has_types(value: Any, **types: type) -> bool:
    """Whether a value is an object with members of these types: texts that are not blank and can be written, numbers
    that are no flags."""
    if not isinstance(value, dict) or not all(type(value.get(name)) is kind for name, kind in types.items()):
        return False
    texts = [value[name] for name, kind in types.items() if kind is str]
    return all(text.strip() and is_unicode(text) for text in texts)


def object_with(value: Any, **types: type) -> Value:
    """The object. Raises LossError for a value without members of these types, as ``has_types`` says."""
    if not has_types(value, **types):
        raise LossError(f"expected a JSON object with {', '.join(types)} (texts not empty, UTF-8)")
    return dict(value)


def within(start: Any, end: Any, text: str) -> Bounds:
    """Two values as a stretch of a text. Raises LossError if they are no offsets of at least one character of it."""
    first, last = whole(start), whole(end)
    if first is None or last is None:
        raise LossError("offsets that are no numbers")
    need(first != last, NO_CHARACTER)
    need(first < last, "offsets of which the end is before the start")
    need(0 <= first < last <= len(text), "the offsets are outside the text")
    return first, last


def whole(value: Any) -> int | None:
    """A value as a whole number, which tables turn into 3.0 and texts into "3"; None for any other."""
    if isinstance(value, str) and is_offset(value.strip()):
        return int(value)
    is_number = type(value) is int or (isinstance(value, float) and value.is_integer() and abs(value) < 1e9)
    return int(value) if is_number else None


def typed_span(given: Any, text: str) -> Mention:
    """``[start, end, type]`` as a mention of a text. Raises LossError."""
    is_triple = isinstance(given, list) and list(map(type, given)) == [int, int, str]
    need(is_triple, "an entity that is not [start, end, type]")
    return within(given[0], given[1], text), given[2], ()


def mentions(
    given: Iterable[Any],
    text: str,
    read: Callable[[Any, str], Mention],
    place: Place,
    audit: Audit,
    at: int = 0,
    kind: str = ENTITIES,
    label: str = "",
) -> Iterator[Entity]:
    """The mentions of a part of a text, which begins at ``at``; ``read(mention, part)`` may raise LossError."""
    for mention in given:
        with audit.losing(place, kind, label):
            (start, end), name, attributes = read(mention, text)
            yield Entity(name, ((at + start, at + end),), place, attributes)


def attributes_of(value: Value, known: Collection[str]) -> Attributes:
    """The members of an object beside the known ones: flags, texts and lists of texts, as (name, value)."""
    attributes: list[tuple[str, str]] = []
    for name, given in value.items():
        if name not in known and given is not None:
            for part in given if isinstance(given, list) else [given]:
                is_flag = isinstance(part, bool)
                attributes.append((name, ("" if part else FALSE) if is_flag else str(part)))
    return tuple(attributes)


def number(value: Any) -> float | None:
    """A number that is finite, or None."""
    is_number = type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)
    return float(value) if is_number else None
