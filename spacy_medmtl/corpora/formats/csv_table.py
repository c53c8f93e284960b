"""CSV and TSV with a header line, quoted fields of several lines included, with the line that each row begins in."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from ..audit import Audit, Place

DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class Row:
    """The fields asked for, in that order."""

    values: Tuple[str, ...]
    place: Place


class _Lines:
    """Lines for the csv module, ends included. ``number``: of the last one. ``is_broken``: whether one since this was
    last set to False holds what no text does; it comes with replacement characters, so that its quotes still count."""

    def __init__(self, path: Path) -> None:
        self.path, self.number, self.is_broken = path, 0, False

    def __iter__(self) -> Iterator[str]:
        with self.path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                self.number = number
                encoding = "utf-8-sig" if number == 1 else "utf-8"
                try:
                    line = raw.decode(encoding)
                except UnicodeDecodeError:
                    line = raw.decode(encoding, errors="replace")
                    self.is_broken = True
                self.is_broken |= "\x00" in line
                yield line.replace("\x00", "\ufffd")


def read_table(path: Path, names: Sequence[str], delimiter: str, audit: Audit) -> Iterator[Row]:
    """Yield the named fields of each row. ``delimiter``: one of ``DELIMITERS``, or ``auto``: the tab for .tsv and .tab,
    otherwise the one by which the header has all names.

    A file whose header lacks a name is a loss as a whole, and so is each row of another number of fields than the
    header (MedmtlError E401 in stop mode).
    """
    lines = _Lines(path)
    source = iter(lines)
    header_line = next(source, "")
    header, mark = _header(header_line, names, _candidates(path, delimiter))
    if header is None:
        reason = f"the header does not name the columns {', '.join(names)} (once each): give theirs by the settings"
        audit.dropped(Place(path, 1), "document", "", reason)
        return
    at = [header.index(name) for name in names]
    rows = csv.reader(source, delimiter=mark, strict=True)
    while True:
        place = Place(path, lines.number + 1)
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error:
            fields = None
        is_broken, lines.is_broken = lines.is_broken, False
        if fields is None:
            audit.dropped(place, "line", "", "a row that is no CSV: a quoted field that does not end, or is too long")
        elif is_broken:
            audit.dropped(place, "line", "", "a row with a NUL character or bytes that are not UTF-8")
        elif len(fields) == len(header):
            yield Row(tuple(fields[column] for column in at), place)
        elif fields:
            audit.dropped(place, "line", "", f"{len(fields)} fields: expected {len(header)}, as in the header")


def _candidates(path: Path, delimiter: str) -> List[str]:
    if delimiter != "auto":
        return [DELIMITERS[delimiter]]
    return ["\t"] if path.suffix.lower() in (".tsv", ".tab") else list(DELIMITERS.values())


def _header(line: str, names: Sequence[str], marks: Sequence[str]) -> Tuple[Optional[List[str]], str]:
    """The names of all columns and the mark between them, if all ``names`` are among them once."""
    for mark in marks:
        try:
            header = [name.strip() for name in next(csv.reader([line], delimiter=mark, strict=True), [])]
        except csv.Error:
            continue
        if all(header.count(name) == 1 for name in names):
            return header, mark
    return None, ""
