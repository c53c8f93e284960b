"""Pairs of questions that somebody judged: MedRQE (does answering the second one answer the first?), medical question
pairs and CHIP-STS (do the two mean the same?). Most texts of the latter two stand in several pairs."""

from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit
from ..formats.csv_rows import read_csv
from ..formats.json_files import read_json
from ..formats.json_values import has_types
from ..formats.xml import line_of, local, read_elements
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

ENTAILS, SAME = "entails", "same_question"
_VALUES = {"true": ENTAILS, "false": None}
_LABELS = {"1": SAME, "0": None}


def read_rqe(path: Path, audit: Audit) -> Iterator[Record]:
    """XML: a ``<pair value>`` with ``<chq>`` and ``<faq>``. A malformed pair is a loss (MedmtlError E401 in stop
    mode)."""
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
            yield Record(
                texts["chq"], place, second=texts["faq"], verdict=_VALUES[element.get("value")], key=texts["chq"]
            )


def read_mqp(path: Path, audit: Audit) -> Iterator[Record]:
    """CSV without a header, ``number of the doctor,question,question,label``; label 1: they mean the same. A malformed
    row is a loss (MedmtlError E401 in stop mode)."""
    for place, (_, first, second, value) in read_csv(path, 4, audit):
        if value in _LABELS and first.strip() and second.strip():
            yield Record(first, place, second=second, verdict=_LABELS[value])
        else:
            audit.dropped(place, "line", "", "expected two questions and a label, 0 or 1")


def read_chip_sts(path: Path, audit: Audit) -> Iterator[Record]:
    """A JSON list of ``{id, text1, text2, label, category}``; label "1": they mean the same. The category (the disease)
    is not used. A malformed element is a loss (MedmtlError E401 in stop mode)."""
    for place, row in read_json(path, audit):
        if has_types(row, {"text1": str, "text2": str, "label": str}) and row["label"] in _LABELS:
            yield Record(row["text1"], place, second=row["text2"], verdict=_LABELS[row["label"]])
        else:
            expected = "text1, text2 (not empty, UTF-8) and label ('0' or '1')"
            audit.dropped(place, "document", "", f"expected a JSON object with {expected}")


RQE = Reader(read_rqe, Scheme(relations=[ENTAILS]))
MQP = Reader(read_mqp, Scheme(relations=[SAME], links_texts=True))
CHIP_STS = Reader(read_chip_sts, Scheme(relations=[SAME], links_texts=True))
