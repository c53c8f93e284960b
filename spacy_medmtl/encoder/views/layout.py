"""Layouts: the wordpiece sequences that are to be encoded, and where each output row comes from. All NumPy.

A layout is lossless: each wordpiece of what is to be read belongs to exactly one output row (in views of pairs, to the
pair), and stands in a sequence that fits the window; where sequences overlap, the copy nearest to a window's centre is
the one that counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy

from .wordpieces import WordPieces

PieceIds = Sequence[int] | numpy.ndarray


@dataclass
class Layout:
    """Sequences to encode, and where each output row comes from.

    ids, types: one array [length] per sequence. gather: rows of the concatenated sequences [n]. segments: the output
    row that each of them belongs to [n], ascending. lengths: output rows per item that was read.
    """

    ids: list[numpy.ndarray] = field(default_factory=list)
    types: list[numpy.ndarray] = field(default_factory=list)
    gather: list[numpy.ndarray] = field(default_factory=list)
    segments: list[numpy.ndarray] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    n_rows: int = 0  # wordpieces laid out so far
    n_out: int = 0  # output rows laid out so far

    def add(self, ids: numpy.ndarray, types: numpy.ndarray) -> int:
        """Append a sequence; returns the row of its first piece."""
        self.ids.append(ids)
        self.types.append(types)
        self.n_rows += len(ids)
        return self.n_rows - len(ids)

    def take(self, rows: numpy.ndarray, segments: numpy.ndarray) -> None:
        self.gather.append(rows)
        self.segments.append(segments)

    def close_item(self, n_out: int) -> None:
        self.lengths.append(n_out)
        self.n_out += n_out

    def parts(self, n_pieces: int) -> list["Layout"]:
        """Layouts of output rows that follow one another, each with the sequences that it needs and at most
        ``n_pieces`` gathered pieces (more only where one row has more)."""
        if sum(map(len, self.gather)) <= n_pieces:
            return [self]
        gather, segments = numpy.concatenate(self.gather), numpy.concatenate(self.segments)
        sizes = numpy.asarray([len(ids) for ids in self.ids])
        starts = numpy.cumsum(sizes) - sizes
        # [n]: the number of the sequence that each gathered piece stands in
        sequences = numpy.searchsorted(starts, gather, side="right") - 1
        parts: list[Layout] = []
        for first, end, n_done, after in borders_of_parts(segments, self.n_out, n_pieces):
            # numbers of the sequences of this part, ascending, and of each of its pieces the place of its sequence
            # there
            used, inside = numpy.unique(sequences[first:end], return_inverse=True)
            # from a row in the whole layout to that in the part, by sequence
            moved = numpy.cumsum(sizes[used]) - sizes[used] - starts[used]
            part = Layout([self.ids[i] for i in used], [self.types[i] for i in used], n_rows=int(sizes[used].sum()))
            part.take(gather[first:end] + moved[inside], segments[first:end] - n_done)
            part.close_item(after - n_done)
            parts.append(part)
        return parts

    def sequence_keys(self) -> list[tuple[bytes, bytes]]:
        """By sequence, what is equal for sequences of which the encoder makes the same."""
        return [(ids.tobytes(), types.tobytes()) for ids, types in zip(self.ids, self.types)]


def borders_of_parts(segments: numpy.ndarray, n_out: int, n_pieces: int) -> Iterator[tuple[int, int, int, int]]:
    """Parts of output rows that follow one another, with at most ``n_pieces`` gathered pieces (more only where one row
    has more): of each the first piece and the last + 1, the first output row and the last + 1. segments: the output row
    of each piece, ascending."""
    first = n_done = 0
    while n_done < n_out:
        end = first + n_pieces
        if end >= len(segments):
            end, after = len(segments), n_out
        else:
            # back to where the output row begins that would be cut: its pieces are pooled together
            border = int(numpy.searchsorted(segments, segments[end]))
            end = border if border > first else int(numpy.searchsorted(segments, segments[end], side="right"))
            after = int(segments[end]) if end < len(segments) else n_out
        yield first, end, n_done, after
        first, n_done = end, after


@dataclass(frozen=True)
class Window:
    """size: wordpieces that a sequence may have, special pieces included. stride: wordpieces from the beginning of one
    window to that of the next."""

    size: int
    stride: int


def join(*parts: PieceIds) -> numpy.ndarray:
    """Pieces one after the other."""
    return numpy.concatenate([numpy.asarray(part, dtype="int64") for part in parts])


@dataclass(frozen=True)
class ViewSettings:
    """What Docs are laid out with. speakers: what is read in front of a turn in the view ``document``, by the name of
    its speaker."""

    wordpieces: WordPieces
    window: Window
    speakers: Mapping[str, str] = field(default_factory=dict)
