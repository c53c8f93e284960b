"""Abstracts in PubTator format: BC5CDR (chemicals and diseases), NCBI-disease (four classes of disease mentions); and
halves of BC5CDR with one label only, as two corpora that each know another one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..audit import Audit
from ..formats import pubtator
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

TYPES = {"Chemical": "Chemical", "Disease": "Disease"}
NCBI_CLASSES = ("SpecificDisease", "DiseaseClass", pubtator.COMPOSITE, "Modifier")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a file, apart in a split by their text: one may stand twice under two ids."""
    return (replace(record, key=None) for record in pubtator.read(path, audit))


def read_disease_half(path: Path, audit: Audit) -> Iterator[Record]:
    """The first half of the documents, with the odd one, and their diseases."""
    return _half(path, audit, "Disease", is_first=True)


def read_chemical_half(path: Path, audit: Audit) -> Iterator[Record]:
    """The second half of the documents, and their chemicals."""
    return _half(path, audit, "Chemical", is_first=False)


def _half(path: Path, audit: Audit, label: str, *, is_first: bool) -> Iterator[Record]:
    """The file is read twice, to find the middle. Malformed lines of the other half are losses too."""
    middle = (sum(1 for _ in read(path, audit.first_look())) + 1) // 2
    other_labels = set(TYPES) - {label}
    for number, record in enumerate(read(path, audit)):
        if (number < middle) == is_first:
            given = record.entities or []
            kept = [entity for entity in given if entity.label not in other_labels]
            audit.note("mentions of another label left out", len(given) - len(kept))
            yield replace(record, entities=kept)


BC5CDR = Reader(read, Scheme(types=TYPES))
DISEASE_HALF = Reader(read_disease_half, Scheme(types={"Disease": "Disease"}))
CHEMICAL_HALF = Reader(read_chemical_half, Scheme(types={"Chemical": "Chemical"}))
NCBI_DISEASE = Reader(read, Scheme(types=dict.fromkeys(NCBI_CLASSES, "Disease")))
