"""CMeEE: nested names in textbook and clinical Chinese.

A JSON list of ``{text, entities: [{start_idx, end_idx, type, entity}]}``. The published versions differ in whether
``end_idx`` is the last character or the one behind it; ``entity``, the words, tells which, for each entity.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...annotations.groups import ENTITIES
from ..audit import Audit, Place
from ..formats.json_files import read_json
from ..formats.json_values import has_types
from ..reader import Reader
from ..record import Entity, Record
from ..scheme import Scheme

# body, department, disease, drug, equipment, medical test item, microorganism, procedure, symptom
TYPES = ("bod", "dep", "dis", "dru", "equ", "ite", "mic", "pro", "sym")
NAMES = {"start_idx": int, "end_idx": int, "type": str, "entity": str}


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The texts of a file. Raises MedmtlError E401 at the first loss in stop mode."""
    for place, row in read_json(path, audit):
        if has_types(row, {"text": str, "entities": list}):
            entities = list(_entities(row["entities"], row["text"], place, audit))
            yield Record(row["text"], place, entities=entities)
        else:
            audit.dropped(place, "document", "", "expected a JSON object with text (not empty, UTF-8) and entities")


READER = Reader(read, Scheme(types={name: name for name in TYPES}))


def _entities(given: Sequence[Any], text: str, place: Place, audit: Audit) -> Iterator[Entity]:
    for entity in given:
        if not has_types(entity, NAMES):
            audit.dropped(place, ENTITIES, "", "an entity that is not {start_idx, end_idx, type, entity}")
            continue
        start, end, label, words = (entity[name] for name in NAMES)
        if start < 0 or words not in (text[start : end + 1], text[start:end]):
            audit.dropped(place, ENTITIES, "", "the offsets do not give the words of the entity")
        else:
            audit.note("entities whose end is exclusive", int(text[start : end + 1] != words))
            yield Entity(label, ((start, start + len(words)),), place)
