"""ClinicalSTS of n2c2 2019: how similar are two sentences, from 0 to 5? ``sentence TAB sentence TAB score`` a line."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit, Place
from .formats.lines import read_lines
from .judged_pairs import TextPair, convert_pairs

LABEL = "similarity"
MAXIMUM = 5.0
_SCORE = re.compile(r"\d(\.\d{1,6})?", re.ASCII)


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each line, with one score. Raises MedmtlError E401 at the first loss in stop mode."""
    return convert_pairs(_read, paths, nlp, audit, [LABEL])


def _read(path: Path, audit: Audit) -> Iterator[TextPair]:
    for number, line in read_lines(path, audit):
        if not line.strip():
            continue
        place = Place(path, number)
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 3:
            audit.dropped(place, "line", "", f"{len(columns)} columns: expected 3, separated by tabs")
        elif not _SCORE.fullmatch(columns[2]) or float(columns[2]) > MAXIMUM:
            audit.dropped(place, "line", "", f"a score that is no number from 0 to {MAXIMUM:g}")
        else:
            yield TextPair(columns[0], columns[1], LABEL, place, float(columns[2]))
