"""GENIA: nested names in abstracts, one JSON object ``{doc, sent, text, entities [[start, end, type]]}`` a sentence.

Offsets are characters of the sentence, end exclusive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import keep_together, set_sentence_starts, tokens_at
from .entities import write_mentions
from .formats.json_lines import is_unicode, read_json_lines
from .formats.mention import Mention

LABELS = {name: name for name in ("DNA", "RNA", "cell_line", "cell_type", "protein")}


@dataclass(frozen=True)
class _Row:
    """A sentence. ``unit`` tells documents apart: their id, and how many documents of the input came before."""

    unit: tuple[str, int]
    text: str
    entities: list[Any]
    place: Place


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each run of sentences of one abstract, joined with blanks; abstracts with one id stay together in a
    split.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    seen: set[str] = set()
    for path in paths:
        for (name, _), rows in groupby(_rows(path, audit), key=lambda row: row.unit):
            audit.note("document ids that occur again", int(name in seen))
            seen.add(name)
            sentences = list(rows)
            text = " ".join(row.text for row in sentences)
            if len(text) > nlp.max_length:
                for row in sentences:
                    audit.dropped(row.place, "line", "", "a document longer than spaCy reads")
                continue
            doc = _doc(text, sentences, nlp, audit)
            keep_together(doc, name)
            yield doc


def _rows(path: Path, audit: Audit) -> Iterator[_Row]:
    """The well-formed sentences of a file. A document ends where the id changes or the numbers of sentences do not go
    up."""
    n_documents = 0
    last = ("", -1)
    for place, row in read_json_lines(path, audit):
        if not _is_row(row):
            audit.dropped(place, "line", "", "expected a JSON object with doc, sent, text and entities")
            continue
        name, sentence = row["doc"], row["sent"]
        n_documents += int(name != last[0] or sentence <= last[1])
        last = (name, sentence)
        yield _Row((name, n_documents), row["text"], row["entities"], place)


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not {"doc", "sent", "text", "entities"} <= set(row):
        return False
    types = type(row["doc"]), type(row["sent"]), type(row["text"]), type(row["entities"])
    return types == (str, int, str, list) and bool(row["text"].strip()) and is_unicode(row["text"] + row["doc"])


def _doc(text: str, sentences: Sequence[_Row], nlp: Language, audit: Audit) -> Doc:
    doc = nlp.make_doc(text)
    mentions: list[Mention] = []
    offsets: list[int] = []
    first = 0
    for row in sentences:
        offsets.append(first)
        for entity in row.entities:
            problem = _problem(entity, row.text)
            if problem:
                audit.dropped(row.place, ENTITIES, "", problem)
            else:
                mentions.append(Mention(first + entity[0], first + entity[1], entity[2], row.place))
        first += len(row.text) + 1
    set_sentence_starts(doc, tokens_at(doc, offsets))
    write_mentions(doc, mentions, LABELS, audit)
    return doc


def _problem(entity: Any, text: str) -> str:
    """What is wrong with an entity, or nothing."""
    if not isinstance(entity, list) or list(map(type, entity)) != [int, int, str]:
        return "an entity that is not [start, end, type]"
    if not 0 <= entity[0] < entity[1] <= len(text):
        return "the offsets are outside the sentence"
    return ""
