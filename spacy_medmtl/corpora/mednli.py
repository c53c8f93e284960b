"""MedNLI: does a sentence of a clinical note entail or contradict a hypothesis, or neither? JSON lines.

``{sentence1, sentence2, gold_label, pairID}``; the parses beside them are not used. All three judgements are labels:
``neutral`` is a judgement of the corpus and no missing one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.json_lines import is_unicode, read_json_lines
from .judged_pairs import TextPair, convert_pairs

LABELS = ("contradiction", "entailment", "neutral")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each pair, premise first. Raises MedmtlError E401 at the first loss in stop mode."""
    return convert_pairs(_read, paths, nlp, audit, LABELS)


def _read(path: Path, audit: Audit) -> Iterator[TextPair]:
    for place, row in read_json_lines(path, audit):
        problem = _problem(row)
        if problem:
            audit.dropped(place, "line", "", problem)
        else:
            yield TextPair(row["sentence1"].strip(), row["sentence2"].strip(), row["gold_label"], place)


def _problem(row: Any) -> str:
    """What is wrong with a line, or nothing."""
    names = ("sentence1", "sentence2", "gold_label")
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in names):
        return f"expected a JSON object with the texts {', '.join(names)}"
    if not is_unicode(row["sentence1"] + row["sentence2"]):
        return "a text with half a surrogate pair"
    if row["gold_label"] not in LABELS:
        return f"an unknown gold_label: expected one of {', '.join(LABELS)}"
    return ""
