"""A CSV or TSV of labelled sentences (or texts), a row each."""

from pathlib import Path
from typing import Iterator, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.csv_rows import read_table
from .formats.record import Record, is_label
from .records import Rules, convert_records


def convert(
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    *,
    seed: int = 0,
    text: str,
    label: str,
    unit: str,
    delimiter: str,
) -> Iterator[Doc]:
    """One Doc for each row: one sentence with its intent, or, for the unit ``doc``, a text with its class in
    ``doc.cats``. Raises MedmtlError E401 at the first loss in stop mode."""

    def read(path: Path, audit: Audit) -> Iterator[Record]:
        for place, (words, name) in read_table(path, (text, label), delimiter, audit):
            if is_label(name):
                yield Record(words, place, entities=None, links=None, classes=[name], by_rule=unit == "doc")
            else:
                audit.dropped(place, "line", "", "a row without a label")

    return convert_records(read, paths, nlp, audit, Rules(unit=unit))
