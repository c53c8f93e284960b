"""n2c2 2018, track 2: drugs and adverse drug events in discharge summaries, as folders of brat standoff.

The first argument of a relation is what is said of the drug, the second the drug. Judged are such pairs in one sentence
or in neighbouring ones; see ``judged``. Attributes are not used.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..audit import Audit
from ..formats import brat
from ..formats.files import companion, drop_without
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

DRUG = "Drug"
OF_A_DRUG = ("Strength", "Form", "Dosage", "Frequency", "Route", "Duration", "Reason", "ADE")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of a ``.txt``. Raises MedmtlError E401 at the first loss in stop mode."""
    if companion(path, [".ann"]) is None:
        drop_without(path, [".ann"], (), audit)
        return
    for record in brat.read(path, audit):
        entities = [replace(entity, attributes=()) for entity in record.entities or ()]
        n_attributes = sum(len(entity.attributes) for entity in record.entities or ())
        audit.note("attributes of mentions, not used", n_attributes)
        known = dict(zip(record.entities or (), entities))
        links = [replace(link, head=known[link.head], tail=known[link.tail]) for link in record.links or ()]
        yield replace(record, key=path.stem, entities=entities, links=links, is_explicit=True)


READER = Reader(
    read,
    Scheme(
        types={name: name for name in (DRUG, *OF_A_DRUG)},
        relations=[f"{name}-{DRUG}" for name in OF_A_DRUG],
        kinds=[(name, DRUG) for name in OF_A_DRUG],
        reach=1,
    ),
    suffixes=(".txt",),
)
