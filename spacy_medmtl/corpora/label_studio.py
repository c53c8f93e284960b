"""Label Studio's JSON export: an array of tasks, each with a text and the annotations of one or several people.

Regions (``labels``), choices for a region (attributes of it), choices for the text (its classes) and relations are
read. Offsets may count UTF-16 units, as browsers do: if a region's own text shows that they do, they are converted.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit, Place
from .formats.json_arrays import read_array
from .formats.json_values import entity, labels_of, objects
from .formats.record import Entity, LinkRow, Record, is_label, resolve_links
from .records import Rules, convert_records

_SEVERAL = "a task that several people annotated: choose with the setting 'annotations'"


def convert(
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    *,
    seed: int = 0,
    annotations: str,
    field: str,
    **rules: Any,
) -> Iterator[Doc]:
    """One Doc for each annotated task. ``annotations``: which one of several counts (only, first or last). ``field``:
    the member of a task's ``data`` that is the text. Raises MedmtlError E401 at the first loss in stop mode."""

    def read(path: Path, audit: Audit) -> Iterator[Record]:
        for place, task in read_array(path, audit):
            data = task.get("data") if isinstance(task, dict) else None
            text = data.get(field) if isinstance(data, dict) else None
            if not isinstance(text, str):
                audit.dropped(place, "document", "", "a task without a text: name its member by the setting 'field'")
                continue
            results = _chosen(task, annotations, place, audit)
            if results is not None:
                yield _record(results, text, place, audit)

    return convert_records(read, paths, nlp, audit, Rules(**rules))


def _chosen(task: dict[str, Any], which: str, place: Place, audit: Audit) -> list[dict[str, Any]] | None:
    """The results of the annotation that counts; None if there is none."""
    given = objects(task.get("annotations"), "an annotation", place, audit)
    done = [one for one in given if not one.get("was_cancelled")]
    audit.note("cancelled annotations, left out", len(given) - len(done))
    if not done:
        audit.note("tasks that nobody annotated, left out")
        return None
    if len(done) > 1 and which == "only":
        audit.dropped(place, "document", "", _SEVERAL)
        return None
    audit.note("annotations by further people, left out", len(done) - 1)
    return objects(done[-1 if which == "last" else 0].get("result"), "a result", place, audit)


def _record(results: list[dict[str, Any]], text: str, place: Place, audit: Audit) -> Record:
    regions: dict[str, list[Entity]] = {}
    attributes: dict[str, list[tuple[str, str]]] = {}
    classes: list[str] | None = None
    rows: list[LinkRow] = []
    for number, one in enumerate(results):
        given = one.get("value")
        value = given if isinstance(given, dict) else {}
        identifier = str(one.get("id", f"result {number}"))
        if one.get("type") in ("labels", "hypertextlabels"):
            regions.setdefault(identifier, []).extend(_regions(value, text, place, audit))
        elif one.get("type") == "choices" and "start" in value:
            name = str(one.get("from_name", ""))
            found = labels_of(value.get("choices"), place, audit)
            attributes.setdefault(identifier, []).extend((name, choice) for choice in found)
        elif one.get("type") == "choices":
            classes = (classes or []) + labels_of(value.get("choices"), place, audit)
        elif one.get("type") == "relation":
            rows += _rows(one, place, audit)
        else:
            audit.note("results that are no labels, choices or relations, not kept")
    for _ in set(attributes) - set(regions):
        audit.dropped(place, "line", "", "choices for a region that is not there")
    entities: list[Entity] = []
    by_id: dict[str, Entity] = {}
    for identifier, found_here in regions.items():
        own = tuple(attributes.get(identifier, ()))
        labelled = [Entity(region.label, region.fragments, place, own) for region in found_here]
        entities += labelled
        by_id.update({identifier: labelled[0]} if labelled else {})
    links = resolve_links(rows, by_id, audit)
    has_spans = bool(regions) or classes is None
    return Record(text, place, entities=entities if has_spans else None, links=links, classes=classes)


def _regions(value: Any, text: str, place: Place, audit: Audit) -> Iterator[Entity]:
    """A mention for each label of a region."""
    start, end, words = value.get("start"), value.get("end"), value.get("text")
    are_offsets = type(start) is int and type(end) is int and 0 <= start <= end
    if isinstance(words, str) and are_offsets and text[start:end] != words:
        start, end = _characters(text, start), _characters(text, end)
        if start is None or end is None or text[start:end] != words:
            audit.dropped(place, "line", "", "the offsets do not give the words of the mention")
            return
        audit.note("regions whose offsets count UTF-16 units, converted")
    labels = value.get("labels", value.get("hypertextlabels"))
    for label in labels if isinstance(labels, list) and labels else [labels]:
        found = entity(text, start, end, label, place, audit)
        if found is not None:
            yield found


def _characters(text: str, unit: int) -> int | None:
    """From an offset in UTF-16 units to one in characters; None if there is no such offset."""
    units = accumulate((2 if character > "\uffff" else 1 for character in text), initial=0)
    return next((index for index, at in enumerate(units) if at == unit), None)


def _rows(value: dict[str, Any], place: Place, audit: Audit) -> list[LinkRow]:
    """A relation for each label; an arrow to the left relates the other way round."""
    head, tail = str(value.get("from_id")), str(value.get("to_id"))
    if value.get("direction") == "left":
        head, tail = tail, head
    labels = value.get("labels")
    found = [label for label in labels if is_label(label)] if isinstance(labels, list) else []
    if not found:
        audit.dropped(place, "line", "", "a relation without a label")
    return [LinkRow(label, head, tail, place) for label in found]
