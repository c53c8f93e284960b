"""Pairs of entities of a reference Doc, each judged by somebody."""

from dataclasses import dataclass
from typing import Dict, Iterable, Optional, Sequence, Set, Tuple

from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, RELATIONS
from ..annotations.relations import JudgedPair, write_relations
from .audit import Audit, Place
from .formats.mention import Mention

Bounds = Tuple[int, int]


@dataclass(frozen=True)
class EntityPair:
    """Two mentions and the relation between them; None: they were judged to have none."""

    head: Mention
    tail: Mention
    label: Optional[str]
    place: Place


def write_entity_pairs(doc: Doc, pairs: Iterable[EntityPair], labels: Sequence[str], audit: Audit) -> None:
    """Annotate ``doc`` with the pairs. Those of the same tokens become one, with the labels of all.

    ``labels``: all of the corpus. A pair whose mentions lie on the same tokens, or outside the text, is a loss
    (MedmtlError E401 in stop mode).
    """
    known: Dict[Bounds, Optional[Bounds]] = {}
    found: Dict[Tuple[Bounds, Bounds], Set[str]] = {}
    for pair in pairs:
        head, tail = (_bounds(doc, mention, known) for mention in (pair.head, pair.tail))
        label = pair.label or ""
        offsets = (pair.head.start, pair.head.end, pair.tail.start, pair.tail.end)
        if head is None or tail is None or head == tail:
            audit.dropped(pair.place, RELATIONS, label, "the two entities are not two spans of tokens", offsets)
            continue
        if (head, tail) in found:
            audit.merged(pair.place, RELATIONS, label, offsets)
        found.setdefault((head, tail), set()).update({label} - {""})
    write_relations(doc, [JudgedPair(*key, tuple(sorted(held)), float(bool(held))) for key, held in found.items()])
    doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = sorted(labels)


def _bounds(doc: Doc, mention: Mention, known: Dict[Bounds, Optional[Bounds]]) -> Optional[Bounds]:
    """The tokens of a mention, as ``token_span`` finds them. ``known``: those found before."""
    characters = (mention.start, mention.end)
    if characters not in known:
        span = doc.char_span(*characters, alignment_mode="expand")
        known[characters] = None if span is None else (span.start, span.end)
    return known[characters]
