"""Rows of a note as brat has them: ``.ann`` lines, and an ``annotation.conf`` with all types.

A finding carries its status and modifiers as attributes, and every span its score as a note (``AnnotatorNotes``).
"""

import re
from collections.abc import Iterable, Iterator

from spacy.tokens import Doc

from ..annotations.extensions import MODIFIERS, STATUSES
from ..annotations.rows import Row, doc_rows
from ..corpora.exports.brat_rows import attribute_row, configuration, mention_row, relation_row

_LINE_END = re.compile(r"[\r\n]+")


def ann_lines(doc: Doc) -> Iterator[str]:
    """The lines of a note's ``.ann`` file. Intents, which belong to sentences, and relations between sentences have no
    place there."""
    tables = doc_rows(doc, "")
    findings = {(row["start"], row["end"], row["label"]) for row in tables["findings"]}
    other_entities = [row for row in tables["entities"] if (row["start"], row["end"], row["label"]) not in findings]
    identifiers: dict[tuple[int, int], str] = {}
    n_attributes = 0
    spans = sorted((*tables["findings"], *other_entities), key=lambda row: (row["start"], -row["end"]))
    for number, row in enumerate((row for row in spans if row["text"].strip()), 1):
        identifier = f"T{number}"
        identifiers.setdefault((row["start"], row["end"]), identifier)
        words = " ".join(_LINE_END.split(row["text"]))
        yield mention_row(identifier, type_name(row["label"]), _stretches(row), words)
        is_finding = (row["start"], row["end"], row["label"]) in findings
        for name, value in _attributes(row) if is_finding else ():
            n_attributes += 1
            yield attribute_row(n_attributes, name, identifier, value)
        if row["score"] is not None:
            yield f"#{number}\tAnnotatorNotes {identifier}\tscore {row['score']:.4f}"
    number = 0
    for row in tables["relations"]:
        head = identifiers.get((row["head_start"], row["head_end"]))
        tail = identifiers.get((row["tail_start"], row["tail_end"]))
        if head and tail:
            number += 1
            yield relation_row(number, type_name(row["label"]), head, tail)


def configuration_of(lines: Iterable[str]) -> str:
    """The ``annotation.conf`` that fits the lines of any number of files.

    It has all statuses and modifiers, for people to choose from.
    """
    entities: set[str] = set()
    relations: set[str] = set()
    statuses = set(STATUSES)
    for line in lines:
        parts = line.split("\t")[1].split() if "\t" in line else []
        if line.startswith("T"):
            entities.add(parts[0])
        elif line.startswith("R"):
            relations.add(parts[0])
        elif line.startswith("A") and len(parts) == 3:
            statuses.add(parts[2])
    return configuration(entities, relations, {"assertion": sorted(statuses), **dict.fromkeys(MODIFIERS, ())})


def type_name(label: str | None) -> str:
    """A label as brat takes it: letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", label or "entity")


def _stretches(row: Row) -> list[tuple[int, int]]:
    """Stretches of characters: brat wants a span over a line end in parts."""
    starts, ends = [row["start"]], []
    for match in _LINE_END.finditer(row["text"]):
        ends.append(row["start"] + match.start())
        starts.append(row["start"] + match.end())
    return list(zip(starts, [*ends, row["end"]]))


def _attributes(row: Row) -> Iterator[tuple[str, str]]:
    if row["status"]:
        yield "assertion", type_name(row["status"])
    for name in MODIFIERS:
        if row[name]:
            yield name, ""
