"""Candidate getters: which pairs of a Doc ``pair_relation`` judges at prediction."""

from typing import Callable, List, Tuple

from spacy.tokens import Doc

from ..annotations.groups import sentence_bounds
from ..annotations.pairs import segment_bounds
from ..encoder.readings import Bounds

Pair = Tuple[Bounds, Bounds]
CandidateGetter = Callable[[Doc], List[Pair]]


def segment_pairs() -> CandidateGetter:
    """``spacy-medmtl.segment_pairs.v1``: the two segments of a Doc made by ``pair_doc``, and no pair of any other."""
    return get_segments


def adjacent_pairs() -> CandidateGetter:
    """``spacy-medmtl.adjacent_pairs.v1``: each sentence with the next; of a Doc made by ``pair_doc``, its segments."""
    return get_adjacent


def get_segments(doc: Doc) -> List[Pair]:
    bounds = segment_bounds(doc)
    return [(bounds[0], bounds[1])] if bounds else []


def get_adjacent(doc: Doc) -> List[Pair]:
    segments = get_segments(doc)
    if segments:
        return segments
    bounds = sentence_bounds(doc)
    return list(zip(bounds, bounds[1:]))
