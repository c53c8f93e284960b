"""A folder for brat: ``doc-000001.txt`` and ``.ann`` for each record, and an ``annotation.conf`` with all labels."""

import re
from collections.abc import Iterable
from pathlib import Path

from ...annotations.extensions import MODIFIERS, STATUSES
from ..formats.brat import CONFIGURATION
from ..record import Bounds, Record, is_label
from ..scheme import FINDINGS_ONLY, GROUP, NER
from .brat_rows import attribute_row, configuration, mention_row, relation_row
from .recorded import Told, tell_unheld

_PART = re.compile(r"[^\s](?:[^\t\r\n\v\f\x85\u2028\u2029]*\S)?")  # of a line, without blanks at its edges


def write(records: Iterable[tuple[int, Record]], folder: Path, told: "Told[str]") -> None:
    """Write numbered records into an empty folder. Texts are written byte for byte; raises OSError."""
    entities: set[str] = set()
    relations: set[str] = set()
    flags = set(MODIFIERS)
    for number, record in records:
        entities.update(filter(_is_type, record.declared_labels))
        relations.update(link.label for link in record.links or () if link.label is not None and _is_type(link.label))
        flags.update(name for entity in record.entities or () for name, value in entity.attributes if not value)
        rows = "".join(f"{row}\n" for row in _rows(record, told))
        mark = "\ufeff" * record.text.startswith("\ufeff")  # of two a reader takes one for a byte order mark
        (folder / f"doc-{number:06}.txt").write_bytes((mark + record.text).encode())
        (folder / f"doc-{number:06}.ann").write_bytes(rows.encode())
    attributes = {"assertion": STATUSES, **dict.fromkeys(sorted(flags), ()), GROUP: (NER, FINDINGS_ONLY)}
    (folder / CONFIGURATION).write_bytes(configuration(entities, relations, attributes).encode())


def _rows(record: Record, told: "Told[str]") -> list[str]:
    rows: list[str] = []
    ids: dict[Bounds, str] = {}
    n_mentions = n_attributes = 0
    for entity in record.entities or ():
        if not _is_type(entity.label):
            told["spans whose label brat cannot hold"] += 1
            continue
        start, end = entity.bounds
        n_mentions += 1
        identifier = f"T{n_mentions}"
        stretches = _stretches(record.text, start, end)
        words = " ".join(record.text[first:last] for first, last in stretches)
        rows.append(mention_row(identifier, entity.label, stretches, words))
        ids.setdefault((start, end), identifier)
        for name, value in entity.attributes:
            if name == GROUP and record.has_findings_only:
                continue  # to be read with group=findings
            n_attributes += 1
            rows.append(attribute_row(n_attributes, name, identifier, value))
    return rows + _relations(record, ids, told)


def _relations(record: Record, ids: dict[Bounds, str], told: "Told[str]") -> list[str]:
    rows: list[str] = []
    for link in record.links or ():
        head, tail = ids.get(link.head.bounds), ids.get(link.tail.bounds)
        if link.label is None:
            told["pairs that were judged and hold no relation"] += 1
        elif head is None or tail is None or not _is_type(link.label):
            told["relations between what are no entities, or of a label that brat cannot hold"] += 1
        else:
            told["scores of relations"] += int(link.score not in (None, 1.0))
            rows.append(relation_row(len(rows) + 1, link.label, head, tail))
    tell_unheld(record, told)
    told["sentence boundaries"] += max(len(record.starts) - 1, 0)
    return rows


def _stretches(text: str, start: int, end: int) -> list[Bounds]:
    """Of a mention: brat wants one over a line end in parts, and their words as they stand."""
    return [match.span() for match in _PART.finditer(text, start, end)]


def _is_type(label: str) -> bool:
    """Whether brat can hold a label: one word."""
    return is_label(label) and len(label.split()) == 1 and label[0] not in "#!<-["
