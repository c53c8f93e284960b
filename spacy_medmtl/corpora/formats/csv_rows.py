"""Rows of CSV and TSV files, whose quoted fields may hold line breaks, with the line on which each begins."""

import csv
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..audit import Audit, Place, need
from ..record import MAX_CHARACTERS
from .files import MARK, lines_of

DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
Rows = Iterator[tuple[Place, list[str]]]


class _Lines:
    """Lines for the csv module, ends included. ``number``: of the last one. ``problem``: what is wrong with one since
    this was last emptied; the line comes with replacement characters, so that its quotes still count."""

    def __init__(self, path: Path, audit: Audit) -> None:
        self.path, self.audit, self.number, self.problem = path, audit, 0, ""

    def __iter__(self) -> Iterator[str]:
        for number, line, problem in lines_of(self.path, self.audit):
            self.number = number
            if not problem and "\x00" in line:
                problem = "a NUL character in the row"
            self.problem = self.problem or problem
            yield line.replace("\x00", "\ufffd")


def read_csv(path: Path, n_columns: int, audit: Audit) -> Rows:
    """Yield the rows of a file without a header that counts. Line ends in a field come as line feeds. Losses as for
    ``read_table``."""
    lines = _Lines(path, audit)
    for place, fields in _rows(lines, iter(lines), ",", n_columns, audit):
        yield place, [field.replace("\r\n", "\n") for field in fields]


def read_table(path: Path, names: Sequence[str], delimiter: str, audit: Audit) -> Rows:
    """Yield the named fields of each row, in that order, to the character. ``delimiter``: one of ``DELIMITERS``, or
    ``auto``: the tab for .tsv and .tab, otherwise the one by which the header has all names; or what Excel says in a
    line ``sep=;`` before the header.

    A file whose header lacks a name is a loss as a whole, and so is each row that is broken or has another number of
    columns (MedmtlError E401 in stop mode); reading goes on behind it. Blank lines are no rows, nor are those of empty
    fields, and the header where it comes again, as in files that were appended to one another (a note).
    """
    lines = _Lines(path, audit)
    source = iter(lines)
    marks = _candidates(path, delimiter)
    first = next((line for line in source if line.strip(" \t\r\n,;") and not line.startswith("# ")), "")
    if first[:4].lower() == "sep=" and first[4:].rstrip("\r\n") in DELIMITERS.values():
        marks, first = [first[4:].rstrip("\r\n")], next(source, "")
    header, mark = _header(first, names, marks)
    if header is None and delimiter == "auto":
        header, mark = _header(first, names, list(DELIMITERS.values()))  # commas in a .tsv
    if header is None:
        problem = f"{lines.problem}; and " if lines.problem else ""
        reason = f"the header does not name the columns {', '.join(names)} (once each): give theirs by the settings"
        audit.dropped(Place(path, 1), "document", "", problem + reason)
        return
    at = [header.index(name) for name in names]
    has_blanks = f"{mark} " in first and mark != "\t"
    again = [name.casefold() for name in header]
    for place, fields in _rows(lines, source, mark, len(header), audit, has_blanks=has_blanks):
        if [field.strip(f'{MARK} "').casefold() for field in fields] == again:
            audit.note("headers that come again, left out")
            continue
        yield place, [fields[column] for column in at]


def _rows(
    lines: _Lines, source: Iterator[str], mark: str, n_columns: int, audit: Audit, *, has_blanks: bool = False
) -> Rows:
    """The rows of the lines that are left in ``source``, an iterator of ``lines``. ``has_blanks``: a blank is
    behind each mark, also before a quote."""
    csv.field_size_limit(10 * MAX_CHARACTERS)  # a chart is longer than what the module allows by itself
    reader = csv.reader(source, delimiter=mark, strict=True, skipinitialspace=has_blanks)
    while True:
        place = Place(lines.path, lines.number + 1)
        with audit.losing(place):
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                cause = "more than 10,000,000 characters" if "limit" in str(error) else "that does not end, or goes on"
                lines.problem = f"a row that is no CSV: a quoted field {cause}. Quotes inside one are written twice"
            problem, lines.problem = lines.problem, ""
            need(not problem, problem)
            if len(fields) > n_columns and not any(map(str.strip, fields[n_columns:])):
                fields = fields[:n_columns]  # a spreadsheet's empty columns
            advice = f": a text with '{mark}' in it stands between double quotes" if len(fields) > n_columns else ""
            need(len(fields) in (0, n_columns), f"{len(fields)} columns: expected {n_columns}{advice}")
            if any(map(str.strip, fields)):
                yield place, fields


def _candidates(path: Path, delimiter: str) -> list[str]:
    if delimiter != "auto":
        return [DELIMITERS[delimiter]]
    return ["\t"] if path.suffix.lower() in (".tsv", ".tab") else list(DELIMITERS.values())


def _header(line: str, names: Sequence[str], marks: Sequence[str]) -> tuple[list[str] | None, str]:
    """The names of all columns and the mark between them, if all ``names`` are among them once; or all in another
    case, if they are not."""
    for mark, is_exact in itertools.product(marks, (True, False)):
        try:
            header = [name.strip() for name in next(csv.reader([line], delimiter=mark, strict=True), [])]
        except csv.Error:
            continue
        if not is_exact:
            wanted = {name.casefold(): name for name in names}
            header = [wanted.get(name.casefold(), name) for name in header]
        if all(header.count(name) == 1 for name in names):
            return header, mark
    return None, ""
