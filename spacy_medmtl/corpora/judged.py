"""Relations of a Doc from the links of a record: the pairs that were judged, and what holds of each.

Some corpora judge pairs one by one. Of those that list only the relations that hold, pairs of ``Scheme.kinds`` in one
sentence, or as many apart as ``Scheme.reach`` says, count as judged. A related pair outside of that is kept all the
same, or recall could not fall for it.

In a published corpus a span with itself is no pair, for a model could not tell the two apart: where both entities lie
on the same tokens, what a file says of them is a loss, and what it does not say is not judged.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, product

from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, FINDINGS, RELATIONS, entity_types
from ..annotations.relations import JudgedPair, write_relations
from .audit import MERGED, RESHAPED, Audit, Place
from .record import Bounds, Entity, Link
from .scheme import Scheme
from .spans import token_span

OUTSIDE = "related pairs outside of the judged ones, kept"
EXCHANGED = "head and tail, which the file has the other way round, exchanged, as their types say"
CROWDED = "sentences with too many entities, whose unrelated pairs are not judged"
MAX_ENTITIES = 200  # in a sentence; the pairs are as many as its square
Stated = set[str | None]  # labels of a pair; None: the file says that it has none
BySentence = dict[int, list[tuple[Bounds, str]]]  # tokens and types of the entities of each sentence


class JudgedPairs:
    """The judged pairs of a Doc. ``stated``: what is said of each, pairs of another score apart."""

    def __init__(
        self, doc: Doc, placed: Mapping[Entity, Bounds | None], lost: Collection[Entity], audit: Audit
    ) -> None:
        """``placed``: the tokens of the entities of the Doc; None: the settings have no use for it. ``lost``: those
        that were lost."""
        self.doc, self.placed, self.lost, self.audit = doc, placed, lost, audit
        self.stated: dict[tuple[Bounds, Bounds, float | None], Stated] = {}
        self._entities: set[Bounds] = set()  # tokens of the arguments that are entities
        self._free: dict[Bounds, Bounds | None] = {}  # characters -> tokens, of what is no entity of the Doc

    def add_candidates(self, scheme: Scheme) -> None:
        """Count the pairs of the scheme's kinds as judged."""
        numbers = list(chain.from_iterable([n] * len(sent) for n, sent in enumerate(self.doc.sents)))
        by_sentence: BySentence = defaultdict(list)
        for entity, at in self.placed.items():
            if at is not None:
                self._entities.add(at)
                by_sentence[numbers[at[0]]].append((at, entity.label))
        for head, tail in _candidates(by_sentence, scheme, self.audit):
            self.stated.setdefault((head, tail, None), set())

    def add_links(self, links: Iterable[Link], scheme: Scheme) -> None:
        """What the file says. A relation of a label that the corpus does not have, or of what is no entity of the Doc,
        is a loss (MedmtlError E401 in stop mode)."""
        n_before = len(self.stated)
        for link in links:
            if link.label is not None and scheme.relations and link.label not in scheme.relations:
                expected = " or ".join(scheme.relations)
                self.audit.dropped(link.place, RELATIONS, "", f"an unknown relation: expected {expected}")
            elif link.head in self.lost or link.tail in self.lost:
                self.audit.dropped(link.place, RELATIONS, link.label or "", "a relation of a lost mention")
            elif None in (self.placed.get(link.head, ()), self.placed.get(link.tail, ())):
                self.audit.leave_out(f"relation {link.label or 'none'} of a mention that is left out")
            else:
                head, tail = (self._bounds(end, link.label or "") for end in (link.head, link.tail))
                types = (link.head.label, link.tail.label)
                if head and tail and types[0] == types[1] and types in scheme.kinds and tail < head:
                    head, tail = tail, head  # two of one type in the order of the text, as the judged pairs are
                elif types not in scheme.kinds and types[::-1] in scheme.kinds:
                    # the types alone tell what is said of what, and the pair that they stand for would count as none
                    self.audit.changed(RESHAPED, link.place, RELATIONS, link.label or "", reason=EXCHANGED)
                    head, tail = tail, head
                if head is None or tail is None or (head == tail and not scheme.is_open):
                    reason = "the two entities are not two spans of tokens"
                    self.audit.dropped(link.place, RELATIONS, link.label or "", reason)
                else:
                    self._add(head, tail, link.label, link.score, link.place)
        self.audit.note(OUTSIDE, len(self.stated) - n_before if scheme.kinds else 0)

    def _bounds(self, entity: Entity, label: str) -> Bounds | None:
        """The tokens of an argument; of what is no entity itself they are listed for its first relation."""
        bounds = self.placed.get(entity)
        if bounds is not None:
            self._entities.add(bounds)
            return bounds
        if entity.bounds not in self._free:
            span = token_span(
                self.doc, *entity.bounds, [(RELATIONS, label)], self.audit, entity.place, is_mention=False
            )
            self._free[entity.bounds] = None if span is None else (span.start, span.end)
        return self._free[entity.bounds]

    def _add(self, head: Bounds, tail: Bounds, label: str | None, score: float | None, at: Place) -> None:
        """Said twice, or a relation and none, is merged: the labels of all hold."""
        stated = self.stated.setdefault((head, tail, score), set())
        if label in stated or (stated and None in (label, *stated)):
            spans = self.doc[slice(*head)], self.doc[slice(*tail)]
            offsets = tuple(offset for span in spans for offset in (span.start_char, span.end_char))
            self.audit.changed(MERGED, at, RELATIONS, label or "", offsets)
        stated.add(label)

    def write(self, labels: Sequence[str] | None) -> None:
        """Annotate the Doc, which was judged for ``labels``; None: it does not say for which."""
        known = {**entity_types(self.doc, FINDINGS), **entity_types(self.doc, ENTITIES)}
        types = {bounds: label for bounds, label in known.items() if bounds in self._entities}
        pairs = []
        for head, tail, score in sorted(self.stated, key=lambda key: (key[0], key[1], key[2] or 0.0)):
            names = tuple(sorted(filter(None, self.stated[head, tail, score])))
            value = float(bool(names)) if score is None else score
            pairs.append(JudgedPair(head, tail, names, value, (types.get(head, ""), types.get(tail, ""))))
        write_relations(self.doc, pairs)
        if labels is not None:
            self.doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = sorted(labels)


def _candidates(by_sentence: BySentence, scheme: Scheme, audit: Audit) -> Iterator[tuple[Bounds, Bounds]]:
    crowded = [sentence for sentence, inside in by_sentence.items() if len(inside) > MAX_ENTITIES]
    audit.note(CROWDED, len(crowded))
    for sentence in crowded:
        del by_sentence[sentence]
    for sentence, heads in by_sentence.items():
        near = range(sentence - scheme.reach, sentence + scheme.reach + 1)
        tails = list(chain.from_iterable(by_sentence.get(number, ()) for number in near))
        for (head, head_type), (tail, tail_type) in product(heads, tails):
            is_first = head_type != tail_type or head < tail
            if is_first and head != tail and (head_type, tail_type) in scheme.kinds:
                yield head, tail
