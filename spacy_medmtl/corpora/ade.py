"""The ADE corpus: adverse effects and the drugs that caused them, in sentences of case reports.

``DRUG-AE.rel`` has a line for each relation: ``PMID|sentence|effect|begin|end|drug|begin|end``. The offsets count
characters of the abstract, which is not there, so the sentence begins where all of its entities then have their words.
All effects of drugs are listed: a drug and an effect of one sentence that no line relates are a judged pair without a
label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import RELATIONS
from .audit import Audit, Place
from .docs import keep_together, set_sentence_starts
from .entities import write_mentions
from .entity_relations import EntityPair, write_entity_pairs
from .formats.lines import read_lines
from .formats.mention import Mention

EFFECT, DRUG = "Adverse-Effect", "Drug"
CAUSES = "causes"
LABELS = {EFFECT: EFFECT, DRUG: DRUG}


@dataclass(frozen=True)
class _Row:
    """A relation. Its mentions have the offsets of the file, those of the abstract."""

    pmid: str
    sentence: str
    effect: Mention
    drug: Mention
    words: tuple[str, str]
    place: Place


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each sentence; the sentences of an abstract stay together in a split.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    seen: set[str] = set()
    for path in paths:
        for (pmid, sentence), group in groupby(_rows(path, nlp, audit), key=lambda row: (row.pmid, row.sentence)):
            rows = list(group)
            begin = _begin(rows)
            if begin is None:
                for row in rows:
                    audit.dropped(
                        row.place, RELATIONS, CAUSES, "no place, or several, where the entities have their words"
                    )
                continue
            audit.note("sentences that occur again", int(sentence in seen))
            seen.add(sentence)
            doc = nlp.make_doc(sentence)
            set_sentence_starts(doc, [0])
            _annotate(doc, rows, begin, audit)
            keep_together(doc, pmid)
            yield doc


def _rows(path: Path, nlp: Language, audit: Audit) -> Iterator[_Row]:
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        columns = line.split("|")
        if not line.strip():
            continue
        offsets = [*columns[3:5], *columns[6:8]]
        if len(columns) != 8 or not all(one.isascii() and one.isdigit() and len(one) < 10 for one in offsets):
            expected = "PMID|sentence|effect|begin|end|drug|begin|end"
            audit.dropped(place, "line", "", f"expected 8 columns, parted by '|': {expected}")
        elif not all(columns[at].strip() for at in (1, 2, 5)) or len(line) > nlp.max_length:
            audit.dropped(place, "line", "", "a sentence or an entity that is empty, or longer than spaCy reads")
        else:
            effect, drug = columns[2], columns[5]
            mentions = [
                Mention(int(columns[at]), int(columns[at]) + len(words), label, place)
                for at, words, label in ((3, effect, EFFECT), (6, drug, DRUG))
            ]
            yield _Row(columns[0], columns[1], mentions[0], mentions[1], (effect, drug), place)


def _begin(rows: Sequence[_Row]) -> int | None:
    """Where in the abstract the sentence of these rows begins; None if that cannot be told."""
    places = [(row.words[0], row.effect.start) for row in rows] + [(row.words[1], row.drug.start) for row in rows]
    words, start = places[0]
    sentence = rows[0].sentence
    begins = [start - at for at in range(len(sentence)) if start >= at and sentence.startswith(words, at)]
    begins = [
        begin
        for begin in begins
        if all(start >= begin and sentence.startswith(words, start - begin) for words, start in places)
    ]
    return begins[0] if len(begins) == 1 else None


def _annotate(doc: Doc, rows: Sequence[_Row], begin: int, audit: Audit) -> None:
    found: dict[tuple[int, int, str], Mention] = {}
    related: dict[tuple[Mention, Mention], Place] = {}
    for row in rows:
        drug, effect = (
            found.setdefault(
                (one.start, one.end, one.label), Mention(one.start - begin, one.end - begin, one.label, row.place)
            )
            for one in (row.drug, row.effect)
        )
        audit.note("relations that occur again", int((drug, effect) in related))
        related.setdefault((drug, effect), row.place)
    mentions = list(found.values())
    write_mentions(doc, mentions, LABELS, audit)
    pairs: list[EntityPair] = []
    for drug in (one for one in mentions if one.label == DRUG):
        for effect in (one for one in mentions if one.label == EFFECT):
            place = related.get((drug, effect))
            pairs.append(EntityPair(drug, effect, CAUSES if place else None, place or drug.place))
    write_entity_pairs(doc, pairs, [CAUSES], audit)
