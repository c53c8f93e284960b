"""BIOSSES: how similar are two sentences of biomedical articles, from 0 to 4, as five annotators see it.

Two Word documents with a table each: pairs (number, sentence, sentence), scores (number, a score of each annotator).
The value of a pair is the mean of the five.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit, Place
from .formats.docx import Row, read_tables
from .judged_pairs import TextPair, convert_pairs

SIMILARITY = "similarity"
ANNOTATORS = 5
SCORES = ("0", "1", "2", "3", "4")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each pair, to train a regression on. ``paths``: both documents, in any order.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    pairs = list(_pairs(paths, audit))

    def read(path: Path, _: Audit) -> Iterator[TextPair]:
        return iter(pairs)

    return convert_pairs(read, paths[:1], nlp, audit, [SIMILARITY])


def _pairs(paths: Sequence[Path], audit: Audit) -> Iterator[TextPair]:
    """The pairs that have both their sentences and their scores."""
    texts: dict[str, Row] = {}
    scores: dict[str, Row] = {}
    for path in paths:
        tables = read_tables(path, audit)
        for row in [row for table in tables for row in table[1:]]:  # the first row of a table is its header
            part = {3: texts, ANNOTATORS + 1: scores}.get(len(row))
            number = row[0].strip() if row else ""
            problem = _problem(row, number) if part is not None else f"{len(row)} cells: expected 3 or {ANNOTATORS + 1}"
            if problem or part is None:
                audit.dropped(row.place, "line", "", problem)
            elif part.setdefault(number, row) is not row:
                audit.dropped(row.place, "line", "", "a second row with this number")
        if not tables:
            audit.dropped(Place(path, 1), "document", "", "a document without a table")
    for number in [*texts, *(number for number in scores if number not in texts)]:
        if number in texts and number in scores:
            values: list[int] = [int(score) for score in scores[number][1:]]
            first, second = (cell.strip() for cell in texts[number][1:])
            yield TextPair(first, second, SIMILARITY, texts[number].place, sum(values) / ANNOTATORS)
        else:
            place = (texts.get(number) or scores[number]).place
            audit.dropped(place, "line", "", "a pair without its scores, or scores without their pair")


def _problem(row: Row, number: str) -> str:
    """What is wrong with a row, or nothing."""
    if not number.isascii() or not number.isdigit():
        return "a row without a number"
    if len(row) == 3:
        return "" if row[1].strip() and row[2].strip() else "one of the two sentences is empty"
    return "" if all(cell.strip() in SCORES for cell in row[1:]) else f"a score that is none of {', '.join(SCORES)}"
