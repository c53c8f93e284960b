"""BIOSSES: how similar are two sentences of biomedical articles, from 0 to 4, as five annotators see it.

Two Word documents with a table each: pairs (number, sentence, sentence), scores (number, a score of each annotator).
The value of a pair is the mean of the five.
"""

from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit, Place
from ..formats.docx import TableRow, read_tables
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

SIMILARITY = "similarity"
ANNOTATORS = 5
SCORES = ("0", "1", "2", "3", "4")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The pairs of a document, with the scores of another one beside it. Those are nothing by themselves.

    A pair without its scores, and scores without their pair, are a loss (MedmtlError E401 in stop mode).
    """
    other_files = [file for file in sorted(path.parent.glob("*.docx")) if file != path]
    if any(len(row) == ANNOTATORS + 1 for row in _all_rows(path, audit.first_look())) and other_files:
        return  # read with its pairs
    texts: dict[str, TableRow] = {}
    scores: dict[str, TableRow] = {}
    for file in (path, *other_files):
        for row in _all_rows(file, audit):
            number = row[0].strip() if row else ""
            part = texts if len(row) == 3 else scores
            problem = _problem(row, number)
            if not problem and part.setdefault(number, row) is not row:
                problem = "a second row with this number"
            if problem:
                audit.dropped(row.place, "line", "", problem)
    for number in [*texts, *(number for number in scores if number not in texts)]:
        if number in texts and number in scores:
            value = sum(int(score) for score in scores[number][1:]) / ANNOTATORS
            first, second = (cell.strip() for cell in texts[number][1:])
            yield Record(first, texts[number].place, second=second, verdict=SIMILARITY, value=value)
        else:
            place = (texts.get(number) or scores[number]).place
            audit.dropped(place, "line", "", "a pair without its scores, or scores without their pair")


READER = Reader(read, Scheme(relations=[SIMILARITY], links_texts=True), reads_ahead=True)


def _all_rows(path: Path, audit: Audit) -> list[TableRow]:
    """The rows of all tables of a document, without the header of each."""
    tables = read_tables(path, audit)
    if not tables:
        audit.dropped(Place(path, 1), "document", "", "a document without a table")
    return [row for table in tables for row in table[1:]]


def _problem(row: TableRow, number: str) -> str:
    """What is wrong with a row, or nothing."""
    if len(row) not in (3, ANNOTATORS + 1):
        return f"{len(row)} cells: expected 3 or {ANNOTATORS + 1}"
    if not number.isascii() or not number.isdigit():
        return "a row without a number"
    if len(row) == 3:
        return "" if row[1].strip() and row[2].strip() else "one of the two sentences is empty"
    return "" if all(cell.strip() in SCORES for cell in row[1:]) else f"a score that is none of {', '.join(SCORES)}"
