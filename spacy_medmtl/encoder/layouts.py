"""Views: how Docs become wordpiece sequences, and how the encoder's output rows become rows of tokens or units.

Everything here is NumPy. A ``Layout`` is lossless: each wordpiece of what is to be read belongs to exactly one output
row, and stands in a sequence that fits the window; where sequences overlap, the copy nearest to a window's centre is
the one that counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy
from spacy.tokens import Doc

from ..annotations.groups import sentence_bounds
from ..errors import MedmtlError, warn
from .marks import blinded, marked
from .readings import BLINDED, MARKED, Reading, ToRead, Unit, doc_of, units_with_context
from .wordpieces import DocPieces, Template, WordPieces

PieceIds = Sequence[int] | numpy.ndarray
CONTEXT_NEIGHBOURS = 2  # sentences either side, where a stock component reads the view "context" without saying


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

    def key(self) -> bytes:
        """Equal for layouts that encode the same sequences."""
        lengths = numpy.asarray([len(ids) for ids in self.ids], dtype="int64")
        return b"".join([lengths.tobytes(), *(a.tobytes() for a in self.ids), *(a.tobytes() for a in self.types)])


@dataclass(frozen=True)
class Window:
    """How many wordpieces a sequence may have, special pieces included, and by how many windows move on."""

    size: int
    stride: int


def window_spans(n: int, size: int, stride: int) -> list[tuple[int, int, int, int]]:
    """Cover ``n`` pieces by windows: (start, end, first and last + 1 piece that count here). The latter partition n."""
    if n <= size:
        return [(0, n, 0, n)]
    starts = [*range(0, n - size, stride), n - size]
    borders = [0] + [(a + size + b) // 2 for a, b in zip(starts, starts[1:])] + [n]
    return [(start, start + size, borders[i], borders[i + 1]) for i, start in enumerate(starts)]


class Viewer:
    """Lays out Docs for one tokenizer and window size."""

    def __init__(self, wordpieces: WordPieces, window: Window) -> None:
        self.wordpieces = wordpieces
        self.window = window
        self.views: dict[str, Callable[[Sequence[ToRead], list[DocPieces]], Layout]] = {
            "tokens": self._tokens,
            "sentence": self._sentence,
            "pair": self._pair,
            "context": self._context,
            MARKED: partial(self._entity_pair, MARKED),
            BLINDED: partial(self._entity_pair, BLINDED),
        }

    def lay_out(self, view: str, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
        """Raises MedmtlError E002 (unknown view) and E010 (a Doc where units are needed)."""
        if view not in self.views:
            raise MedmtlError("E002", view=view, views=", ".join(self.views))
        return self.views[view](items, pieces)

    def _tokens(self, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
        """A row per token. Docs are read in windows over the whole text; of a Reading with units, each unit apart."""
        layout = Layout()
        for item, doc_pieces in zip(items, pieces):
            n_tokens = len(doc_of(item))
            units = item.units if isinstance(item, Reading) and item.units else [Unit(0, 0, n_tokens, n_tokens)]
            for unit in units:
                self._read_tokens(layout, doc_pieces, Unit(unit.start, unit.start, unit.end, unit.end), marked=False)
            layout.close_item(n_tokens)
        return layout

    def _context(self, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
        """A row per token; each unit is read between [C] markers with its context, which gives no rows itself."""
        layout = Layout()
        for item, doc_pieces in zip(items, pieces):
            doc = doc_of(item)
            units = item.units if isinstance(item, Reading) else default_units(doc)
            for unit in units:
                self._read_tokens(layout, doc_pieces, unit, marked=True)
            layout.close_item(len(doc))
        return layout

    def _read_tokens(self, layout: Layout, pieces: DocPieces, unit: Unit, *, marked: bool) -> None:
        first = pieces.starts[unit.start]
        if pieces.starts[unit.end] == first:  # nothing but white space
            return
        token_of_piece = numpy.repeat(
            numpy.arange(unit.start, unit.end), numpy.diff(pieces.starts[unit.start : unit.end + 1])
        )
        for _, row, begin, end in self._sequences(layout, pieces, unit, marked=marked):
            layout.take(
                numpy.arange(row, row + end - begin), layout.n_out + token_of_piece[begin - first : end - first]
            )

    def _sentence(self, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
        """A row per unit: the [CLS] of its sequence, or the mean of them where it needs several windows."""
        layout = Layout()
        for item, doc_pieces in zip(items, pieces):
            if not isinstance(item, Reading):
                raise MedmtlError("E010", view="sentence")
            for i, unit in enumerate(item.units):
                heads = [head for head, *_ in self._sequences(layout, doc_pieces, unit, marked=item.marked)]
                layout.take(numpy.asarray(heads, dtype="int64"), numpy.full(len(heads), layout.n_out + i))
            layout.close_item(len(item.units))
        return layout

    def _sequences(
        self, layout: Layout, pieces: DocPieces, unit: Unit, *, marked: bool
    ) -> list[tuple[int, int, int, int]]:
        """Add the sequences of a unit; returns of each the rows of its first piece and of the first piece that counts,
        and the numbers of that piece and of the last + 1 that counts.

        Context is cut from the outside inwards, a heading that would take more than half of its room left out; a unit
        that fills the window alone is read without, in windows.
        """
        template, marker = self.wordpieces.single, [self.wordpieces.marker] * marked
        room = self.window.size - len(template.before) - len(template.after) - 2 * len(marker)
        start, end = int(pieces.starts[unit.start]), int(pieces.starts[unit.end])
        left = self._context_pieces(pieces, unit.left, unit.start, [s for s in unit.speakers if s[0] <= unit.start])
        right = self._context_pieces(pieces, unit.end, unit.right, [s for s in unit.speakers if s[0] >= unit.end])
        spare = max(0, room - (end - start))
        heading = _heading_pieces(pieces, unit, spare)
        spare -= len(heading)
        n_left = min(len(left), max(spare // 2, spare - len(right)))
        n_right = min(len(right), spare - n_left)
        before: list[PieceIds] = [heading, left[len(left) - n_left :], marker]
        after: list[PieceIds] = [marker, right[:n_right]]
        found = []
        for begin, stop, own, own_end in window_spans(end - start, room, min(self.window.stride, room)):
            ids = _join(template.before, *before, pieces.ids[start + begin : start + stop], *after, template.after)
            row = layout.add(ids, numpy.full(len(ids), template.types[1]))
            offset = len(template.before) + len(heading) + n_left + len(marker) + own - begin
            found.append((row, row + offset, start + own, start + own_end))
        return found

    def _context_pieces(
        self, pieces: DocPieces, start: int, end: int, speakers: Sequence[tuple[int, str]]
    ) -> numpy.ndarray:
        """The pieces of tokens [start, end), with the names of speakers in front of what they say."""
        parts: list[PieceIds] = []
        for token, name in speakers:
            parts += [pieces.ids[pieces.starts[start] : pieces.starts[token]], self.wordpieces.of_text(name)]
            start = token
        rest = pieces.ids[pieces.starts[start] : pieces.starts[end]]
        return _join(*parts, rest) if parts else rest

    def _pair(self, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
        """A row per pair: the [CLS] of ``[CLS] a [SEP] b [SEP]``. Too long pairs are cut, the longer member first."""
        layout = Layout()
        cut: list[int] = []
        for number, (item, doc_pieces) in enumerate(zip(items, pieces)):
            if not isinstance(item, Reading):
                raise MedmtlError("E010", view="pair")
            for i, (head, tail) in enumerate(item.pairs):
                a, b = (doc_pieces.ids[doc_pieces.starts[s] : doc_pieces.starts[e]] for s, e in (head, tail))
                n_a, n_b = fit_pair(len(a), len(b), self.window.size - _n_special(self.wordpieces.pair))
                cut += [number] * (n_a < len(a) or n_b < len(b))
                row = layout.add(*pair_sequence(self.wordpieces.pair, a[:n_a], b[:n_b]))
                layout.take(numpy.asarray([row]), numpy.asarray([layout.n_out + i]))
            layout.close_item(len(item.pairs))
        if cut:
            warn("W002", count=len(cut), window=self.window.size, doc=cut[0])
        return layout

    def _entity_pair(self, view: str, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
        """A row per pair of entities: the [CLS] of the sentences that hold them, with both marked (see ``marks``)."""
        layout = Layout()
        cut: list[int] = []
        template, marks = self.wordpieces.single, self.wordpieces.entity_marks()
        room = self.window.size - len(template.before) - len(template.after)
        for number, (item, doc_pieces) in enumerate(zip(items, pieces)):
            if not isinstance(item, Reading):
                raise MedmtlError("E010", view=view)
            for i, (unit, bounds) in enumerate(zip(item.units, item.pairs)):
                first = doc_pieces.starts[unit.left]
                text = doc_pieces.ids[first : doc_pieces.starts[unit.right]]
                head, tail = ((int(doc_pieces.starts[s] - first), int(doc_pieces.starts[e] - first)) for s, e in bounds)
                if view == BLINDED:
                    text, head, tail = blinded(text, head, tail, *map(self.wordpieces.of_type, item.types[i]))
                text, is_cut = marked(text, head, tail, marks, room)
                cut += [number] * is_cut
                ids = _join(template.before, text, template.after)
                row = layout.add(ids, numpy.full(len(ids), template.types[1]))
                layout.take(numpy.asarray([row]), numpy.asarray([layout.n_out + i]))
            layout.close_item(len(item.pairs))
        if cut:
            warn("W215", count=len(cut), window=self.window.size, doc=cut[0])
        return layout


def _heading_pieces(pieces: DocPieces, unit: Unit, spare: int) -> PieceIds:
    """The pieces of a unit's heading; none where it stands in the context anyway, or would take most of its room."""
    if unit.heading is None or unit.heading[0] >= unit.left:
        return []
    first, last = (int(pieces.starts[i]) for i in unit.heading)
    return pieces.ids[first:last] if last - first <= spare // 2 else []


def default_units(doc: Doc) -> list[Unit]:
    """The sentences of a Doc with two neighbours either side."""
    return units_with_context(sentence_bounds(doc), CONTEXT_NEIGHBOURS)


def fit_pair(n_a: int, n_b: int, room: int) -> tuple[int, int]:
    """How many pieces of two members stay when together they may have ``room``: the longer one is cut first."""
    if n_a + n_b <= room:
        return n_a, n_b
    half = room // 2
    if min(n_a, n_b) <= half:
        return (n_a, room - n_a) if n_a < n_b else (room - n_b, n_b)
    return room - half, half


def pair_sequence(template: Template, a: numpy.ndarray, b: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Piece ids and type ids of a pair."""
    parts: list[PieceIds] = [template.before, a, template.between, b, template.after]
    types = [numpy.full(len(part), kind) for part, kind in zip(parts, template.types)]
    return _join(*parts), numpy.concatenate(types).astype("int64")


def _n_special(template: Template) -> int:
    return len(template.before) + len(template.between) + len(template.after)


def _join(*parts: PieceIds) -> numpy.ndarray:
    return numpy.concatenate([numpy.asarray(part, dtype="int64") for part in parts])
