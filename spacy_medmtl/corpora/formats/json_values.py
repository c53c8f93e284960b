"""Values of decoded JSON, where any value may be of any type, as mentions, labels and attributes."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...annotations.groups import ENTITIES
from ..audit import Audit, Place
from ..record import FALSE, Attributes, Entity, LinkRow, are_fragments, is_unicode, label_problem, read_label

Mention = tuple[int, int, str, Attributes]  # start, end, label, what is said of it


def objects(value: Any, what: str, place: Place, audit: Audit) -> list[dict[str, Any]]:
    """The JSON objects of a list; None stands for an empty one, and whatever else is there is a loss (MedmtlError E401
    in stop mode)."""
    parts = value if isinstance(value, list) else [] if value is None else [value]
    for part in parts:
        if not isinstance(part, dict):
            audit.dropped(place, "line", "", f"{what} that is no JSON object")
    return [part for part in parts if isinstance(part, dict)]


def has_types(value: Any, types: Mapping[str, type]) -> bool:
    """Whether a value is an object with members of these types: texts that are not blank and can be written, numbers
    that are no flags."""
    if not isinstance(value, dict) or not all(type(value.get(name)) is kind for name, kind in types.items()):
        return False
    texts = [value[name] for name, kind in types.items() if kind is str]
    return all(text.strip() and is_unicode(text) for text in texts)


def within(start: Any, end: Any, text: str) -> bool:
    """Whether two values are offsets of at least one character of a text."""
    return type(start) is int and type(end) is int and 0 <= start < end <= len(text)


def entity(
    text: str,
    start: Any,
    end: Any,
    label: Any,
    place: Place,
    audit: Audit,
    attributes: Attributes = (),
) -> Entity | None:
    """A mention of one stretch, or None and a loss (MedmtlError E401 in stop mode)."""
    name = read_label(label, audit)
    if type(start) is not int or type(end) is not int or not are_fragments(((start, end),), len(text)):
        audit.dropped(place, "line", "", "a mention whose offsets are no characters of the text")
    elif name is None:
        audit.dropped(place, "line", "", f"a mention {label_problem(label)}")
    else:
        return Entity(name, ((start, end),), place, attributes)
    return None


def mentions(
    given: Iterable[Any],
    text: str,
    read: Callable[[Any, str], "Mention | str"],
    place: Place,
    audit: Audit,
    at: int = 0,
    kind: str = ENTITIES,
    label: str = "",
) -> Iterator[Entity]:
    """The mentions of a part of a text, which begins at ``at``.

    ``read(mention, part)`` gives one with the offsets of the part, or what is wrong with it: then it is a loss of this
    ``kind`` and ``label`` (MedmtlError E401 in stop mode).
    """
    for mention in given:
        mention_or_problem = read(mention, text)
        if isinstance(mention_or_problem, str):
            audit.dropped(place, kind, label, mention_or_problem)
        else:
            start, end, name, attributes = mention_or_problem
            yield Entity(name, ((at + start, at + end),), place, attributes)


def attributes_of(value: dict[str, Any], known: tuple[str, ...]) -> Attributes:
    """The members of an object beside the known ones: flags, texts and lists of texts, as (name, value)."""
    attributes: list[tuple[str, str]] = []
    for name, given in value.items():
        if name not in known and given is not None:
            for part in given if isinstance(given, list) else [given]:
                is_flag = isinstance(part, bool)
                attributes.append((name, ("" if part else FALSE) if is_flag else str(part)))
    return tuple(attributes)


def labels_of(value: Any, place: Place, audit: Audit) -> list[str]:
    """The labels of a text: one or a list of them. What is no label is a loss (MedmtlError E401 in stop mode)."""
    labels: list[str] = []
    for given in value if isinstance(value, list) else [value]:
        name = read_label(given, audit)
        if name is None:
            audit.dropped(place, "line", "", f"a class of the text {label_problem(given)}")
        else:
            labels.append(name)
    return labels


def link_rows(value: Any, names: tuple[str, str, str], place: Place, audit: Audit) -> Iterator[LinkRow]:
    """The relations of a list of objects, by the names of their label and of the ids of head and tail. What is no
    relation is a loss (MedmtlError E401 in stop mode)."""
    for given in objects(value, "a relation", place, audit):
        label, head, tail = (given.get(name) for name in names)
        name = read_label(label, audit)
        if name is None:
            audit.dropped(place, "line", "", f"a relation {label_problem(label)}")
        else:
            yield LinkRow(name, str(head), str(tail), place)


def number(value: Any) -> float | None:
    """A number that is finite, or None."""
    is_number = type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)
    return float(value) if is_number else None
