"""doccano's exports, JSON or JSON lines. Mentions are ``[start, end, label]``, or objects with ids that ``relations``
name; classes are texts. ``label`` and ``labels`` hold either, ``entities`` mentions, ``cats`` classes; ``annotations``,
of its first versions, objects with the number of a label."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit
from ..options import KINDS, SPANS, UNIT
from ..reader import Reader
from ..record import Entity, Record, resolve_links
from ..scheme import Scheme
from .json_examples import read_examples
from .json_values import JsonText, Value, attributes_of

_KNOWN = ("id", "label", "start_offset", "end_offset", "start", "end", "text", "user", "created_at", "updated_at")
_SPANS, _CLASSES = "spans", "classes"
_HOLDERS = ("label", "labels", "annotations", "entities", "cats")  # members that hold what was annotated


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The examples of a file. An empty ``label`` says that a text has no mentions or is of no class, whichever the
    other texts of the file have; so examples before the first that tells are held back."""
    kind: str | None = None
    waiting: list[tuple[Value, JsonText]] = []
    for place, value in read_examples(path, audit):
        text = value.get("text", value.get("data")) if isinstance(value, dict) else None
        if isinstance(value, dict) and text is None and {"text", "data"} & value.keys() and not _annotation(value):
            audit.note("empty texts, left out")
            continue
        if not isinstance(value, dict) or not isinstance(text, str):
            audit.dropped(place, "line", "", "expected a JSON object with a text")
            continue
        if not value.keys().isdisjoint(_HOLDERS) and all(value.get(name) is None for name in _HOLDERS):
            audit.note("examples that nobody annotated, left out")
            continue
        audit.note("comments, not kept", len(value["Comments"]) if isinstance(value.get("Comments"), list) else 0)
        waiting.append((value, JsonText(text, place, audit)))
        kind = kind or _kind(_annotation(value))
        if kind or len(waiting) > 10_000:
            yield from (_record(*example, kind) for example in waiting)
            waiting = []
    yield from (_record(*example, kind) for example in waiting)


READER = Reader(read, Scheme(is_open=True), suffixes=(".jsonl", ".json"), options={**SPANS, **KINDS, **UNIT})


def _annotation(value: Value) -> Any:
    label = value.get("label", value.get("labels"))
    return value.get("annotations") if label is None else label


def _kind(annotation: Any) -> str | None:
    """Whether a value holds mentions or classes; None if that cannot be told."""
    parts = annotation if isinstance(annotation, list) else [] if annotation is None else [annotation]
    for part in parts:
        if isinstance(part, list) or (isinstance(part, dict) and {"start_offset", "start"} & part.keys()):
            return _SPANS
        if part != "":
            return _CLASSES
    return None


def _record(value: Value, given: JsonText, kind: str | None) -> Record:
    record = Record(given.text, given.place, is_explicit=False)
    annotation = _annotation(value)
    parts = annotation if isinstance(annotation, list) else [] if annotation == "" else [annotation]
    spans: list[Entity] = []
    if annotation is not None and (_kind(annotation) or kind) != _CLASSES:
        for part in parts:
            if isinstance(part, dict):
                part = [*_edges(part), _named(part.get("label"), given.audit)]
            spans += _triple(part, given)
        record.entities = spans
    elif annotation is not None:
        labels = [part.get("label") if isinstance(part, dict) else part for part in parts]
        record.classes = given.labels([_named(label, given.audit) for label in labels])
    cats = value.get("cats")
    if isinstance(cats, dict):
        cats = [label for label, holds in cats.items() if holds]
    if cats is not None:
        record.classes = [*(record.classes or ()), *given.labels(cats)]
    if "entities" in value:
        parts = value["entities"] if isinstance(value["entities"], list) else []
        for part in parts:
            spans += _triple(part, given) if isinstance(part, list) else []
        by_id: dict[str, Entity] = {}
        for part in given.objects([part for part in parts if not isinstance(part, list)], "an entity"):
            for mention in given.mention(*_edges(part), part.get("label"), attributes_of(part, _KNOWN)):
                spans.append(mention)
                by_id[str(part.get("id"))] = mention
        rows = given.link_rows(value.get("relations"), ("type", "from_id", "to_id"))
        record.entities, record.links = spans, resolve_links(rows, by_id, given.audit)
    return record


def _edges(part: Value) -> tuple[Any, Any]:
    return part.get("start_offset", part.get("start")), part.get("end_offset", part.get("end"))


def _triple(part: Any, given: JsonText) -> list[Entity]:
    if isinstance(part, list) and (len(part) == 3 or (len(part) == 4 and isinstance(part[3], str))):
        return given.mention(*part[:3])  # a fourth repeats the words, or names the concept
    given.lose("a mention that is not [start, end, label]")
    return []


def _named(label: Any, audit: Audit) -> Any:
    """A label; the first versions gave its number, of which the export does not say the name."""
    if type(label) is int:
        audit.note("labels that are numbers, as doccano's first versions export them, kept as such")
        return str(label)
    return label
