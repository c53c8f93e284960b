"""A folder for brat: ``doc-000001.txt`` and ``.ann`` for each Doc, and an ``annotation.conf`` with all labels."""

from collections.abc import Iterable
from pathlib import Path

from spacy.tokens import Doc

from ...annotations.groups import ENTITIES, FINDINGS, INTENTS
from ...annotations.relations import read_pairs
from ..formats.record import is_label
from ..options import MODIFIERS, STATUSES
from .annotated import Told, labels_of, marked_spans, tell_what_no_format_holds

_ARGUMENTS = "Arg1:<ENTITY>, Arg2:<ENTITY>"


def write(docs: Iterable[Doc], folder: Path, told: "Told[str]") -> None:
    """Write the Docs into an empty folder. Texts are written byte for byte; raises OSError."""
    entities: set[str] = set()
    relations: set[str] = set()
    for number, doc in enumerate(docs, 1):
        entities.update(label for key in (ENTITIES, FINDINGS) for label in labels_of(doc, key) if _is_type(label))
        relations.update(label for pair in read_pairs(doc) for label in pair.labels if _is_type(label))
        if not doc.text.strip():
            told["documents without text"] += 1
            continue
        rows = "".join(f"{row}\n" for row in _rows(doc, told))
        (folder / f"doc-{number:06}.txt").write_bytes(doc.text.encode())
        (folder / f"doc-{number:06}.ann").write_bytes(rows.encode())
    (folder / "annotation.conf").write_bytes(_configuration(entities, relations).encode())


def _rows(doc: Doc, told: "Told[str]") -> list[str]:
    rows: list[str] = []
    ids: dict[tuple[int, int], str] = {}
    n_mentions = n_attributes = 0
    for marked in marked_spans(doc):
        span = marked.span
        if not _is_type(span.label_):
            told["spans whose label brat cannot hold"] += 1
            continue
        n_mentions += 1
        identifier = f"T{n_mentions}"
        words = " ".join(span.text.split())
        rows.append(f"{identifier}\t{span.label_} {span.start_char} {span.end_char}\t{words}")
        ids.setdefault((span.start, span.end), identifier)
        said = [f"Assertion {identifier} {marked.status}"] if marked.status else []
        said += [f"{name.capitalize()} {identifier}" for name in marked.modifiers]
        for attribute in said:
            n_attributes += 1
            rows.append(f"A{n_attributes}\t{attribute}")
    return rows + _relations(doc, ids, told)


def _relations(doc: Doc, ids: dict[tuple[int, int], str], told: "Told[str]") -> list[str]:
    rows: list[str] = []
    for pair in read_pairs(doc):
        if not pair.labels:
            told["pairs that were judged and hold no relation"] += 1
        for label in pair.labels:
            if pair.head not in ids or pair.tail not in ids or not _is_type(label):
                told["relations between what are no entities, or of a label that brat cannot hold"] += 1
                continue
            told["scores of relations"] += int(pair.score != 1.0)
            rows.append(f"R{len(rows) + 1}\t{label} Arg1:{ids[pair.head]} Arg2:{ids[pair.tail]}")
    told["intents"] += len(doc.spans.get(INTENTS, ()))
    told["classes of documents"] += len(doc.cats)
    told["sentence boundaries"] += sum(bool(token.is_sent_start) for token in doc[1:])
    tell_what_no_format_holds(doc, told)
    return rows


def _is_type(label: str) -> bool:
    """Whether brat can hold a label: one word."""
    return is_label(label) and len(label.split()) == 1 and label[0] not in "#!<-["


def _configuration(entities: set[str], relations: set[str]) -> str:
    sections = {
        "entities": sorted(entities),
        "relations": [f"{label} {_ARGUMENTS}" for label in sorted(relations)],
        "events": [],
        "attributes": [
            f"Assertion Arg:<ENTITY>, Value:{'|'.join(STATUSES)}",
            *(f"{name.capitalize()} Arg:<ENTITY>" for name in MODIFIERS),
        ],
    }
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())
