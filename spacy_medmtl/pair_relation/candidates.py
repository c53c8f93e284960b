"""Candidate getters: which pairs of a Doc ``pair_relation`` judges at prediction."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from ..annotations.groups import ENTITIES, Bounds, entity_spans, sentence_bounds, trimmed
from ..annotations.pairs import segment_bounds
from ..errors import MedmtlError
from ..kinds import FLAG, or_null, text, whole_number

Pair = tuple[Bounds, Bounds]
CandidateGetter = Callable[[Doc], list[Pair]]


def segment_pairs() -> CandidateGetter:
    """``spacy-medmtl.segment_pairs.v1``: the two segments of a Doc made by ``pair_doc``, and no pair of any other."""
    return get_segments


def adjacent_pairs() -> CandidateGetter:
    """``spacy-medmtl.adjacent_pairs.v1``: each sentence with the next; of a Doc made by ``pair_doc``, its segments."""
    return get_adjacent


def entity_pairs(
    spans_key: str = ENTITIES,
    types: list[list[str]] | None = None,
    both_orders: bool = False,
    max_sentences: int = 0,
    max_entities: int | None = None,
) -> "EntityPairs":
    """``spacy-medmtl.entity_pairs.v1``: pairs of entities that stand near one another.

    spans_key: the span group of the entities, or ``ents`` for ``doc.ents``.
    types: [label of the head, label of the tail] of the pairs that are candidates; null for any two entities.
    both_orders: judge two entities of one type (with ``types = null`` any two) both ways round. If not, the one that
        comes first in the text is the head, which is how the converters write their gold.
    max_sentences: how many sentences apart the two may stand: 0 for one sentence, 1 for neighbours too.
    max_entities: how many entities apart the two may stand: 1 for neighbours; null for any number, and then the pairs
        grow with the square of the entities of a sentence.
    Raises MedmtlError E218 for settings of another form.
    """
    for setting, value, kind in (
        ("spans_key", spans_key, text("the key of a span group, or 'ents'")),
        ("both_orders", both_orders, FLAG),
        ("max_sentences", max_sentences, whole_number()),
        ("max_entities", max_entities, or_null(whole_number(1))),
    ):
        if not kind.is_valid(value):
            raise MedmtlError("E218", setting=setting, received=value, expected=kind.expected)
    if types is not None:
        is_pairs = isinstance(types, (list, tuple)) and all(_is_type_pair(pair) for pair in types)
        if not is_pairs or not types:
            expected = "null or pairs such as [['Drug', 'Disease']]"
            raise MedmtlError("E218", setting="types", received=types, expected=expected)
    allowed = None if types is None else frozenset((head, tail) for head, tail in types)
    return EntityPairs(spans_key, allowed, both_orders, max_sentences, max_entities)


def _is_type_pair(pair: Any) -> bool:
    return isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(label, str) for label in pair)


def get_segments(doc: Doc) -> list[Pair]:
    """White space at the ends of a text is no part of it, and a blank text makes no pair."""
    bounds = [trimmed(doc, start, end) for start, end in segment_bounds(doc)]
    is_pair = bool(bounds) and all(start < end for start, end in bounds)
    return [(bounds[0], bounds[1])] if is_pair else []


def get_adjacent(doc: Doc) -> list[Pair]:
    segments = get_segments(doc)
    if segments:
        return segments
    bounds = sentence_bounds(doc)
    return list(zip(bounds, bounds[1:]))


@dataclass(frozen=True)
class EntityPairs:
    """See ``entity_pairs``. An object and no function, because ``pair_relation`` also asks it where the types are."""

    spans_key: str
    types: frozenset | None
    both_orders: bool
    max_sentences: int
    max_entities: int | None

    def __call__(self, doc: Doc) -> list[Pair]:
        """Candidates in the order of the text, each once. An entity belongs to the sentence that it begins in."""
        # in the order of the text, in which numbers of sentences and of places ascend, so near ones are a slice
        entities = sorted(set(entity_spans(doc, self.spans_key)))
        firsts = [start for start, _ in sentence_bounds(doc)]
        numbers = [_sentence_number(firsts, start) for start, _, _ in entities]
        # an entity of two labels stands in one place
        at = {place: i for i, place in enumerate(dict.fromkeys(entity[:2] for entity in entities))}
        places = [at[entity[:2]] for entity in entities]
        pairs: list[Pair] = []
        for head, number, place in zip(entities, numbers, places):
            first, after = _within(numbers, number, self.max_sentences)
            if self.max_entities is not None:
                nearest, behind = _within(places, place, self.max_entities)
                first, after = max(first, nearest), min(after, behind)
            pairs += [(head[:2], tail[:2]) for tail in entities[first:after] if self._judges(head, tail)]
        return list(dict.fromkeys(pairs))

    def _judges(self, head: tuple[int, int, str], tail: tuple[int, int, str]) -> bool:
        has_roles = self.types is not None and head[2] != tail[2]  # which one is the head is said by the types
        if head == tail or not (self.both_orders or has_roles or head < tail):
            return False
        return self.types is None or (head[2], tail[2]) in self.types


def _within(numbers: Sequence[int], number: int, most: int) -> Bounds:
    """Which of ascending numbers are at most so far from one, as the first and the last + 1."""
    return bisect_left(numbers, number - most), bisect_right(numbers, number + most)


def surroundings(doc: Doc, pairs: Iterable[Pair]) -> list[Bounds]:
    """For each pair the tokens from the start of its first sentence to the end of its last."""
    sentences = sentence_bounds(doc) or [(0, len(doc))]  # none where all is white space
    # sentences are sorted, so that of a token is found by bisection: a text may have thousands of pairs
    firsts = [start for start, _ in sentences]
    joined = []
    for start, end in (span_of(pair) for pair in pairs):
        left, right = sentences[_sentence_number(firsts, start)][0], sentences[_sentence_number(firsts, end - 1)][1]
        joined.append((min(left, start), max(right, end)))  # the white space between sentences belongs to none
    return joined


def span_of(pair: Pair) -> Bounds:
    """From the first token of the two to the last."""
    (head, head_end), (tail, tail_end) = pair
    return min(head, tail), max(head_end, tail_end)


def _sentence_number(firsts: Sequence[int], token: int) -> int:
    return max(0, bisect_right(firsts, token) - 1)
