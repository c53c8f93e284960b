"""Relations of drugs: the ADE corpus (what effects they had, in sentences of case reports) and ChemProt (what a
chemical does to a gene or protein, in abstracts)."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, product
from pathlib import Path

from ...annotations.groups import RELATIONS
from ..audit import Audit, Place, need, one_of
from ..formats.files import read_rows
from ..formats.json_files import read_json_lines
from ..formats.json_values import object_with
from ..reader import Reader
from ..record import EXACT, Entity, Link, Record, is_offset
from ..scheme import Scheme, own_names

EFFECT, DRUG = "Adverse-Effect", "Drug"
CAUSES = "causes"
NOWHERE = "no place, or several, where the entities have their words"
CHEMPROT_LABELS = (
    *("ACTIVATOR", "AGONIST", "AGONIST-ACTIVATOR", "AGONIST-INHIBITOR", "ANTAGONIST", "DOWNREGULATOR"),
    *("INDIRECT-DOWNREGULATOR", "INDIRECT-UPREGULATOR", "INHIBITOR", "PRODUCT-OF", "SUBSTRATE"),
    *("SUBSTRATE_PRODUCT-OF", "UPREGULATOR"),
)
_MARKED = re.compile(r"(.*)<< (.+?) >>(.*)\[\[ (.+?) \]\](.*)", re.DOTALL)
Row = tuple[Place, list[str]]  # a relation: its columns


def read_ade(path: Path, audit: Audit) -> Iterator[Record]:
    """A line for each relation, ``PMID|sentence|effect|begin|end|drug|begin|end``; a record for each sentence.

    The offsets count characters of the abstract, which is not there, so the sentence begins where all of its entities
    then have their words. All effects of drugs are listed: a drug and an effect of one sentence that no line relates
    are a judged pair without a label.
    """
    for (pmid, sentence), group in groupby(_rows(path, audit), key=lambda row: row[1][:2]):
        rows = list(group)
        begin = _begin(sentence, [mention for _, columns in rows for mention in _mentions(columns).values()])
        if begin is None:
            for place, _ in rows:
                audit.dropped(place, RELATIONS, CAUSES, NOWHERE)
            continue
        record = Record(sentence, rows[0][0], key=pmid, sentences=EXACT)
        _relate(record, rows, begin, audit)
        yield record


def _rows(path: Path, audit: Audit) -> Iterator[Row]:
    for place, columns in read_rows(path, audit, "|"):
        with audit.losing(place):
            is_row = len(columns) == 8 and all(map(is_offset, [*columns[3:5], *columns[6:8]]))
            need(is_row, "expected 8 columns, parted by '|': PMID|sentence|effect|begin|end|drug|begin|end")
            need(all(columns[at].strip() for at in (1, 2, 5)), "a sentence or an entity that is empty")
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


def _relate(record: Record, rows: Sequence[Row], begin: int, audit: Audit) -> None:
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


def read_chemprot(path: Path, audit: Audit) -> Iterator[Record]:
    """A line ``{text, label}`` for each related pair; a record for each run of lines with the same text.

    ``<< `` and `` >>`` stand around the entity of the pair that comes first, ``[[ `` and `` ]]`` around the other one,
    whichever is the chemical; the text is restored without them. Only entities of related pairs are marked, and not
    which is which, so no entities are annotated: the spans of the pairs are all there is. Pairs that hold nothing are
    not listed, so this corpus cannot teach where there is no relation. Nor does it tell abstracts apart.
    """
    for text, rows in groupby(_pairs(path, audit), key=lambda row: row[0]):
        links = [link for _, link in rows]
        yield Record(text, links[0].place, links=links)


def _pairs(path: Path, audit: Audit) -> Iterator[tuple[str, Link]]:
    for place, value in read_json_lines(path, audit):
        with audit.losing(place):
            text = object_with(value, text=str)["text"]
            label = one_of(value.get("label"), CHEMPROT_LABELS, kind=RELATIONS)
            # a text may hold signs that look like the end of a mark: the first one behind its beginning is meant
            match = _MARKED.fullmatch(text) if text.count("<< ") == text.count("[[ ") == 1 else None
            expected = "expected '<< ', ' >>', '[[ ' and ' ]]' around two entities"
            parts = need(match, expected, RELATIONS, label).groups()
            first, second = (sum(map(len, parts[:at])) for at in (1, 3))
            ends = [Entity("", ((at, at + len(words)),), place) for at, words in zip((first, second), parts[1::2])]
            yield "".join(parts), Link(label, ends[0], ends[1], place)


ADE = Reader(read_ade, Scheme(types=own_names(EFFECT, DRUG), relations=[CAUSES]))
CHEMPROT = Reader(read_chemprot, Scheme(relations=CHEMPROT_LABELS))
