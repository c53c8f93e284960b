"""Label Studio's JSON export: an array of tasks, each with a text and the annotations of one or several people
(``completions``, before its version 1.0).
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from ..audit import Audit
from ..options import KINDS, SPANS, UNIT, choice, name
from ..reader import Reader
from ..record import LinkRow, Record, resolve_links
from ..scheme import Scheme
from .json_files import read_json
from .json_values import JsonText, Value, whole
from .words import Mention, entities_at

_SEVERAL = "a task that several people annotated: choose with the setting 'annotations'"
UNNAMED = "related"
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TEXT_NODE = re.compile(r"/?text\(\)\[1\]")
_WHICH = ("only", "first", "last")
_REGIONS = ("labels", "hypertextlabels", "htmllabels", "paragraphlabels")


def read(path: Path, audit: Audit, *, annotations: str = "only", field: str = "text") -> Iterator[Record]:
    """The annotated tasks of a file. ``annotations``: which one of several counts (only, first or last). ``field``: the
    member of a task's ``data`` that is the text."""
    for place, task in read_json(path, audit, keys=("tasks",)):
        if isinstance(task, dict) and isinstance(task.get("task"), dict) and "result" in task:
            task = {**task["task"], "annotations": [task]}  # an annotation with its task, as storages get it
        data = task.get("data") if isinstance(task, dict) else None
        text = data.get(field) if isinstance(data, dict) else None
        if isinstance(task, dict) and data is None and field in task:
            audit.dropped(place, "document", "", "a task of the export JSON-MIN, which is not read: export as JSON")
        elif isinstance(text, list) and text and all(isinstance(part, dict) for part in text):
            audit.dropped(place, "document", "", "a dialogue of paragraphs, which is not read: expected one text")
        elif not isinstance(text, str):
            audit.dropped(place, "document", "", _without_text(data, field))
        else:
            results = _chosen(task, annotations, JsonText(text, place, audit))
            if results is not None:
                yield _record(results, JsonText(_shown(text, results, audit), place, audit))


def _without_text(data: Any, field: str) -> str:
    names = sorted(data) if isinstance(data, dict) else []
    if field in names:
        return f"a task whose '{field}' is no text"
    there = f" (there are {', '.join(names)})" if names and all(map(str.isidentifier, names)) else ""
    return f"a task without a text '{field}'{there}: name its member by the setting 'field'"


def _shown(text: str, results: list[Value], audit: Audit) -> str:
    """The text that people saw: of HTML, in which regions count the characters shown, those alone."""
    is_html = any(result.get("type") in ("hypertextlabels", "htmllabels") for result in results)
    if not is_html or not _TAG.search(text):
        return text
    audit.note("texts of HTML, kept without its tags")
    parser = _Shown()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


class _Shown(HTMLParser):
    """The characters of HTML that are no tags."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


READER = Reader(
    read,
    Scheme(is_open=True),
    suffixes=(".json", ".jsonl"),
    options={
        **SPANS,
        **KINDS,
        **UNIT,
        "annotations": choice("which annotation of a task counts: only (several are a loss), first, last", *_WHICH),
        "field": name("the member of a task's data that is the text", "text"),
    },
)


def _chosen(task: Value, which: str, given: JsonText) -> list[Value] | None:
    """The results of the annotation that counts; None if there is none."""
    audit = given.audit
    annotations = given.objects(task.get("annotations") or task.get("completions"), "an annotation")
    done = [one for one in annotations if not any(map(one.get, ("was_cancelled", "skipped")))]
    n_cancelled = len(annotations) - len(done)
    audit.note("cancelled annotations, left out", n_cancelled)
    if not done:
        is_predicted = bool(task.get("predictions"))
        audit.note("tasks that nobody annotated, left out" + " (they have predictions of a model)" * is_predicted)
        return None
    if which == "only":  # what a reviewer marked as the truth is the one
        done = [one for one in done if one.get("ground_truth") is True] or done
    if len(done) > 1 and which == "only":
        audit.dropped(given.place, "document", "", _SEVERAL)
        return None
    n_further = len(annotations) - n_cancelled - 1
    audit.note("annotations by further people, left out", n_further)
    return given.objects(done[-1 if which == "last" else 0].get("result"), "a result")


def _record(results: list[Value], given: JsonText) -> Record:
    regions: list[tuple[str, Value]] = []
    attributes: dict[str, list[tuple[str, str]]] = {}
    classes: list[str] | None = None
    rows: list[LinkRow] = []
    of_regions = {str(result.get("id")) for result in results if result.get("type") in _REGIONS}
    for number, result in enumerate(results):
        value = result["value"] if isinstance(result.get("value"), dict) else {}
        identifier = str(result.get("id", f"result {number}"))
        if result.get("type") in _REGIONS:
            regions.append((identifier, value))
            given.audit.note("annotators' notes, not kept", int(bool(result.get("meta"))))
        elif result.get("type") == "choices" and ("start" in value or identifier in of_regions):
            name, choices = str(result.get("from_name", "")), given.labels(value.get("choices"))
            attributes.setdefault(identifier, []).extend((name, choice) for choice in choices)
        elif result.get("type") == "choices":
            classes = (classes or []) + given.labels(value.get("choices"))
        elif result.get("type") == "relation":
            rows += _rows(result, given)
        else:
            given.audit.note("results that are no labels, choices or relations, not kept")
    for _ in set(attributes) - {identifier for identifier, _ in regions}:
        given.lose("choices for a region that is not there")
    mentions = [
        (name, Mention(_edges(value), _words(value), label, given.place, tuple(attributes.get(name, ()))))
        for name, value in regions
        for label in _labels(value)
    ]
    found = entities_at(given.text, [mention for _, mention in mentions], given.audit)
    named = [(name, entity) for (name, _), entity in zip(mentions, found) if entity is not None]
    record = Record(given.text, given.place, is_explicit=False, classes=classes)
    record.entities = [entity for _, entity in named] if regions or classes is None else None
    record.links = resolve_links(rows, dict(reversed(named)), given.audit)  # an id means its first label
    return record


def _labels(value: Value) -> list[Any]:
    """The labels of a region: a mention for each, and one that is lost where there is none."""
    labels = next((value[name] for name in _REGIONS if value.get(name)), None)
    return labels if isinstance(labels, list) else [labels]


def _words(value: Value) -> str | None:
    """The words of a region, which some versions give as a list; None if it does not repeat them."""
    words = value.get("text")
    parts = words if isinstance(words, list) else [words]
    return None if words is None else " ".join(map(str, parts))


def _edges(value: Value) -> list[tuple[int, int]]:
    """The offsets of a region; in marked-up texts those of the whole text. None of them if they are no numbers."""
    given = value.get("globalOffsets")
    offsets = given if isinstance(given, dict) else value
    start, end = whole(offsets.get("start")), whole(offsets.get("end"))
    if offsets is value and all(_TEXT_NODE.fullmatch(str(value.get(name))) for name in ("start", "end")):
        start, end = whole(value.get("startOffset")), whole(value.get("endOffset"))  # in the only text there is
    return [(start, end)] if start is not None and end is not None else [(-1, -1)]


def _rows(value: Value, given: JsonText) -> list[LinkRow]:
    """A relation for each label, ``UNNAMED`` if it has none; an arrow to the left relates the other way round."""
    head, tail = str(value.get("from_id")), str(value.get("to_id"))
    if value.get("direction") == "left":
        head, tail = tail, head
    given.audit.note("relations in both directions, kept in one", int(value.get("direction") == "bi"))
    if not value.get("labels"):  # as drawn where the project has no labels of relations
        given.audit.note(f"relations without a label, kept as '{UNNAMED}'")
    return [LinkRow(label, head, tail, given.place) for label in given.labels(value.get("labels") or UNNAMED)]
