"""A CSV or TSV of pairs of texts with a label or a number, a row each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, RELATIONS
from ..annotations.relations import JudgedPair, read_pairs, write_relations
from .audit import Audit, Place
from .docs import judged_pair_doc, keep_together
from .formats.csv_rows import read_table
from .formats.json_values import number
from .formats.record import is_label

Judged = tuple[str, str, str | None, float, Place]  # two texts, the label, the score


def convert(
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    *,
    seed: int = 0,
    first: str,
    second: str,
    label: str,
    delimiter: str,
    none: tuple[str, ...] = (),
    score: str | None = None,
) -> Iterator[Doc]:
    """One two-segment Doc for each row; rows with the same first text go to one side of a split.

    ``label``: the column of the labels, of which those in ``none`` say that there is no relation. With ``score``, the
    column of a number, it is the one label of all pairs. Raises MedmtlError E401 at the first loss in stop mode.
    """

    def read(path: Path, audit: Audit) -> Iterator[Judged]:
        for place, (text, other, judgement) in read_table(path, (first, second, score or label), delimiter, audit):
            value = _score(judgement) if score else 1.0
            name: str | None = label if score else judgement
            if value is None:
                audit.dropped(place, "line", "", "a row whose score is no number")
            elif not is_label(name) and name not in none:
                audit.dropped(place, "line", "", "a row without a label")
            else:
                name = None if name in none else name
                yield text, other, name, 0.0 if name is None else value, place

    labels = {name for path in paths for _, _, name, _, _ in read(path, Audit("report")) if name is not None}
    for path in paths:
        for text, other, name, value, place in read(path, audit):
            doc = judged_pair_doc(nlp, text, other, name, audit, place, by_rule=True)
            if doc is not None:
                (pair,) = read_pairs(doc)
                write_relations(doc, [JudgedPair(pair.head, pair.tail, pair.labels, value)])
                doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = sorted(labels)
                keep_together(doc, text)
                yield doc


def _score(text: str) -> float | None:
    try:
        return number(float(text))
    except ValueError:
        return None
