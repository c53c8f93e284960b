"""Pairs of texts that somebody judged: MedRQE (does answering the second question answer the first?), medical question
pairs and CHIP-STS (do the two mean the same?), BIOSSES (how similar are two sentences?). In all but the first most
texts stand in several pairs."""

from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit, Place
from ..formats.csv_rows import read_csv
from ..formats.docx import Row, read_tables
from ..formats.json_files import read_json
from ..formats.json_values import has_types
from ..formats.xml import line_of, local, read_elements
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

ENTAILS, SAME, SIMILARITY = "entails", "same_question", "similarity"
_VALUES = {"true": ENTAILS, "false": None}
_LABELS = {"1": SAME, "0": None}
ANNOTATORS = 5
SCORES = ("0", "1", "2", "3", "4")


def read_rqe(path: Path, audit: Audit) -> Iterator[Record]:
    """XML: a ``<pair value>`` with ``<chq>`` and ``<faq>``."""
    for element, before in read_elements(path, "pair", audit):
        place = line_of(element, path, before)
        texts = {local(child): (child.text or "").strip() for child in element}
        if element.get("value") not in _VALUES:
            audit.dropped(place, "document", "", "a pair whose value is not 'true' or 'false'")
        elif len(element) != 2 or set(texts) != {"chq", "faq"} or any(len(child) for child in element):
            audit.dropped(place, "document", "", "a pair without exactly one <chq> and one <faq>")
        elif (element.text or "").strip() or any((child.tail or "").strip() for child in element):
            audit.dropped(place, "document", "", "text between the elements of a pair")
        else:
            question, verdict = texts["chq"], _VALUES[element.get("value")]
            yield Record(question, place, second=texts["faq"], verdict=verdict, key=question)


def read_mqp(path: Path, audit: Audit) -> Iterator[Record]:
    """CSV without a header, ``number of the doctor,question,question,label``; label 1: they mean the same."""
    for place, (_, first, second, value) in read_csv(path, 4, audit):
        if value in _LABELS and first.strip() and second.strip():
            yield Record(first, place, second=second, verdict=_LABELS[value])
        else:
            audit.dropped(place, "line", "", "expected two questions and a label, 0 or 1")


def read_chip_sts(path: Path, audit: Audit) -> Iterator[Record]:
    """A JSON list of ``{id, text1, text2, label, category}``; label "1": they mean the same. The category (the disease)
    is not used."""
    for place, row in read_json(path, audit):
        if has_types(row, {"text1": str, "text2": str, "label": str}) and row["label"] in _LABELS:
            yield Record(row["text1"], place, second=row["text2"], verdict=_LABELS[row["label"]])
        else:
            expected = "text1, text2 (not empty, UTF-8) and label ('0' or '1')"
            audit.dropped(place, "document", "", f"expected a JSON object with {expected}")


def read_biosses(path: Path, audit: Audit) -> Iterator[Record]:
    """Two Word documents with a table each: pairs (number, sentence, sentence), and beside it scores (number, one
    of each of five annotators, whose mean is the value). Scores by themselves are nothing."""
    other_files = [file for file in sorted(path.parent.glob("*.docx")) if file != path]
    if any(len(row) == ANNOTATORS + 1 for _, row in _rows(path, audit.first_look())) and other_files:
        return  # read with its pairs
    texts: dict[str, Row] = {}
    scores: dict[str, Row] = {}
    for file in (path, *other_files):
        for place, row in _rows(file, audit):
            number = row[0].strip() if row else ""
            part = texts if len(row) == 3 else scores
            problem = _problem(row, number)
            if not problem and part.setdefault(number, (place, row))[1] is not row:
                problem = "a second row with this number"
            if problem:
                audit.dropped(place, "line", "", problem)
    for number in dict.fromkeys([*texts, *scores]):
        place, row = texts.get(number) or scores[number]
        if number not in texts or number not in scores:
            audit.dropped(place, "line", "", "a pair without its scores, or scores without their pair")
            continue
        value = sum(int(score) for score in scores[number][1][1:]) / ANNOTATORS
        first, second = (cell.strip() for cell in row[1:])
        yield Record(first, place, second=second, verdict=SIMILARITY, value=value)


def _rows(path: Path, audit: Audit) -> list[Row]:
    """The rows of all tables of a document, without the header of each."""
    tables = read_tables(path, audit)
    if not tables:
        audit.dropped(Place(path, 1), "document", "", "a document without a table")
    return [row for table in tables for row in table[1:]]


def _problem(row: list[str], number: str) -> str:
    """What is wrong with a row, or nothing."""
    if len(row) not in (3, ANNOTATORS + 1):
        return f"{len(row)} cells: expected 3 or {ANNOTATORS + 1}"
    if not number.isascii() or not number.isdigit():
        return "a row without a number"
    if len(row) == 3:
        return "" if row[1].strip() and row[2].strip() else "one of the two sentences is empty"
    return "" if all(cell.strip() in SCORES for cell in row[1:]) else f"a score that is none of {', '.join(SCORES)}"


RQE = Reader(read_rqe, Scheme(relations=[ENTAILS]))
MQP = Reader(read_mqp, Scheme(relations=[SAME], links_texts=True))
CHIP_STS = Reader(read_chip_sts, Scheme(relations=[SAME], links_texts=True))
BIOSSES = Reader(read_biosses, Scheme(relations=[SIMILARITY], links_texts=True), reads_ahead=True)
