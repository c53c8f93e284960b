"""Relations between entities of a reference Doc: those that hold, and the pairs that were judged to have none.

Some corpora judge pairs one by one (``write_entity_pairs``). The others list the relations that hold and are silent
about all other pairs (``write_entity_relations``). Which of those count as judged is a decision, the same for all
corpora: pairs of the types that the corpus relates, in one sentence or as many sentences apart as the converter says
(``reach``). A related pair outside of that is kept all the same, or recall could not fall for it; the audit counts
those.

A span with itself is no pair, for a model could not tell the two apart: where both entities lie on the same tokens,
what a file says of them is a loss, and what it does not say is not judged.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, RELATIONS, entity_types
from ..annotations.relations import JudgedPair, write_relations
from .audit import Audit, Place
from .docs import token_span
from .formats.mention import Mention

Bounds = tuple[int, int]
Kinds = Collection[tuple[str, str]]
Stated = set[str | None]  # labels of a pair; None: the file says that it has none
OUTSIDE = "related pairs outside of the judged ones, kept"
CROWDED = "sentences with too many entities, whose unrelated pairs are not judged"
MAX_ENTITIES = 200  # in a sentence; the pairs are as many as its square


@dataclass(frozen=True)
class EntityPair:
    """Two mentions and the relation between them; None: they were judged to have none."""

    head: Mention
    tail: Mention
    label: str | None
    place: Place


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


def write_entity_pairs(doc: Doc, pairs: Iterable[EntityPair], labels: Iterable[str], audit: Audit) -> None:
    """Annotate ``doc`` with pairs that were judged one by one. ``labels``: all of the corpus.

    A pair of a mention that the policy for edges inside tokens loses, or of two on the same tokens, is a loss
    (MedmtlError E401 in stop mode). Mentions are listed with what the policy does to them unless they are the entities
    of the Doc, which were listed when those were written.
    """
    judged = _Judged(doc, audit)
    for pair in pairs:
        head, tail = (judged.bounds(mention, pair.label or "") for mention in (pair.head, pair.tail))
        judged.add(head, tail, pair.label, pair.place)
    judged.write(labels)


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
    """Annotate ``doc``, whose entities and sentences are set, with relations.

    entities: those of the Doc, also where two became one span. labels: a relation of the file -> its label.
    kinds: (type of the head, type of the tail), as the file names types, of the pairs that are judged; none: only the
        related ones. Where both are the same the pair is judged once, the entity that comes first as the head.
    reach: how many sentences apart the two may stand.
    A relation with another label, between what is no entity of the Doc, or of two entities on the same tokens, is a
    loss (MedmtlError E401 in stop mode).
    """
    judged = _Judged(doc, audit)
    placed = _placed(doc, entities, judged)
    if kinds:
        judged.found.update((pair, set()) for pair in _candidates(placed.values(), kinds, reach, audit))
    n_candidates = len(judged.found)
    for relation in relations:
        if relation.label not in labels:
            audit.dropped(relation.place, RELATIONS, "", f"an unknown relation: expected {' or '.join(labels)}")
        elif relation.head not in placed or relation.tail not in placed:
            audit.dropped(relation.place, RELATIONS, labels[relation.label], "an argument is no entity of the document")
        else:
            head, tail = _ordered(placed[relation.head], placed[relation.tail], kinds)
            judged.add(head.bounds, tail.bounds, labels[relation.label], relation.place)
    audit.note(OUTSIDE, len(judged.found) - n_candidates if kinds else 0)
    judged.write(labels.values())


class _Judged:
    """The judged pairs of a Doc. ``found``: what is said of each."""

    def __init__(self, doc: Doc, audit: Audit) -> None:
        self.doc, self.audit = doc, audit
        self.found: dict[tuple[Bounds, Bounds], Stated] = {}
        self._known: dict[Bounds, Bounds | None] = {}  # characters -> tokens

    def bounds(self, mention: Mention, label: str) -> Bounds | None:
        """The tokens of a mention, as ``token_span`` finds them for the entities. ``label``: of a relation of it."""
        characters = (mention.start, mention.end)
        if characters not in self._known:
            uses = [] if ENTITIES in self.doc.spans else [(RELATIONS, label)]
            span = token_span(self.doc, *characters, uses, self.audit, mention.place)
            self._known[characters] = None if span is None else (span.start, span.end)
        return self._known[characters]

    def add(self, head: Bounds | None, tail: Bounds | None, label: str | None, place: Place) -> None:
        """What the file says of a pair. Said twice, or a relation and none, is merged: the labels of all hold."""
        if head is None or tail is None or head == tail:
            self.audit.dropped(place, RELATIONS, label or "", "the two entities are not two spans of tokens")
            return
        stated = self.found.setdefault((head, tail), set())
        if label in stated or (stated and None in (label, *stated)):
            spans = self.doc[slice(*head)], self.doc[slice(*tail)]
            offsets = tuple(offset for span in spans for offset in (span.start_char, span.end_char))
            self.audit.merged(place, RELATIONS, label or "", offsets)
        stated.add(label)

    def write(self, labels: Iterable[str]) -> None:
        """Annotate the Doc, which was judged for ``labels``."""
        types = entity_types(self.doc, ENTITIES)
        pairs = []
        for head, tail in sorted(self.found):
            names = tuple(sorted(filter(None, self.found[head, tail])))
            pairs.append(JudgedPair(head, tail, names, float(bool(names)), (types.get(head, ""), types.get(tail, ""))))
        write_relations(self.doc, pairs)
        self.doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = sorted(set(labels))


def _placed(doc: Doc, entities: Iterable[Entity], judged: _Judged) -> dict[str, _Placed]:
    """Entities by id, on their tokens. Of several with one id, which a file should not have, the first counts; what has
    no id cannot be named."""
    placed: dict[str, _Placed] = {}
    sentences = list(chain.from_iterable([number] * len(sent) for number, sent in enumerate(doc.sents)))
    for entity in entities:
        bounds = judged.bounds(entity, "")
        if bounds is not None and entity.id:
            placed.setdefault(entity.id, _Placed(bounds, entity.label, sentences[bounds[0]]))
    return placed


def _candidates(entities: Iterable[_Placed], kinds: Kinds, reach: int, audit: Audit) -> Iterator[tuple[Bounds, Bounds]]:
    by_sentence: dict[int, list[_Placed]] = {}
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
                is_first = head.label != tail.label or head.bounds < tail.bounds
                if is_first and head.bounds != tail.bounds and (head.label, tail.label) in kinds:
                    yield head.bounds, tail.bounds


def _ordered(head: _Placed, tail: _Placed, kinds: Kinds) -> tuple[_Placed, _Placed]:
    """The two as the file orders them; two of one type in the order of the text, as the judged pairs are."""
    if head.label == tail.label and (head.label, tail.label) in kinds and tail.bounds < head.bounds:
        return tail, head
    return head, tail
