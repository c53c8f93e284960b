"""The ADE corpus: adverse effects and the drugs that caused them, in sentences of case reports.

``DRUG-AE.rel`` has a line for each relation: ``PMID|sentence|effect|begin|end|drug|begin|end``. The offsets count
characters of the abstract, which is not there, so the sentence begins where all of its entities then have their words.
All effects of drugs are listed: a drug and an effect of one sentence that no line relates are a judged pair without a
label.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from pathlib import Path

from ...annotations.groups import RELATIONS
from ..audit import Audit, Place
from ..formats.files import read_lines
from ..reader import Reader
from ..record import EXACT, Entity, Link, Record, is_offset
from ..scheme import Scheme

EFFECT, DRUG = "Adverse-Effect", "Drug"
CAUSES = "causes"
NOWHERE = "no place, or several, where the entities have their words"
Row = tuple[Place, list[str]]  # a relation: its columns


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """A record for each sentence; the sentences of an abstract stay together in a split. Raises MedmtlError E401 at the
    first loss in stop mode."""
    for (pmid, sentence), group in groupby(_rows(path, audit), key=lambda row: row[1][:2]):
        rows = list(group)
        begin = _begin(sentence, [mention for _, columns in rows for mention in _mentions(columns).values()])
        if begin is None:
            for place, _ in rows:
                audit.dropped(place, RELATIONS, CAUSES, NOWHERE)
            continue
        record = Record(sentence, rows[0][0], key=pmid, sentences=EXACT)
        _annotate(record, rows, begin, audit)
        yield record


READER = Reader(read, Scheme(types={EFFECT: EFFECT, DRUG: DRUG}, relations=[CAUSES]))


def _rows(path: Path, audit: Audit) -> Iterator[Row]:
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        columns = line.split("|")
        if not line.strip():
            continue
        if len(columns) != 8 or not all(map(is_offset, [*columns[3:5], *columns[6:8]])):
            expected = "PMID|sentence|effect|begin|end|drug|begin|end"
            audit.dropped(place, "line", "", f"expected 8 columns, parted by '|': {expected}")
        elif not all(columns[at].strip() for at in (1, 2, 5)):
            audit.dropped(place, "line", "", "a sentence or an entity that is empty")
        else:
            yield place, columns


def _mentions(columns: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The words of the effect and of the drug, and where in the abstract they begin."""
    return {EFFECT: (columns[2], int(columns[3])), DRUG: (columns[5], int(columns[6]))}


def _begin(sentence: str, mentions: Sequence[tuple[str, int]]) -> int | None:
    """Where in the abstract the sentence with these mentions begins; None if that cannot be told."""
    first, at = mentions[0]
    begins = [at - start for start in range(min(at + 1, len(sentence))) if sentence.startswith(first, start)]
    fitting = [
        begin
        for begin in begins
        if all(start >= begin and sentence.startswith(words, start - begin) for words, start in mentions)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _annotate(record: Record, rows: Sequence[Row], begin: int, audit: Audit) -> None:
    known: dict[tuple[str, int, str], Entity] = {}
    related: dict[tuple[Entity, Entity], Place] = {}
    for place, columns in rows:
        ends: list[Entity] = []
        for label in (DRUG, EFFECT):
            words, at = _mentions(columns)[label]
            start = at - begin
            entity = Entity(label, ((start, start + len(words)),), place)
            ends.append(known.setdefault((words, start, label), entity))
        drug, effect = ends
        audit.note("relations that occur again", int((drug, effect) in related))
        related.setdefault((drug, effect), place)
    record.entities = list(known.values())
    drugs, effects = ([entity for entity in known.values() if entity.label == label] for label in (DRUG, EFFECT))
    pairs = [(drug, effect, related.get((drug, effect))) for drug, effect in product(drugs, effects)]
    record.links = [Link(CAUSES if place else None, drug, effect, place or drug.place) for drug, effect, place in pairs]
