"""CHIP-STS: do two questions of patients about one of five diseases mean the same?

A JSON list of ``{id, text1, text2, label, category}``; label "1": they do. To be read with the language ``zh``. The
category (the disease) is not used. Most questions stand in several pairs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.json_arrays import read_array
from .formats.json_lines import is_unicode
from .judged_pairs import SAME, TextPair, convert_pairs

LABELS = {"1": SAME, "0": None}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each pair. Raises MedmtlError E401 at the first loss in stop mode."""
    return convert_pairs(_read, paths, nlp, audit, [SAME])


def _read(path: Path, audit: Audit) -> Iterator[TextPair]:
    for place, row in read_array(path, audit):
        if _is_row(row):
            yield TextPair(row["text1"], row["text2"], LABELS[row["label"]], place)
        else:
            expected = "text1, text2 (not empty, UTF-8) and label ('0' or '1')"
            audit.dropped(place, "document", "", f"expected a JSON object with {expected}")


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("text1", "text2", "label")):
        return False
    texts = (row["text1"], row["text2"])
    return row["label"] in LABELS and all(text.strip() and is_unicode(text) for text in texts)
