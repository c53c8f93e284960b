"""Relations between entities of a reference Doc: those that hold, and the pairs that were judged to have none.

A corpus lists the relations that hold and is silent about all other pairs. Which of those count as judged is a
decision, the same for all corpora: pairs of the types that the corpus relates, in one sentence or as many sentences
apart as the converter says (``reach``). A related pair outside of that is kept all the same, or recall could not fall
for it; the audit counts those.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Collection, Dict, Iterable, Iterator, List, Mapping, Sequence, Set, Tuple

from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, RELATIONS, entity_types
from ..annotations.relations import JudgedPair, write_relations
from .audit import Audit, Place
from .formats.mention import Mention

Bounds = Tuple[int, int]
Kinds = Collection[Tuple[str, str]]
OUTSIDE = "related pairs outside of the judged ones, kept"
CROWDED = "sentences with too many entities, whose unrelated pairs are not judged"
MAX_ENTITIES = 200  # in a sentence; the pairs are as many as its square


@dataclass(frozen=True)
class Entity(Mention):
    """A mention that relations name by its ``id``."""

    id: str


@dataclass(frozen=True)
class Relation:
    """A relation as the file states it, between the ids of two entities."""

    head: str
    tail: str
    label: str
    place: Place


@dataclass(frozen=True)
class _Placed:
    """An entity on its tokens."""

    bounds: Bounds
    label: str
    sentence: int


def write_entity_relations(
    doc: Doc,
    entities: Iterable[Entity],
    relations: Iterable[Relation],
    audit: Audit,
    *,
    labels: Mapping[str, str],
    kinds: Kinds = (),
    reach: int = 0,
) -> None:
    """Annotate ``doc``, whose sentences are set and whose entities are written, with relations.

    entities: those of the Doc, also where two became one span. labels: a relation of the file -> its label.
    kinds: (type of the head, type of the tail), as the file names types, of the pairs that are judged; none: only the
        related ones. Where both are the same the pair is judged once, the entity that comes first as the head.
    reach: how many sentences apart the two may stand.
    A relation with another label, or between what is no entity of the Doc, is a loss (MedmtlError E401 in stop mode).
    """
    placed = _placed(doc, entities)
    candidates = _candidates(placed.values(), kinds, reach, audit) if kinds else ()
    found: Dict[Tuple[Bounds, Bounds], Set[str]] = {pair: set() for pair in candidates}
    n_candidates = len(found)
    for relation in relations:
        if relation.label not in labels:
            audit.dropped(relation.place, RELATIONS, "", f"an unknown relation: expected {' or '.join(labels)}")
        elif relation.head not in placed or relation.tail not in placed:
            audit.dropped(relation.place, RELATIONS, labels[relation.label], "an argument is no entity of the document")
        else:
            head, tail = _ordered(placed[relation.head], placed[relation.tail], kinds)
            names = found.setdefault((head.bounds, tail.bounds), set())
            if labels[relation.label] in names:
                offsets = doc[head.bounds[0]].idx, doc[tail.bounds[0]].idx
                audit.merged(relation.place, RELATIONS, labels[relation.label], offsets)
            names.add(labels[relation.label])
    audit.note(OUTSIDE, len(found) - n_candidates if kinds else 0)
    types = entity_types(doc, ENTITIES)
    pairs = (
        JudgedPair(head, tail, tuple(sorted(names)), float(bool(names)), (types.get(head, ""), types.get(tail, "")))
        for (head, tail), names in sorted(found.items())
    )
    write_relations(doc, pairs)
    doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = sorted(set(labels.values()))


def _placed(doc: Doc, entities: Iterable[Entity]) -> Dict[str, _Placed]:
    """Entities by id, on their tokens. Of several with one id, which a file should not have, the first counts; what has
    no id cannot be named."""
    placed: Dict[str, _Placed] = {}
    sentences = list(chain.from_iterable([number] * len(sent) for number, sent in enumerate(doc.sents)))
    for entity in entities:
        span = doc.char_span(entity.start, entity.end, alignment_mode="expand")
        if span is not None and entity.id:
            placed.setdefault(entity.id, _Placed((span.start, span.end), entity.label, sentences[span.start]))
    return placed


def _candidates(entities: Iterable[_Placed], kinds: Kinds, reach: int, audit: Audit) -> Iterator[Tuple[Bounds, Bounds]]:
    by_sentence: Dict[int, List[_Placed]] = {}
    for entity in entities:
        by_sentence.setdefault(entity.sentence, []).append(entity)
    crowded = [sentence for sentence, inside in by_sentence.items() if len(inside) > MAX_ENTITIES]
    audit.note(CROWDED, len(crowded))
    for sentence in crowded:
        del by_sentence[sentence]
    for sentence, heads in by_sentence.items():
        near = range(sentence - reach, sentence + reach + 1)
        tails: Sequence[_Placed] = list(chain.from_iterable(by_sentence.get(number, ()) for number in near))
        for head in heads:
            for tail in tails:
                is_other = head is not tail and (head.label != tail.label or head.bounds < tail.bounds)
                if is_other and (head.label, tail.label) in kinds:
                    yield head.bounds, tail.bounds


def _ordered(head: _Placed, tail: _Placed, kinds: Kinds) -> Tuple[_Placed, _Placed]:
    """The two as the file orders them; two of one type in the order of the text, as the judged pairs are."""
    if head.label == tail.label and (head.label, tail.label) in kinds and tail.bounds < head.bounds:
        return tail, head
    return head, tail
