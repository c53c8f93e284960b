"""Corpora in a format of others. Columns: BC4CHEMD (IOB), CoNLL-2003 (English news, for comparison: word, part of
speech, chunk, and the name in IOB1). Folders of brat: n2c2 2018, track 2 (drugs and adverse drug events)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..audit import Audit, Place
from ..formats import brat, conll
from ..formats.files import companion
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme, own_names

DRUG = "Drug"
OF_A_DRUG = ("Strength", "Form", "Dosage", "Frequency", "Route", "Duration", "Reason", "ADE")


def read_n2c2(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of a ``.txt``. The first argument of a relation is what is said of the drug, the second the drug.
    Judged are such pairs in one sentence or in neighbouring ones, see ``judged``. Attributes are not used."""
    with audit.losing(Place(path, 1), "document"):
        if path.suffix.lower() == ".txt":
            companion(path, [".ann"])
        for record in brat.read(path, audit):
            known = {entity: replace(entity, attributes=()) for entity in record.entities or ()}
            audit.note("attributes of mentions, not used", sum(len(entity.attributes) for entity in known))
            links = [replace(link, head=known[link.head], tail=known[link.tail]) for link in record.links or ()]
            yield replace(record, key=path.stem, entities=list(known.values()), links=links, is_explicit=True)


N2C2_2018 = Reader(
    read_n2c2,
    Scheme(
        types=own_names(DRUG, *OF_A_DRUG),
        relations=[f"{name}-{DRUG}" for name in OF_A_DRUG],
        kinds=[(name, DRUG) for name in OF_A_DRUG],
        reach=1,
    ),
    suffixes=(".txt", ".ann"),
)
BC4CHEMD = Reader(conll.read, Scheme(types=own_names("Chemical")))
CONLL2003 = Reader(conll.read, Scheme(types=own_names("PER", "LOC", "ORG", "MISC")))
