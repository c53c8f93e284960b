"""A CSV or TSV with a header: a labelled sentence (or text) in each row, or two texts with a label or a number."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit, LossError, need
from ..options import DELIMITER, SPANS_KEY, UNIT, name, names
from ..reader import Reader
from ..record import EXACT, RULE, Record, label_problem, read_label
from ..scheme import Scheme
from .csv_rows import read_table
from .json_values import number


def read_sentences(
    path: Path, audit: Audit, *, text: str, label: str, labels: tuple[str, ...], unit: str, delimiter: str
) -> Iterator[Record]:
    """A record for each row. ``labels``: those that were annotated, used or not, and no others; none for what
    occurs."""
    for place, (words, given) in read_table(path, (text, label), delimiter, audit):
        with audit.losing(place):
            given = "" if given.strip() in _MISSING else given
            name = need(read_label(given, audit), f"a row {label_problem(given)}")
            need(not labels or name in labels, "a label that the setting 'labels' does not name", label=name)
            sentences = RULE if unit == "doc" else EXACT
            yield Record(words, place, classes=[name], sentences=sentences, declared_labels=labels)


def read_pairs(
    path: Path, audit: Audit, *, first: str, second: str, label: str, none: tuple[str, ...], delimiter: str
) -> Iterator[Record]:
    """A pair for each row; the labels in ``none`` say that there is no relation. Rows with the same first text go to
    one side of a split."""
    for place, (text, other_text, given) in read_table(path, (first, second, label), delimiter, audit):
        with audit.losing(place):
            verdict = read_label(given, audit)
            is_none = given in none or verdict in none
            need(is_none or verdict, f"a row {label_problem(given)}")
            yield Record(text, place, second=other_text, verdict=None if is_none else verdict, key=text)


def read_scores(
    path: Path, audit: Audit, *, first: str, second: str, score: str, label: str, delimiter: str
) -> Iterator[Record]:
    """A pair for each row, with a number for a regression and the one ``label`` of all."""
    for place, (text, other_text, given) in read_table(path, (first, second, score), delimiter, audit):
        with audit.losing(place):
            try:
                value = number(float(given.replace(",", ".") if _DECIMAL_COMMA.fullmatch(given.strip()) else given))
            except ValueError:
                value = None
            if value is None:
                raise LossError("a row whose score is no number")
            yield Record(text, place, second=other_text, verdict=label, value=value, key=text)


_MISSING = ("nan", "NaN", "NaT", "<NA>", "#N/A", "NULL")  # what libraries and spreadsheets write for an empty cell
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_TABLES = (".csv", ".tsv", ".tab")
_LABEL = name("column of the labels", "label")
_SENTENCES = {
    "text": name("column of the texts", "text"),
    "label": _LABEL,
    "labels": names("the labels that were annotated, used or not; by default those that occur in the input"),
    **SPANS_KEY,
    **UNIT,
    **DELIMITER,
}
_PAIR = {
    "first": name("column of the first text", "text1"),
    "second": name("column of the second text", "text2"),
    **DELIMITER,
}
_NONE = {"none": names("labels that say that there is no relation", "none")}
_SCORE = {
    "score": name("column of the numbers", "score"),
    "label": name("the one label that all pairs get", "similarity"),
}
SENTENCES = Reader(read_sentences, Scheme(is_open=True), suffixes=_TABLES, options=_SENTENCES)
PAIRS = Reader(read_pairs, Scheme(is_open=True), suffixes=_TABLES, options={**_PAIR, "label": _LABEL, **_NONE})
SCORES = Reader(read_scores, Scheme(is_open=True), suffixes=_TABLES, options={**_PAIR, **_SCORE})
