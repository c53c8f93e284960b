"""Nested names in JSON: GENIA (abstracts) and CMeEE (textbook and clinical Chinese)."""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from ..audit import Audit, Place, need
from ..formats.json_files import read_json, read_json_lines
from ..formats.json_values import Mention, has_types, mentions, object_with, typed_span
from ..formats.words import WRONG
from ..reader import Reader
from ..record import EXACT, Record, joined
from ..scheme import Scheme, own_names

GENIA_TYPES = ("DNA", "RNA", "cell_line", "cell_type", "protein")
# body, department, disease, drug, equipment, medical test item, microorganism, procedure, symptom
CMEEE_TYPES = ("bod", "dep", "dis", "dru", "equ", "ite", "mic", "pro", "sym")
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
            for entity in mentions(row["entities"], row["text"], typed_span, place, audit, at)
        ]
        first, name = sentences[0][0], sentences[0][1]["doc"]
        yield Record(text, first, name=name, key=name, entities=entities, starts=starts, sentences=EXACT)


def _sentences(path: Path, audit: Audit) -> Iterator[Sentence]:
    """A document ends where the id changes or the numbers of sentences do not go up."""
    n_documents = 0
    before = ("", -1)
    for place, value in read_json_lines(path, audit):
        with audit.losing(place):
            row = object_with(value, doc=str, sent=int, text=str, entities=list)
            n_documents += int(row["doc"] != before[0] or row["sent"] <= before[1])
            before = row["doc"], row["sent"]
            yield n_documents, place, row


def read_cmeee(path: Path, audit: Audit) -> Iterator[Record]:
    """A list of ``{text, entities: [{start_idx, end_idx, type, entity}]}``. The published versions differ in whether
    ``end_idx`` is the last character or the one behind it; ``entity``, the words, tells which, for each entity."""
    for place, value in read_json(path, audit):
        with audit.losing(place, "document"):
            row = object_with(value, text=str, entities=list)
            read = partial(_worded, audit=audit)
            yield Record(row["text"], place, entities=list(mentions(row["entities"], row["text"], read, place, audit)))


def _worded(given: Any, text: str, audit: Audit) -> Mention:
    """Raises LossError."""
    is_entity = has_types(given, start_idx=int, end_idx=int, type=str, entity=str)
    need(is_entity, "an entity that is not {start_idx, end_idx, type, entity}")
    start, end, words = given["start_idx"], given["end_idx"], given["entity"]
    need(start >= 0 and words in (text[start : end + 1], text[start:end]), WRONG)
    audit.note("entities whose end is exclusive", int(text[start : end + 1] != words))
    return (start, start + len(words)), given["type"], ()


GENIA = Reader(read_genia, Scheme(types=own_names(*GENIA_TYPES)))
CMEEE = Reader(read_cmeee, Scheme(types=own_names(*CMEEE_TYPES)))
