"""CMeEE: nested names in textbook and clinical Chinese.

A JSON list of ``{text, entities: [{start_idx, end_idx, type, entity}]}``. To be read with the language ``zh``. The
published versions differ in whether ``end_idx`` is the last character or the one behind it; ``entity``, the words,
tells which, for each entity.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import split_sentences
from .entities import write_mentions
from .formats.json_arrays import read_array
from .formats.json_lines import is_unicode
from .formats.mention import Mention

# body, department, disease, drug, equipment, medical test item, microorganism, procedure, symptom
LABELS = {name: name for name in ("bod", "dep", "dis", "dru", "equ", "ite", "mic", "pro", "sym")}

NAMES = ("start_idx", "end_idx", "type", "entity")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each text. Raises MedmtlError E401 at the first loss in stop mode."""
    seen: set[str] = set()
    for path in paths:
        for place, row in read_array(path, audit):
            if not _is_row(row) or len(row["text"]) > nlp.max_length:
                expected = "text (not empty, UTF-8, not longer than spaCy reads) and entities"
                audit.dropped(place, "document", "", f"expected a JSON object with {expected}")
                continue
            doc = nlp.make_doc(row["text"])
            audit.note("texts that occur again", int(doc.text in seen))
            seen.add(doc.text)
            write_mentions(doc, _mentions(row["entities"], doc.text, place, audit), LABELS, audit)
            split_sentences(doc, audit, whole=doc.spans[ENTITIES])
            yield doc


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("entities"), list):
        return False
    return bool(row["text"].strip()) and is_unicode(row["text"])


def _is_entity(entity: Any) -> bool:
    return isinstance(entity, dict) and [type(entity.get(name)) for name in NAMES] == [int, int, str, str]


def _mentions(entities: Sequence[Any], text: str, place: Place, audit: Audit) -> list[Mention]:
    mentions: list[Mention] = []
    for entity in entities:
        if not _is_entity(entity):
            audit.dropped(place, ENTITIES, "", "an entity that is not {start_idx, end_idx, type, entity}")
            continue
        start, end, label, words = (entity[name] for name in NAMES)
        if start < 0 or not words or words not in (text[start : end + 1], text[start:end]):
            audit.dropped(place, ENTITIES, "", "the offsets do not give the words of the entity")
        else:
            audit.note("entities whose end is exclusive", int(text[start : end + 1] != words))
            mentions.append(Mention(start, start + len(words), label, place))
    return mentions
