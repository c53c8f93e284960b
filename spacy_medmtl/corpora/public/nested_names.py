"""Nested names in JSON: GENIA (abstracts) and CMeEE (textbook and clinical Chinese)."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ...annotations.groups import ENTITIES
from ..audit import Audit, Place
from ..formats.json_files import read_json, read_json_lines
from ..formats.json_values import Mention, has_types, mentions, within
from ..reader import Reader
from ..record import EXACT, Entity, Record, joined
from ..scheme import Scheme, own_names

GENIA_TYPES = ("DNA", "RNA", "cell_line", "cell_type", "protein")
# body, department, disease, drug, equipment, medical test item, microorganism, procedure, symptom
CMEEE_TYPES = ("bod", "dep", "dis", "dru", "equ", "ite", "mic", "pro", "sym")
_NAMES = {"start_idx": int, "end_idx": int, "type": str, "entity": str}
Sentence = tuple[int, Place, dict[str, Any]]  # number of its document in the file, place, the object


def read_genia(path: Path, audit: Audit) -> Iterator[Record]:
    """An object ``{doc, sent, text, entities [[start, end, type]]}`` a line; a record for each run of sentences of one
    abstract, joined with blanks."""
    for _, group in groupby(_sentences(path, audit), key=lambda sentence: sentence[0]):
        sentences = [(place, row) for _, place, row in group]
        text, starts = joined([row["text"] for _, row in sentences])
        entities = [
            entity
            for (place, row), at in zip(sentences, starts)
            for entity in mentions(row["entities"], row["text"], _entity, place, audit, at)
        ]
        first, name = sentences[0][0], sentences[0][1]["doc"]
        yield Record(text, first, name=name, key=name, entities=entities, starts=starts, sentences=EXACT)


def _sentences(path: Path, audit: Audit) -> Iterator[Sentence]:
    """A document ends where the id changes or the numbers of sentences do not go up."""
    n_documents = 0
    before = ("", -1)
    for place, row in read_json_lines(path, audit):
        if not has_types(row, {"doc": str, "sent": int, "text": str, "entities": list}):
            audit.dropped(place, "line", "", "expected a JSON object with doc, sent, text and entities")
            continue
        n_documents += int(row["doc"] != before[0] or row["sent"] <= before[1])
        before = row["doc"], row["sent"]
        yield n_documents, place, row


def _entity(given: Any, text: str) -> Mention | str:
    if not isinstance(given, list) or list(map(type, given)) != [int, int, str]:
        return "an entity that is not [start, end, type]"
    start, end, label = given
    return (start, end, label, ()) if within(start, end, text) else "the offsets are outside the sentence"


def read_cmeee(path: Path, audit: Audit) -> Iterator[Record]:
    """A list of ``{text, entities: [{start_idx, end_idx, type, entity}]}``. The published versions differ in whether
    ``end_idx`` is the last character or the one behind it; ``entity``, the words, tells which, for each entity."""
    for place, row in read_json(path, audit):
        if has_types(row, {"text": str, "entities": list}):
            entities = list(_worded_entities(row["entities"], row["text"], place, audit))
            yield Record(row["text"], place, entities=entities)
        else:
            audit.dropped(place, "document", "", "expected a JSON object with text (not empty, UTF-8) and entities")


def _worded_entities(given: Sequence[Any], text: str, place: Place, audit: Audit) -> Iterator[Entity]:
    for entity in given:
        if not has_types(entity, _NAMES):
            audit.dropped(place, ENTITIES, "", "an entity that is not {start_idx, end_idx, type, entity}")
            continue
        start, end, label, words = (entity[name] for name in _NAMES)
        if start < 0 or words not in (text[start : end + 1], text[start:end]):
            audit.dropped(place, ENTITIES, "", "the offsets do not give the words of the entity")
        else:
            audit.note("entities whose end is exclusive", int(text[start : end + 1] != words))
            yield Entity(label, ((start, start + len(words)),), place)


GENIA = Reader(read_genia, Scheme(types=own_names(*GENIA_TYPES)))
CMEEE = Reader(read_cmeee, Scheme(types=own_names(*CMEEE_TYPES)))
