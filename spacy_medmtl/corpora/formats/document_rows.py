"""Abstracts and their annotations in tables that the id of the document ties together, as BioCreative publishes them.

Three columns of a table of abstracts: id, title, abstract. The other tables have the id in their first column. Offsets
count characters of ``title abstract``, joined by one character.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..audit import Audit, Place
from .lines import read_lines


@dataclass(frozen=True)
class Abstract:
    """A document. ``place`` is its line."""

    id: str
    title: str
    abstract: str
    place: Place

    @property
    def text(self) -> str:
        """What the offsets refer to."""
        return f"{self.title} {self.abstract}"

    @property
    def abstract_start(self) -> int:
        """Where the abstract begins in the text."""
        return len(self.title) + 1


@dataclass(frozen=True)
class Row:
    """The columns of a line, blanks at their edges removed."""

    columns: list[str]
    place: Place


def read_abstracts(path: Path, audit: Audit) -> Iterator[Abstract]:
    """Yield the abstracts of a table. A malformed line or a second document with an id is a loss (MedmtlError E401 in
    stop mode)."""
    seen: set[str] = set()
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        columns = line.split("\t")
        if not line.strip():
            continue
        if len(columns) != 3 or not columns[0].strip() or not (columns[1] + columns[2]).strip():
            reason = "expected 'id TAB title TAB abstract', not both texts empty"
            audit.dropped(place, "document", "", reason)
        elif columns[0].strip() in seen:
            audit.dropped(place, "document", "", "a second document with this id")
        else:
            seen.add(columns[0].strip())
            yield Abstract(columns[0].strip(), columns[1], columns[2], place)


def read_rows(path: Path, n_columns: int, audit: Audit) -> dict[str, list[Row]]:
    """The rows of a table of annotations by document. A line with another number of columns is a loss."""
    rows: dict[str, list[Row]] = {}
    for number, line in read_lines(path, audit):
        columns = [column.strip() for column in line.split("\t")]
        if not line.strip():
            continue
        if len(columns) == n_columns:
            rows.setdefault(columns[0], []).append(Row(columns, Place(path, number)))
        else:
            reason = f"{len(columns)} columns: expected {n_columns}, separated by tabs"
            audit.dropped(Place(path, number), "line", "", reason)
    return rows


def drop_left_over(rows: dict[str, list[Row]], audit: Audit) -> None:
    """Rows that no document took are a loss."""
    for left in rows.values():
        for row in left:
            audit.dropped(row.place, "line", "", "a row of a document that is not among the texts")
