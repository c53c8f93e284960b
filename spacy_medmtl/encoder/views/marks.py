"""Two entities of a text, marked or blinded for the encoder: what the views ``marked_pair`` and ``blinded_pair`` read.

Everything is about wordpieces [n] and ranges [start, end) of them. The head stands between two ``@``, the tail between
two ``#`` (Zhou and Chen, AACL 2022, "entity marker (punct)"), so the direction can be read off either view. Blinded
entities are replaced by their types first, as BLUE and MT-BERT do (there: ``@DRUG$``, in the order of the text).
"""

import numpy

from .layout import PieceIds, join

Range = tuple[int, int]


def blinded(
    text: numpy.ndarray, head: Range, tail: Range, head_type: PieceIds, tail_type: PieceIds
) -> tuple[numpy.ndarray, Range, Range]:
    """The text with the types in place of the entities, and where head and tail stand now.

    Entities that overlap become one stretch, as BLUE's ``@CHEM-GENE$``: the head's type and the tail's, the tail inside
    the head.
    """
    n_head, n_tail = len(head_type), len(tail_type)
    if head[0] < tail[1] and tail[0] < head[1]:
        start, end = min(head[0], tail[0]), max(head[1], tail[1])
        stop = start + n_head + n_tail
        return join(text[:start], head_type, tail_type, text[end:]), (start, stop), (start + n_head, stop)
    if head <= tail:
        # the tail moves by what the head, which comes before it, gains or loses
        moved = tail[0] + n_head - (head[1] - head[0])
        joined = join(text[: head[0]], head_type, text[head[1] : tail[0]], tail_type, text[tail[1] :])
        return joined, (head[0], head[0] + n_head), (moved, moved + n_tail)
    joined, tail, head = blinded(text, tail, head, tail_type, head_type)
    return joined, head, tail


def marked(
    text: numpy.ndarray, head: Range, tail: Range, marks: tuple[int, int], room: int
) -> tuple[numpy.ndarray, bool]:
    """The text with ``marks`` (of head, of tail) around the entities, cut to ``room`` pieces; and whether more than the
    text outside of both was cut.

    Where marks meet, what ends comes before what begins, and the shorter entity lies inside the longer one, the tail
    inside an equal head. Cut is first what stands outside of both, from its ends, then what stands between them, from
    its middle, and only where the entities alone are longer than the room the end of the longer one.
    """
    (h, h_end), (t, t_end), (head_mark, tail_mark) = head, tail, marks
    # sorted by where they stand; at one place what ends before what begins; of two that begin there the longer entity
    # first, of two that end there the shorter; of equal ones the head is outside
    at, _, _, _, mark = zip(
        *sorted(
            [
                (h, 1, -h_end, 0, head_mark),
                (t, 1, -t_end, 1, tail_mark),
                (h_end, 0, -h, 1, head_mark),
                (t_end, 0, -t, 0, tail_mark),
            ]
        )
    )
    pieces = numpy.insert(text, at, mark)
    if len(pieces) <= room:
        return pieces, False
    # marks are kept, whatever else is cut
    rank = numpy.insert(_ranks(len(text), head, tail), at, -1)
    # those of the lowest rank, back in the order of the text
    kept = numpy.sort(numpy.argsort(rank, kind="stable")[:room])
    outside = rank >= 2 * len(text)
    return pieces[kept], bool((~outside).sum() > (~outside[kept]).sum())


def _ranks(n: int, head: Range, tail: Range) -> numpy.ndarray:
    """In which order pieces are kept [n]: below n those of an entity, below 2 n those between the two, then others;
    each the earlier, the nearer it is to the start of its entity or to an entity."""
    place = numpy.arange(n)
    # how far into each entity a piece stands [n], n where it stands in none
    inside = [numpy.where((start <= place) & (place < end), place - start, n) for start, end in (head, tail)]
    # pieces between this one and the nearer entity, plus 1 [n]
    distance = numpy.minimum(*(numpy.maximum(start - place, place - end + 1) for start, end in (head, tail)))
    is_outer = (place < min(head[0], tail[0])) | (place >= max(head[1], tail[1]))
    rank = numpy.minimum(*inside)
    return numpy.where(rank < n, rank, distance + numpy.where(is_outer, 2 * n, n))
