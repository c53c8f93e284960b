"""doccano's JSON lines: ``label`` (or ``labels``) with ``[start, end, label]`` or with classes of the text, or
``entities`` and ``relations`` with ids."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit, Place
from .formats.json_lines import read_json_lines
from .formats.json_values import attributes_of, entity, labels_of, objects
from .formats.record import Entity, LinkRow, Record, is_label, resolve_links
from .records import Rules, convert_records

_KNOWN = ("id", "label", "start_offset", "end_offset")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, **rules: Any) -> Iterator[Doc]:
    """One Doc for each line. Raises MedmtlError E401 at the first loss in stop mode."""
    return convert_records(read_records, paths, nlp, audit, Rules(**rules))


def read_records(path: Path, audit: Audit) -> Iterator[Record]:
    """The lines of a file. One that is no JSON object with a text is a loss (MedmtlError E401 in stop mode)."""
    for place, value in read_json_lines(path, audit):
        text = (value.get("text", value.get("data"))) if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(text, str):
            audit.dropped(place, "line", "", "expected a JSON object with a text")
        else:
            audit.note("comments, not kept", len(value["Comments"]) if isinstance(value.get("Comments"), list) else 0)
            yield _record(value, text, place, audit)


def _record(value: dict[str, Any], text: str, place: Place, audit: Audit) -> Record:
    record = Record(text, place, entities=None, links=None)
    given = value.get("label", value.get("labels"))
    spans: list[Entity] = []
    if isinstance(given, list) and (not given or any(isinstance(one, list) for one in given)):
        spans += [found for one in given if (found := _triple(one, text, place, audit)) is not None]
        record.entities = spans
    elif given is not None:
        record.classes = labels_of(given, place, audit)
    if "entities" in value:
        by_id: dict[str, Entity] = {}
        for one in objects(value["entities"], "an entity", place, audit):
            edges = one.get("start_offset"), one.get("end_offset")
            found = entity(text, *edges, one.get("label"), place, audit, attributes_of(one, _KNOWN))
            if found is not None:
                spans.append(found)
                by_id[str(one.get("id"))] = found
        record.entities, record.links = spans, resolve_links(_rows(value, place, audit), by_id, audit)
    return record


def _triple(value: Any, text: str, place: Place, audit: Audit) -> "Entity | None":
    if not isinstance(value, list) or len(value) != 3:
        audit.dropped(place, "line", "", "a mention that is not [start, end, label]")
        return None
    start, end, label = value
    return entity(text, start, end, label, place, audit)


def _rows(value: dict[str, Any], place: Place, audit: Audit) -> list[LinkRow]:
    rows: list[LinkRow] = []
    for one in objects(value.get("relations"), "a relation", place, audit):
        label = one.get("type")
        if is_label(label):
            rows.append(LinkRow(str(label), str(one.get("from_id")), str(one.get("to_id")), place))
        else:
            audit.dropped(place, "line", "", "a relation without a type")
    return rows
