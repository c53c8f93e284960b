"""Label Studio's JSON export: an array of tasks, each with a text and the annotations of one or several people
(``completions``, before its version 1.0).

Regions (``labels``), choices for a region (attributes of it), choices for the text (its classes) and relations are
read. How offsets count is decided by the regions' own words, see ``words``.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from ..options import SPANS, UNIT, choice, name
from ..reader import Reader
from ..record import Entity, LinkRow, Record, label_problem, read_label, resolve_links
from ..scheme import Scheme
from .json_files import read_json
from .json_values import labels_of, objects
from .words import WRONG, located

_SEVERAL = "a task that several people annotated: choose with the setting 'annotations'"
UNNAMED = "related"
_REGIONS = ("labels", "hypertextlabels")


def read(path: Path, audit: Audit, *, annotations: str = "only", field: str = "text") -> Iterator[Record]:
    """The annotated tasks of a file. ``annotations``: which one of several counts (only, first or last). ``field``: the
    member of a task's ``data`` that is the text. Raises MedmtlError E401 at the first loss in stop mode."""
    for place, task in read_json(path, audit):
        data = task.get("data") if isinstance(task, dict) else None
        text = data.get(field) if isinstance(data, dict) else None
        if isinstance(task, dict) and data is None and field in task:
            audit.dropped(place, "document", "", "a task of the export JSON-MIN, which is not read: export as JSON")
        elif not isinstance(text, str):
            audit.dropped(place, "document", "", "a task without a text: name its member by the setting 'field'")
        else:
            results = _chosen(task, annotations, place, audit)
            if results is not None:
                yield _record(results, text, place, audit)


READER = Reader(
    read,
    Scheme(is_open=True),
    suffixes=(".json",),
    options={
        **SPANS,
        **UNIT,
        "annotations": choice(
            "which annotation of a task counts: only (several are a loss), first, last", "only", "first", "last"
        ),
        "field": name("the member of a task's data that is the text", "text"),
    },
)


def _chosen(task: dict[str, Any], which: str, place: Place, audit: Audit) -> list[dict[str, Any]] | None:
    """The results of the annotation that counts; None if there is none."""
    given = objects(task.get("annotations", task.get("completions")), "an annotation", place, audit)
    done = [annotation for annotation in given if not annotation.get("was_cancelled")]
    audit.note("cancelled annotations, left out", len(given) - len(done))
    if not done:
        is_predicted = bool(task.get("predictions"))
        audit.note("tasks that nobody annotated, left out" + " (they have predictions of a model)" * is_predicted)
        return None
    if len(done) > 1 and which == "only":
        audit.dropped(place, "document", "", _SEVERAL)
        return None
    audit.note("annotations by further people, left out", len(done) - 1)
    return objects(done[-1 if which == "last" else 0].get("result"), "a result", place, audit)


def _record(results: list[dict[str, Any]], text: str, place: Place, audit: Audit) -> Record:
    regions: list[tuple[str, dict[str, Any]]] = []
    attributes: dict[str, list[tuple[str, str]]] = {}
    classes: list[str] | None = None
    rows: list[LinkRow] = []
    for number, result in enumerate(results):
        given = result.get("value")
        value = given if isinstance(given, dict) else {}
        identifier = str(result.get("id", f"result {number}"))
        if result.get("type") in _REGIONS:
            regions.append((identifier, value))
        elif result.get("type") == "choices" and "start" in value:
            label = str(result.get("from_name", ""))
            choices = labels_of(value.get("choices"), place, audit)
            attributes.setdefault(identifier, []).extend((label, choice) for choice in choices)
        elif result.get("type") == "choices":
            classes = (classes or []) + labels_of(value.get("choices"), place, audit)
        elif result.get("type") == "relation":
            rows += _rows(result, place, audit)
        else:
            audit.note("results that are no labels, choices or relations, not kept")
    for _ in set(attributes) - {identifier for identifier, _ in regions}:
        audit.dropped(place, "line", "", "choices for a region that is not there")
    entities: list[Entity] = []
    by_id: dict[str, Entity] = {}
    for identifier, entity in _entities(regions, text, place, audit):
        labelled = replace(entity, attributes=tuple(attributes.get(identifier, ())))
        entities.append(labelled)
        by_id.setdefault(identifier, labelled)
    has_spans = bool(regions) or classes is None
    links = resolve_links(rows, by_id, audit)
    return Record(
        text, place, entities=entities if has_spans else None, links=links, is_explicit=False, classes=classes
    )


def _entities(
    regions: list[tuple[str, dict[str, Any]]], text: str, place: Place, audit: Audit
) -> Iterator[tuple[str, Entity]]:
    """A mention for each label of each region."""
    mentions = [(_edges(value), str(value["text"]) if "text" in value else None) for _, value in regions]
    for (identifier, value), fragments in zip(regions, located(text, mentions, audit)):
        if fragments is None:
            audit.dropped(place, "line", "", WRONG)
            continue
        labels = value.get("labels", value.get("hypertextlabels"))
        for given in labels if isinstance(labels, list) and labels else [labels]:
            label = read_label(given, audit)
            if label is None:
                audit.dropped(place, "line", "", f"a mention {label_problem(given)}")
            else:
                yield identifier, Entity(label, fragments, place)


def _edges(value: dict[str, Any]) -> list[tuple[int, int]]:
    """The offsets of a region; in marked-up texts those of the whole text. None of them if they are no numbers."""
    given = value.get("globalOffsets")
    offsets = given if isinstance(given, dict) else value
    start, end = offsets.get("start"), offsets.get("end")
    return [(start, end)] if type(start) is int and type(end) is int else [(-1, -1)]


def _rows(value: dict[str, Any], place: Place, audit: Audit) -> list[LinkRow]:
    """A relation for each label, ``UNNAMED`` if it has none; an arrow to the left relates the other way round."""
    head, tail = str(value.get("from_id")), str(value.get("to_id"))
    if value.get("direction") == "left":
        head, tail = tail, head
    if not value.get("labels"):  # as drawn where the project has no labels of relations
        audit.note(f"relations without a label, kept as '{UNNAMED}'")
    labels = labels_of(value.get("labels") or UNNAMED, place, audit)
    return [LinkRow(label, head, tail, place) for label in labels]
