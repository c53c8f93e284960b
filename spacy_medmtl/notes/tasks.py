"""Notes as tasks for people to correct, in the formats of annotation tools, the least certain ones first.

What a pipeline found is there with its score; the reader of the same name (``medmtl convert``) takes what comes back.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from spacy.tokens import Doc

from ..annotations.extensions import STATUSES
from ..annotations.groups import INTENTS
from ..annotations.rows import DOC_ID, Row, doc_rows
from ..corpora.audit import Place
from ..corpora.exports.jsonl import example_of
from ..corpora.exports.recorded import Told, record_of
from ..corpora.outputs import write_atomically
from ..corpora.record import Record
from ..errors import writing
from .file_outputs import BratFolder

TOOLS = ("prodigy", "label_studio", "doccano", "brat")
Task = dict[str, Any]
Scores = dict[tuple[int, int, str], float]  # of spans, by characters and label


@dataclass(frozen=True)
class _Ranked:
    """A note with how little is sure of it, its number in the order it came, and the scores of its spans."""

    unsure: float
    number: int
    doc: Doc
    scores: Scores


def _ranked(docs: Iterable[Doc]) -> list[_Ranked]:
    """The least certain first."""
    ranked = []
    for number, doc in enumerate(docs):
        tables = doc_rows(doc, "")
        ranked.append(_Ranked(uncertainty(tables), number, doc, _scores(tables)))
    return sorted(ranked, key=lambda note: -note.unsure)


def uncertainty(tables: dict[str, list[Row]]) -> float:
    """How little a pipeline is sure of what it found in a note, from 0 to 1: the mean of 1 - score over entities,
    findings, intents and relations (least confidence: Lewis and Gale, 1994). 0 where it found nothing."""
    scores = [row["score"] for table_rows in tables.values() for row in table_rows if row["score"] is not None]
    return sum(1.0 - score for score in scores) / len(scores) if scores else 0.0


def write_tasks(docs: Iterable[Doc], tool: str, output: Path, *, model: str) -> "tuple[int, Told[str]]":
    """Write the tasks of one of ``TOOLS``; how many, and what the tool cannot hold with how often it occurred. All of
    them are in memory, to be sorted. model: the pipeline's name and version.

    prodigy, doccano: JSON lines. label_studio: a JSON array, and beside it OUTPUT.xml, the labelling interface that
    fits. brat: a folder, its files numbered in the order of uncertainty. What an earlier call wrote there is replaced.
    Raises MedmtlError E407 where the disk does not take it, or the folder holds anything else.
    """
    ranked = _ranked(docs)
    told: Told[str] = Told()
    if tool == "brat":
        with writing(output):
            _write_brat(ranked, BratFolder(output))
        told["intents of sentences"] += _n_intents(ranked)
        return len(ranked), +told
    make = {"prodigy": _prodigy, "label_studio": _label_studio, "doccano": _doccano}[tool]
    tasks = []
    for note in ranked:
        record = record_of(note.doc, Place(output, note.number), Told())
        doc_id = str(note.doc.user_data.get(DOC_ID, note.number))
        tasks.append(make(record, note.scores, {"doc_id": doc_id, "uncertainty": round(note.unsure, 4)}, model))
        if tool == "doccano":
            told["status and modifiers of findings"] += sum(bool(entity.attributes) for entity in record.entities or ())
    if tool != "prodigy":
        told["intents of sentences"] += _n_intents(ranked)
    if tool == "label_studio":
        write_atomically(output, (json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode())
        write_atomically(output.with_name(f"{output.name}.xml"), _interface(tasks).encode())
    else:
        write_atomically(output, "".join(f"{json.dumps(task, ensure_ascii=False)}\n" for task in tasks).encode())
    return len(tasks), +told


def _write_brat(ranked: Sequence[_Ranked], folder: BratFolder) -> None:
    # other notes have other numbers, so that a task of before would stay beside its successor
    folder.remove()
    for rank, note in enumerate(ranked, 1):
        folder.write(f"{rank:06d}-{note.doc.user_data.get(DOC_ID, rank)}", note.doc)
    folder.finish()


def _n_intents(ranked: Sequence[_Ranked]) -> int:
    return sum(len(note.doc.spans.get(INTENTS, ())) for note in ranked)


def _scores(tables: dict[str, list[Row]]) -> Scores:
    """Scores of entities, and of findings where both are there."""
    rows = [row for name in ("entities", "findings") for row in tables[name] if row["score"] is not None]
    return {(row["start"], row["end"], row["label"]): round(row["score"], 4) for row in rows}


def _prodigy(record: Record, scores: Scores, meta: Task, model: str) -> Task:
    """As ``medmtl export jsonl`` writes it, without an answer, which a person is to give."""
    task = {**example_of(record), "meta": meta, "_view_id": "relations" if record.links else "ner_manual"}
    del task["answer"]
    for span in task.get("spans", ()):
        score = scores.get((span["start"], span["end"], span["label"]))
        span.update({"source": model} if score is None else {"source": model, "score": score})
    return task


def _doccano(record: Record, scores: Scores, meta: Task, model: str) -> Task:
    entities: list[Task] = []
    relations: list[Task] = []
    numbers: dict[tuple[int, int], int] = {}
    for number, entity in enumerate(record.entities or (), 1):
        start, end = entity.bounds
        numbers.setdefault(entity.bounds, number)
        entities.append({"id": number, "label": entity.label, "start_offset": start, "end_offset": end})
    for link in record.links or ():
        ends = numbers.get(link.head.bounds), numbers.get(link.tail.bounds)
        if link.label is not None and None not in ends:
            relation = {
                "id": len(entities) + len(relations) + 1,
                "from_id": ends[0],
                "to_id": ends[1],
                "type": link.label,
            }
            relations.append(relation)
    return {"text": record.text, "entities": entities, "relations": relations, **meta}


def _label_studio(record: Record, scores: Scores, meta: Task, model: str) -> Task:
    """A task with the findings as a prediction, which people see and correct."""
    result: list[Task] = []
    regions: dict[tuple[int, int], str] = {}
    for number, entity in enumerate(record.entities or (), 1):
        start, end = entity.bounds
        region = f"r{number}"
        regions.setdefault(entity.bounds, region)
        place = {"start": start, "end": end, "text": record.text[start:end]}
        common = {"id": region, "to_name": "text"}
        score = scores.get((start, end, entity.label))
        told = {} if score is None else {"score": score}
        result.append(
            {**common, "from_name": "label", "type": "labels", "value": {**place, "labels": [entity.label]}, **told}
        )
        for name, value in entity.attributes:
            choices = {**place, "choices": [value or "true"]}
            result.append({**common, "from_name": name, "type": "choices", "value": choices})
    for link in record.links or ():
        ends = regions.get(link.head.bounds), regions.get(link.tail.bounds)
        if link.label is not None and None not in ends:
            relation = {"type": "relation", "from_id": ends[0], "to_id": ends[1], "direction": "right"}
            result.append({**relation, "labels": [link.label]})
    prediction = {"model_version": model, "score": round(1.0 - meta["uncertainty"], 4), "result": result}
    return {"data": {"text": record.text, **meta}, "predictions": [prediction]}


def _interface(tasks: Sequence[Task]) -> str:
    """Label Studio's labelling interface for all labels, attributes and relations of the tasks."""
    results = [result for task in tasks for result in task["predictions"][0]["result"]]
    labels = {label for result in results if result["type"] == "labels" for label in result["value"]["labels"]}
    relations = {label for result in results if result["type"] == "relation" for label in result["labels"]}
    attributes: dict[str, set[str]] = {}
    for result in results:
        if result["type"] == "choices":
            attributes.setdefault(result["from_name"], set()).update(result["value"]["choices"])
    if "assertion" in attributes:
        attributes["assertion"].update(STATUSES)
    lines = ["<View>", '<Labels name="label" toName="text">', *_values("Label", labels), "</Labels>"]
    lines.append('<Text name="text" value="$text"/>')
    for name, values in sorted(attributes.items()):
        lines.append(f'<Choices name={quoteattr(name)} toName="text" perRegion="true" choice="single">')
        lines += [*_values("Choice", values), "</Choices>"]
    if relations:
        lines += ["<Relations>", *_values("Relation", relations), "</Relations>"]
    return "\n".join([*lines, "</View>", ""])


def _values(tag: str, values: Iterable[str]) -> list[str]:
    return [f"  <{tag} value={quoteattr(value)}/>" for value in sorted(values)]
