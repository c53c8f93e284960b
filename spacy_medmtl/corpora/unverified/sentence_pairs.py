"""Pairs of sentences of clinical notes: ClinicalSTS of n2c2 2019 (how similar are they, from 0 to 5?), MedNLI (does the
first entail or contradict the second, or neither? ``neutral`` is a judgement of the corpus and no missing one)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, need, one_of
from ..formats.files import read_rows
from ..formats.json_files import read_json_lines
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

SIMILARITY, MAXIMUM = "similarity", 5.0
JUDGEMENTS = ("contradiction", "entailment", "neutral")
_SCORE = re.compile(r"\d(\.\d{1,6})?", re.ASCII)


def read_sts(path: Path, audit: Audit) -> Iterator[Record]:
    """``sentence TAB sentence TAB score`` a line."""
    for place, (first, second, score) in read_rows(path, audit, n_columns=3):
        with audit.losing(place):
            is_score = _SCORE.fullmatch(score) and float(score) <= MAXIMUM
            need(is_score, f"a score that is no number from 0 to {MAXIMUM:g}")
            yield Record(first, place, second=second, verdict=SIMILARITY, value=float(score))


def read_mednli(path: Path, audit: Audit) -> Iterator[Record]:
    """JSON lines ``{sentence1, sentence2, gold_label, pairID}``; the parses beside them are not used."""
    names = ("sentence1", "sentence2", "gold_label")
    for place, value in read_json_lines(path, audit):
        with audit.losing(place):
            given: list[Any] = [value.get(name) for name in names] if isinstance(value, dict) else [None]
            are_texts = all(isinstance(text, str) for text in given)
            need(are_texts, f"expected a JSON object with the texts {', '.join(names)}")
            verdict = one_of(given[2], JUDGEMENTS, "gold_label")
            yield Record(given[0].strip(), place, second=given[1].strip(), verdict=verdict)


STS = Reader(read_sts, Scheme(relations=[SIMILARITY], links_texts=True))
MEDNLI = Reader(read_mednli, Scheme(relations=JUDGEMENTS, links_texts=True))
