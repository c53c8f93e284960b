"""Medical question pairs: do a patient's question and one that a doctor wrote mean the same?

CSV without a header, ``number of the doctor,question,question,label``; label 1: they do.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.csv_rows import read_csv
from .judged_pairs import SAME, TextPair, convert_pairs

LABELS = {"1": SAME, "0": None}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each pair. Raises MedmtlError E401 at the first loss in stop mode."""
    return convert_pairs(_read, paths, nlp, audit, [SAME])


def _read(path: Path, audit: Audit) -> Iterator[TextPair]:
    for place, (_, first, second, value) in read_csv(path, 4, audit):
        if value in LABELS and first.strip() and second.strip():
            yield TextPair(first, second, LABELS[value], place)
        else:
            audit.dropped(place, "line", "", "expected two questions and a label, 0 or 1")
