"""Pairs of sentences of clinical notes: ClinicalSTS of n2c2 2019 (how similar are they, from 0 to 5?), MedNLI (does the
first entail or contradict the second, or neither? ``neutral`` is a judgement of the corpus and no missing one)."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit
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
        if not _SCORE.fullmatch(score) or float(score) > MAXIMUM:
            audit.dropped(place, "line", "", f"a score that is no number from 0 to {MAXIMUM:g}")
        else:
            yield Record(first, place, second=second, verdict=SIMILARITY, value=float(score))


def read_mednli(path: Path, audit: Audit) -> Iterator[Record]:
    """JSON lines ``{sentence1, sentence2, gold_label, pairID}``; the parses beside them are not used."""
    names = ("sentence1", "sentence2", "gold_label")
    for place, row in read_json_lines(path, audit):
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in names):
            audit.dropped(place, "line", "", f"expected a JSON object with the texts {', '.join(names)}")
        elif row["gold_label"] not in JUDGEMENTS:
            audit.dropped(place, "line", "", f"an unknown gold_label: expected one of {', '.join(JUDGEMENTS)}")
        else:
            first, second = (row[name].strip() for name in names[:2])
            yield Record(first, place, second=second, verdict=row["gold_label"])


STS = Reader(read_sts, Scheme(relations=[SIMILARITY], links_texts=True))
MEDNLI = Reader(read_mednli, Scheme(relations=JUDGEMENTS, links_texts=True))
