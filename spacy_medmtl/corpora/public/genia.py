"""GENIA: nested names in abstracts, one JSON object ``{doc, sent, text, entities [[start, end, type]]}`` a sentence.

Offsets are characters of the sentence, end exclusive.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from ..formats.json_files import read_json_lines
from ..formats.json_values import Mention, has_types, mentions, within
from ..reader import Reader
from ..record import EXACT, Record, joined
from ..scheme import Scheme

TYPES = ("DNA", "RNA", "cell_line", "cell_type", "protein")
Sentence = tuple[int, Place, dict[str, Any]]  # number of its document in the file, place, the object


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """A record for each run of sentences of one abstract, joined with blanks; abstracts with one id stay together in a
    split. Raises MedmtlError E401 at the first loss in stop mode."""
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


READER = Reader(read, Scheme(types={name: name for name in TYPES}))


def _sentences(path: Path, audit: Audit) -> Iterator[Sentence]:
    """The well-formed sentences of a file. A document ends where the id changes or the numbers of sentences do not go
    up."""
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
