"""doccano's exports, JSON or JSON lines. Mentions are ``[start, end, label]``, or objects with ids that ``relations``
name; classes are texts. ``label`` and ``labels`` hold either, ``entities`` mentions, ``cats`` classes; ``annotations``,
of its first versions, objects with the number of a label."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from ..options import SPANS, UNIT
from ..reader import Reader
from ..record import Entity, Record, resolve_links
from ..scheme import Scheme
from .json_files import read_json
from .json_values import attributes_of, entity, labels_of, link_rows, objects

_KNOWN = ("id", "label", "start_offset", "end_offset", "user", "created_at", "updated_at")
_SPANS, _CLASSES = "spans", "classes"


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The examples of a file. One that is no JSON object with a text is a loss (MedmtlError E401 in stop mode).

    An empty ``label`` says that a text has no mentions or is of no class, whichever the other texts of the file have;
    so examples before the first that tells are held back.
    """
    kind: str | None = None
    waiting: list[tuple[Place, dict[str, Any], str]] = []
    for place, value in read_json(path, audit):
        text = value.get("text", value.get("data")) if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(text, str):
            audit.dropped(place, "line", "", "expected a JSON object with a text")
            continue
        audit.note("comments, not kept", len(value["Comments"]) if isinstance(value.get("Comments"), list) else 0)
        waiting.append((place, value, text))
        kind = kind or _kind(_given(value))
        if kind or len(waiting) > 10_000:
            yield from (_record(example, words, here, kind, audit) for here, example, words in waiting)
            waiting = []
    yield from (_record(example, words, here, kind, audit) for here, example, words in waiting)


READER = Reader(read, Scheme(is_open=True), suffixes=(".jsonl", ".json"), options={**SPANS, **UNIT})


def _given(value: dict[str, Any]) -> Any:
    label = value.get("label", value.get("labels"))
    return value.get("annotations") if label is None else label


def _kind(given: Any) -> str | None:
    """Whether a value holds mentions or classes; None if that cannot be told."""
    parts = given if isinstance(given, list) else [] if given is None else [given]
    for part in parts:
        if isinstance(part, list) or (isinstance(part, dict) and "start_offset" in part):
            return _SPANS
        if part != "":
            return _CLASSES
    return None


def _record(value: dict[str, Any], text: str, place: Place, kind: str | None, audit: Audit) -> Record:
    record = Record(text, place, is_explicit=False)
    given = _given(value)
    spans: list[Entity] = []
    if given is not None and _kind(given) != _CLASSES and (_kind(given) or kind) != _CLASSES:
        for part in given if isinstance(given, list) else [given]:
            mention = _old(part, text, place, audit) if isinstance(part, dict) else _triple(part, text, place, audit)
            spans += [] if mention is None else [mention]
        record.entities = spans
    elif given is not None:
        old = (
            [part.get("label") if isinstance(part, dict) else part for part in given]
            if isinstance(given, list)
            else given
        )
        record.classes = labels_of(
            [_text(label, audit) for label in old] if isinstance(old, list) else old, place, audit
        )
    if isinstance(value.get("cats"), (list, str)):
        record.classes = [*(record.classes or ()), *labels_of(value["cats"], place, audit)]
    if "entities" in value:
        triples = value["entities"] if isinstance(value["entities"], list) else []
        mentions = [_triple(triple, text, place, audit) for triple in triples if isinstance(triple, list)]
        spans += [mention for mention in mentions if mention is not None]
        by_id: dict[str, Entity] = {}
        rest = [part for part in triples if not isinstance(part, list)]
        for annotation in objects(rest, "an entity", place, audit):
            edges = annotation.get("start_offset"), annotation.get("end_offset")
            mention = entity(text, *edges, annotation.get("label"), place, audit, attributes_of(annotation, _KNOWN))
            if mention is not None:
                spans.append(mention)
                by_id[str(annotation.get("id"))] = mention
        rows = link_rows(value.get("relations"), ("type", "from_id", "to_id"), place, audit)
        record.entities, record.links = spans, resolve_links(rows, by_id, audit)
    return record


def _triple(value: Any, text: str, place: Place, audit: Audit) -> Entity | None:
    if not isinstance(value, list) or len(value) != 3:
        audit.dropped(place, "line", "", "a mention that is not [start, end, label]")
        return None
    start, end, label = value
    return entity(text, start, end, label, place, audit)


def _old(value: dict[str, Any], text: str, place: Place, audit: Audit) -> Entity | None:
    label = _text(value.get("label"), audit)
    return entity(text, value.get("start_offset"), value.get("end_offset"), label, place, audit)


def _text(label: Any, audit: Audit) -> Any:
    """A label; the first versions gave its number, of which the export does not say the name."""
    if type(label) is int:
        audit.note("labels that are numbers, as doccano's first versions export them, kept as such")
        return str(label)
    return label
