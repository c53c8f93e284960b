"""Rows of CSV files, whose quoted fields may hold line breaks."""

import csv
from pathlib import Path
from typing import Iterator, List, Tuple

from ..audit import Audit, Place
from .lines import read_lines


class _Lines:
    """Lines with the number of the last one given, and whether one of them was not UTF-8 since this was last asked."""

    def __init__(self, path: Path, audit: Audit) -> None:
        self.lines = read_lines(path, audit, instead="\x00")
        self.number, self.is_broken = 0, False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        self.number, line = next(self.lines)
        self.is_broken |= "\x00" in line
        return line.replace("\x00", "?") + "\n"


def read_csv(path: Path, n_columns: int, audit: Audit) -> Iterator[Tuple[Place, List[str]]]:
    """Yield the rows with the line on which each begins; blank lines are none. Line ends in a field come as line feeds.

    A row that is broken or has another number of columns is a loss (MedmtlError E401 in stop mode); reading goes on
    behind it.
    """
    lines = _Lines(path, audit)
    reader = csv.reader(lines, strict=True)
    while True:
        place = Place(path, lines.number + 1)
        lines.is_broken = False
        reason = ""
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row, reason = [], "a row that is no CSV: a quoted field without its end, or too long"
            reader = csv.reader(lines, strict=True)
        if lines.is_broken:
            reason = "a row with a NUL character or a line that is not UTF-8"
        elif not reason and row and len(row) != n_columns:
            reason = f"{len(row)} columns: expected {n_columns}, separated by commas"
        if not reason and row:
            yield place, row
        elif reason and not audit.knows(Place(path, lines.number)):
            audit.dropped(place, "line", "", reason)
