"""Rows of CSV and TSV files, whose quoted fields may hold line breaks, with the line on which each begins."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..audit import Audit, Place

DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
Rows = Iterator[tuple[Place, list[str]]]


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


def read_csv(path: Path, n_columns: int, audit: Audit) -> Rows:
    """Yield the rows of a file without a header that counts. Line ends in a field come as line feeds. Losses as for
    ``read_table``."""
    lines = _Lines(path)
    for place, fields in _rows(lines, iter(lines), ",", n_columns, audit):
        yield place, [field.replace("\r\n", "\n") for field in fields]


def read_table(path: Path, names: Sequence[str], delimiter: str, audit: Audit) -> Rows:
    """Yield the named fields of each row, in that order, to the character. ``delimiter``: one of ``DELIMITERS``, or
    ``auto``: the tab for .tsv and .tab, otherwise the one by which the header has all names.

    A file whose header lacks a name is a loss as a whole, and so is each row that is broken or has another number of
    columns (MedmtlError E401 in stop mode); reading goes on behind it. Blank lines are no rows.
    """
    lines = _Lines(path)
    source = iter(lines)
    header, mark = _header(next(source, ""), names, _candidates(path, delimiter))
    if header is None:
        reason = f"the header does not name the columns {', '.join(names)} (once each): give theirs by the settings"
        audit.dropped(Place(path, 1), "document", "", reason)
        return
    at = [header.index(name) for name in names]
    for place, fields in _rows(lines, source, mark, len(header), audit):
        yield place, [fields[column] for column in at]


def _rows(lines: _Lines, source: Iterator[str], mark: str, n_columns: int, audit: Audit) -> Rows:
    """The rows of the lines that are left in ``source``, an iterator of ``lines``."""
    reader = csv.reader(source, delimiter=mark, strict=True)
    while True:
        place = Place(lines.path, lines.number + 1)
        reason = ""
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fields, reason = [], "a row that is no CSV: a quoted field that does not end, or is too long"
        is_broken, lines.is_broken = lines.is_broken, False
        if is_broken and not reason:
            reason = "a row with a NUL character or bytes that are not UTF-8"
        elif fields and len(fields) != n_columns:
            reason = f"{len(fields)} columns: expected {n_columns}"
        if reason:
            audit.dropped(place, "line", "", reason)
        elif fields:
            yield place, fields


def _candidates(path: Path, delimiter: str) -> list[str]:
    if delimiter != "auto":
        return [DELIMITERS[delimiter]]
    return ["\t"] if path.suffix.lower() in (".tsv", ".tab") else list(DELIMITERS.values())


def _header(line: str, names: Sequence[str], marks: Sequence[str]) -> tuple[list[str] | None, str]:
    """The names of all columns and the mark between them, if all ``names`` are among them once."""
    for mark in marks:
        try:
            header = [name.strip() for name in next(csv.reader([line], delimiter=mark, strict=True), [])]
        except csv.Error:
            continue
        if all(header.count(name) == 1 for name in names):
            return header, mark
    return None, ""
