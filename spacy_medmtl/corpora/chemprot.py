"""ChemProt, what a chemical does to a gene or protein, as JSON lines ``{text, label}`` of one related pair each.

``<< `` and `` >>`` stand around the entity of the pair that comes first, ``[[ `` and `` ]]`` around the other one,
whichever is the chemical; the text is restored without them. Only entities of related pairs are marked, and not which
is which, so no entities are annotated: the spans of the pairs are all there is. Pairs that hold nothing are not listed,
so this corpus tells relations apart and cannot teach where there is none. Nor does it tell abstracts apart.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import RELATIONS
from .audit import Audit, Place
from .docs import split_sentences
from .entity_relations import EntityPair, write_entity_pairs
from .formats.json_lines import is_unicode, read_json_lines
from .formats.mention import Mention

LABELS = (
    "ACTIVATOR",
    "AGONIST",
    "AGONIST-ACTIVATOR",
    "AGONIST-INHIBITOR",
    "ANTAGONIST",
    "DOWNREGULATOR",
    "INDIRECT-DOWNREGULATOR",
    "INDIRECT-UPREGULATOR",
    "INHIBITOR",
    "PRODUCT-OF",
    "SUBSTRATE",
    "SUBSTRATE_PRODUCT-OF",
    "UPREGULATOR",
)
_MARKED = re.compile(r"(.*)<< (.+?) >>(.*)\[\[ (.+?) \]\](.*)", re.DOTALL)


@dataclass(frozen=True)
class _Row:
    text: str
    pair: EntityPair


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each run of lines with the same text. Raises MedmtlError E401 at the first loss in stop mode."""
    seen: set[str] = set()
    for path in paths:
        for text, rows in groupby(_rows(path, nlp, audit), key=lambda row: row.text):
            audit.note("texts that occur again further on", int(text in seen))
            seen.add(text)
            doc = nlp.make_doc(text)
            write_entity_pairs(doc, [row.pair for row in rows], LABELS, audit)
            split_sentences(doc, audit, whole=doc.spans[RELATIONS])
            yield doc


def _rows(path: Path, nlp: Language, audit: Audit) -> Iterator[_Row]:
    for place, value in read_json_lines(path, audit):
        text, label = (value.get("text"), value.get("label")) if isinstance(value, dict) else (None, None)
        if not isinstance(text, str) or not is_unicode(text) or len(text) > nlp.max_length:
            audit.dropped(place, "line", "", "expected a JSON object with text and label")
        elif label not in LABELS:
            audit.dropped(place, RELATIONS, "", f"an unknown label: expected one of {', '.join(LABELS)}")
        else:
            row = _unmarked(text, label, place)
            if row is None:
                audit.dropped(place, RELATIONS, label, "expected '<< ', ' >>', '[[ ' and ' ]]' around two entities")
            else:
                yield row


def _unmarked(text: str, label: str, place: Place) -> _Row | None:
    """The text without the marks, and the entities in it; None if the marks are not there, or it cannot be told which
    they are. A text may hold signs that look like the end of a mark: the first one behind its beginning is meant."""
    match = _MARKED.fullmatch(text)
    if match is None or text.count("<< ") != 1 or text.count("[[ ") != 1:
        return None
    before, first, between, second, after = match.groups()
    start = len(before)
    head = Mention(start, start + len(first), "", place)
    start = head.end + len(between)
    tail = Mention(start, start + len(second), "", place)
    return _Row(before + first + between + second + after, EntityPair(head, tail, label, place))
