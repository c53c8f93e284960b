"""A CSV or TSV of labelled sentences (or texts), a row each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import INTENTS, write_group
from .audit import Audit
from .formats.csv_rows import read_table
from .formats.record import Record, is_label
from .records import Rules, Seen, convert_records


def convert(
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    *,
    seed: int = 0,
    text: str,
    label: str,
    labels: tuple[str, ...],
    spans_key: str,
    unit: str,
    delimiter: str,
) -> Iterator[Doc]:
    """One Doc for each row: one sentence with its intent under ``spans_key``, or, for the unit ``doc``, a text with its
    class in ``doc.cats``. labels: those that were annotated, used or not, and no others; none for what occurs. Raises
    MedmtlError E401 at the first loss in stop mode."""

    def read(path: Path, audit: Audit) -> Iterator[Record]:
        for place, (words, name) in read_table(path, (text, label), delimiter, audit):
            if not is_label(name):
                audit.dropped(place, "line", "", "a row without a label")
            elif labels and name not in labels:
                audit.dropped(place, "line", name, "a label that the setting 'labels' does not name")
            else:
                yield Record(words, place, entities=None, links=None, classes=[name], by_rule=unit == "doc")

    for doc in convert_records(read, paths, nlp, audit, Rules(unit=unit), names=Seen(classes=set(labels))):
        if spans_key != INTENTS and INTENTS in doc.spans:
            found = doc.spans.pop(INTENTS)
            write_group(doc, spans_key, list(found)).attrs.update(found.attrs)
        yield doc
