"""ChemProt, what a chemical does to a gene or protein, as JSON lines ``{text, label}`` of one related pair each.

``<< `` and `` >>`` stand around the entity of the pair that comes first, ``[[ `` and `` ]]`` around the other one,
whichever is the chemical; the text is restored without them. Only entities of related pairs are marked, and not which
is which, so no entities are annotated: the spans of the pairs are all there is. Pairs that hold nothing are not listed,
so this corpus tells relations apart and cannot teach where there is none. Nor does it tell abstracts apart.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ...annotations.groups import RELATIONS
from ..audit import Audit, Place
from ..formats.json_files import read_json_lines
from ..formats.json_values import has_types
from ..reader import Reader
from ..record import Entity, Link, Record
from ..scheme import Scheme

LABELS = (
    *("ACTIVATOR", "AGONIST", "AGONIST-ACTIVATOR", "AGONIST-INHIBITOR", "ANTAGONIST", "DOWNREGULATOR"),
    *("INDIRECT-DOWNREGULATOR", "INDIRECT-UPREGULATOR", "INHIBITOR", "PRODUCT-OF", "SUBSTRATE"),
    *("SUBSTRATE_PRODUCT-OF", "UPREGULATOR"),
)
_MARKED = re.compile(r"(.*)<< (.+?) >>(.*)\[\[ (.+?) \]\](.*)", re.DOTALL)


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """A record for each run of lines with the same text. Raises MedmtlError E401 at the first loss in stop mode."""
    for text, rows in groupby(_pairs(path, audit), key=lambda row: row[0]):
        links = [link for _, link in rows]
        yield Record(text, links[0].place, links=links)


READER = Reader(read, Scheme(relations=LABELS))


def _pairs(path: Path, audit: Audit) -> Iterator[tuple[str, Link]]:
    for place, value in read_json_lines(path, audit):
        if not has_types(value, {"text": str}):
            audit.dropped(place, "line", "", "expected a JSON object with text and label")
        elif value.get("label") not in LABELS:
            audit.dropped(place, RELATIONS, "", f"an unknown label: expected one of {', '.join(LABELS)}")
        else:
            pair = _unmarked(value["text"], value["label"], place)
            if pair is None:
                reason = "expected '<< ', ' >>', '[[ ' and ' ]]' around two entities"
                audit.dropped(place, RELATIONS, value["label"], reason)
            else:
                yield pair


def _unmarked(text: str, label: str, place: Place) -> tuple[str, Link] | None:
    """The text without the marks, and the entities in it; None if the marks are not there, or it cannot be told which
    they are. A text may hold signs that look like the end of a mark: the first one behind its beginning is meant."""
    match = _MARKED.fullmatch(text)
    if match is None or text.count("<< ") != 1 or text.count("[[ ") != 1:
        return None
    before, first, between, second, after = match.groups()
    start = len(before)
    end = start + len(first)
    head = Entity("", ((start, end),), place)
    tail = Entity("", ((end + len(between), end + len(between) + len(second)),), place)
    return before + first + between + second + after, Link(label, head, tail, place)
