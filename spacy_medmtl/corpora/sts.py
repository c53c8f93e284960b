"""ClinicalSTS of n2c2 2019: how similar are two sentences, from 0 to 5? ``sentence TAB sentence TAB score`` a line."""

import re
from pathlib import Path
from typing import Iterator, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, RELATIONS
from .audit import Audit, Place
from .docs import judged_pair_doc, keep_together
from .formats.lines import read_lines

LABEL = "similarity"
MAXIMUM = 5.0
_SCORE = re.compile(r"\d(\.\d{1,6})?", re.ASCII)


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each line, judged by one value; pairs with one first sentence stay together in a split.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    for path in paths:
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
                doc = judged_pair_doc(nlp, columns[0], columns[1], LABEL, audit, place, by_rule=True)
                if doc is not None:
                    doc.spans[RELATIONS].attrs["scores"] = [float(columns[2])]
                    doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = [LABEL]
                    keep_together(doc, columns[0])
                    yield doc
