"""GENIA: nested names in abstracts, one JSON object ``{doc, sent, text, entities [[start, end, type]]}`` a sentence.

Offsets are characters of the sentence, end exclusive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from ...annotations.groups import ENTITIES
from ..audit import Audit, Place
from ..formats.json_files import read_json_lines
from ..formats.json_values import has_types, within
from ..reader import Reader
from ..record import EXACT, Entity, Record, joined
from ..scheme import Scheme

TYPES = ("DNA", "RNA", "cell_line", "cell_type", "protein")


@dataclass(frozen=True)
class GeniaSentence:
    """A sentence. ``unit`` tells documents apart: their id, and how many documents of the file came before."""

    unit: tuple[str, int]
    text: str
    entities: list[Any]
    place: Place


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """A record for each run of sentences of one abstract, joined with blanks; abstracts with one id stay together in a
    split. Raises MedmtlError E401 at the first loss in stop mode."""
    for (name, _), rows in groupby(_sentences(path, audit), key=lambda row: row.unit):
        sentences = list(rows)
        text, starts = joined([row.text for row in sentences])
        entities = [one for row, at in zip(sentences, starts) for one in _entities(row, at, audit)]
        place = sentences[0].place
        yield Record(text, place, name=name, key=name, entities=entities, starts=starts, sentences=EXACT)


READER = Reader(read, Scheme(types={name: name for name in TYPES}))


def _sentences(path: Path, audit: Audit) -> Iterator[GeniaSentence]:
    """The well-formed sentences of a file. A document ends where the id changes or the numbers of sentences do not go
    up."""
    n_documents = 0
    last = ("", -1)
    for place, row in read_json_lines(path, audit):
        if not has_types(row, {"doc": str, "sent": int, "text": str, "entities": list}):
            audit.dropped(place, "line", "", "expected a JSON object with doc, sent, text and entities")
            continue
        name, sentence = row["doc"], row["sent"]
        n_documents += int(name != last[0] or sentence <= last[1])
        last = (name, sentence)
        yield GeniaSentence((name, n_documents), row["text"], row["entities"], place)


def _entities(row: GeniaSentence, at: int, audit: Audit) -> Iterator[Entity]:
    for given in row.entities:
        problem = _problem(given, row.text)
        if problem:
            audit.dropped(row.place, ENTITIES, "", problem)
        else:
            yield Entity(given[2], ((at + given[0], at + given[1]),), row.place)


def _problem(given: Sequence[Any], text: str) -> str:
    """What is wrong with an entity, or nothing."""
    if not isinstance(given, list) or list(map(type, given)) != [int, int, str]:
        return "an entity that is not [start, end, type]"
    return "" if within(given[0], given[1], text) else "the offsets are outside the sentence"
