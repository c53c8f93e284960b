"""The ADE corpus: adverse effects and the drugs that caused them, in sentences of case reports.

``DRUG-AE.rel`` has a line for each relation: ``PMID|sentence|effect|begin|end|drug|begin|end``. The offsets count
characters of the abstract, which is not there, so the sentence begins where all of its entities then have their words.
All effects of drugs are listed: a drug and an effect of one sentence that no line relates are a judged pair without a
label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path

from ...annotations.groups import RELATIONS
from ..audit import Audit, Place
from ..formats.files import read_lines
from ..reader import Reader
from ..record import EXACT, Bounds, Entity, Link, Record, moved
from ..scheme import Scheme

EFFECT, DRUG = "Adverse-Effect", "Drug"
CAUSES = "causes"
NOWHERE = "no place, or several, where the entities have their words"


@dataclass(frozen=True)
class AdverseEvent:
    """A relation. The bounds have the offsets of the file, those of the abstract, and its words."""

    pmid: str
    sentence: str
    effect: Bounds
    drug: Bounds
    words: tuple[str, str]
    place: Place


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """A record for each sentence; the sentences of an abstract stay together in a split. Raises MedmtlError E401 at the
    first loss in stop mode."""
    for (pmid, sentence), group in groupby(_events(path, audit), key=lambda row: (row.pmid, row.sentence)):
        rows = list(group)
        begin = _begin(rows)
        if begin is None:
            for row in rows:
                audit.dropped(row.place, RELATIONS, CAUSES, NOWHERE)
            continue
        record = Record(sentence, rows[0].place, key=pmid, sentences=EXACT)
        _annotate(record, rows, begin, audit)
        yield record


READER = Reader(read, Scheme(types={EFFECT: EFFECT, DRUG: DRUG}, relations=[CAUSES]))


def _events(path: Path, audit: Audit) -> Iterator[AdverseEvent]:
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        columns = line.split("|")
        if not line.strip():
            continue
        offsets = [*columns[3:5], *columns[6:8]]
        if len(columns) != 8 or not all(one.isascii() and one.isdigit() and len(one) < 10 for one in offsets):
            expected = "PMID|sentence|effect|begin|end|drug|begin|end"
            audit.dropped(place, "line", "", f"expected 8 columns, parted by '|': {expected}")
        elif not all(columns[at].strip() for at in (1, 2, 5)):
            audit.dropped(place, "line", "", "a sentence or an entity that is empty")
        else:
            starts = int(columns[3]), int(columns[6])
            words = columns[2], columns[5]
            effect, drug = ((start, start + len(one)) for start, one in zip(starts, words))
            yield AdverseEvent(columns[0], columns[1], effect, drug, words, place)


def _begin(rows: Sequence[AdverseEvent]) -> int | None:
    """Where in the abstract the sentence of these rows begins; None if that cannot be told."""
    places = [(row.words[0], row.effect[0]) for row in rows] + [(row.words[1], row.drug[0]) for row in rows]
    words, start = places[0]
    sentence = rows[0].sentence
    begins = [start - at for at in range(len(sentence)) if start >= at and sentence.startswith(words, at)]
    begins = [
        begin
        for begin in begins
        if all(start >= begin and sentence.startswith(words, start - begin) for words, start in places)
    ]
    return begins[0] if len(begins) == 1 else None


def _annotate(record: Record, rows: Sequence[AdverseEvent], begin: int, audit: Audit) -> None:
    found: dict[tuple[Bounds, str], Entity] = {}
    related: dict[tuple[Entity, Entity], Place] = {}
    for row in rows:
        drug, effect = (
            found.setdefault((bounds, label), Entity(label, moved([bounds], -begin), row.place))
            for bounds, label in ((row.drug, DRUG), (row.effect, EFFECT))
        )
        audit.note("relations that occur again", int((drug, effect) in related))
        related.setdefault((drug, effect), row.place)
    record.entities = list(found.values())
    record.links = []
    by_label = [[one for one in found.values() if one.label == label] for label in (DRUG, EFFECT)]
    for drug, effect in product(*by_label):
        place = related.get((drug, effect))
        record.links.append(Link(CAUSES if place else None, drug, effect, place or drug.place))
