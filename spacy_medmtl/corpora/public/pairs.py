"""Pairs of texts that somebody judged: MedRQE (does answering the second question answer the first?), medical question
pairs and CHIP-STS (do the two mean the same?), BIOSSES (how similar are two sentences?). In all but the first most
texts stand in several pairs."""

from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit, Place, need, one_of
from ..formats.csv_rows import read_csv
from ..formats.docx import Row, read_tables
from ..formats.json_files import read_json
from ..formats.json_values import object_with
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
        with audit.losing(place, "document"):
            texts = {local(child): (child.text or "").strip() for child in element}
            value = one_of(element.get("value"), _VALUES, "value of a pair")
            is_pair = len(element) == 2 and set(texts) == {"chq", "faq"} and not any(map(len, element))
            need(is_pair, "a pair without exactly one <chq> and one <faq>")
            between = [element.text, *(child.tail for child in element)]
            need(not "".join(filter(None, between)).strip(), "text between the elements of a pair")
            question = texts["chq"]
            yield Record(question, place, second=texts["faq"], verdict=_VALUES[value], key=question)


def read_mqp(path: Path, audit: Audit) -> Iterator[Record]:
    """CSV without a header, ``number of the doctor,question,question,label``; label 1: they mean the same."""
    for place, (_, first, second, value) in read_csv(path, 4, audit):
        with audit.losing(place):
            is_pair = value in _LABELS and first.strip() and second.strip()
            need(is_pair, "expected two questions and a label, 0 or 1")
            yield Record(first, place, second=second, verdict=_LABELS[value])


def read_chip_sts(path: Path, audit: Audit) -> Iterator[Record]:
    """A JSON list of ``{id, text1, text2, label, category}``; label "1": they mean the same. The category (the disease)
    is not used."""
    for place, value in read_json(path, audit):
        with audit.losing(place, "document"):
            row = object_with(value, text1=str, text2=str, label=str)
            verdict = _LABELS[one_of(row["label"], _LABELS)]
            yield Record(row["text1"], place, second=row["text2"], verdict=verdict)


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
            with audit.losing(place):
                part, number = (texts if len(row) == 3 else scores), _number(row)
                need(part.setdefault(number, (place, row))[1] is row, "a second row with this number")
    for number in dict.fromkeys([*texts, *scores]):
        place, row = texts.get(number) or scores[number]
        with audit.losing(place):
            is_whole = number in texts and number in scores
            need(is_whole, "a pair without its scores, or scores without their pair")
            value = sum(int(score) for score in scores[number][1][1:]) / ANNOTATORS
            first, second = (cell.strip() for cell in row[1:])
            yield Record(first, place, second=second, verdict=SIMILARITY, value=value)


def _rows(path: Path, audit: Audit) -> list[Row]:
    """The rows of all tables of a document, without the header of each."""
    with audit.losing(Place(path, 1), "document"):
        return [row for table in need(read_tables(path, audit), "a document without a table") for row in table[1:]]
    return []


def _number(row: list[str]) -> str:
    """The number of a row. Raises LossError for one that is none of a table of pairs or of scores."""
    need(len(row) in (3, ANNOTATORS + 1), f"{len(row)} cells: expected 3 or {ANNOTATORS + 1}")
    number, *cells = (cell.strip() for cell in row)
    need(number.isascii() and number.isdigit(), "a row without a number")
    need(len(row) != 3 or all(cells), "one of the two sentences is empty")
    need(len(row) == 3 or set(cells) <= set(SCORES), f"a score that is none of {', '.join(SCORES)}")
    return number


RQE = Reader(read_rqe, Scheme(relations=[ENTAILS]))
MQP = Reader(read_mqp, Scheme(relations=[SAME], links_texts=True))
CHIP_STS = Reader(read_chip_sts, Scheme(relations=[SAME], links_texts=True))
BIOSSES = Reader(read_biosses, Scheme(relations=[SIMILARITY], links_texts=True), reads_ahead=True)
