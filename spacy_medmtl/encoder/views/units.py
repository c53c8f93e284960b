"""Views of tokens and units: ``tokens``, ``context`` and ``sentence``."""

from collections.abc import Sequence

import numpy
from spacy.tokens import Doc

from ...annotations.groups import sentence_bounds
from ...errors import MedmtlError
from .layout import Layout, PieceIds, ViewSettings, join
from .requests import Reading, ToRead, Unit, doc_of, units_with_context
from .windows import window_spans
from .wordpieces import DocPieces

CONTEXT_NEIGHBOURS = 2  # sentences either side, where a stock component reads the view "context" without saying


def lay_out_tokens(settings: ViewSettings, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """A row per token. Docs are read in windows over the whole text; of a Reading with units, each unit apart."""
    layout = Layout()
    for item, doc_pieces in zip(items, pieces):
        n_tokens = len(doc_of(item))
        units = item.units if isinstance(item, Reading) and item.units else [Unit(0, 0, n_tokens, n_tokens)]
        for unit in units:
            _read_tokens(settings, layout, doc_pieces, Unit(unit.start, unit.start, unit.end, unit.end), marked=False)
        layout.close_item(n_tokens)
    return layout


def lay_out_context(settings: ViewSettings, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """A row per token; each unit is read between [C] markers with its context, which gives no rows itself."""
    layout = Layout()
    for item, doc_pieces in zip(items, pieces):
        doc = doc_of(item)
        units = item.units if isinstance(item, Reading) else default_units(doc)
        for unit in units:
            _read_tokens(settings, layout, doc_pieces, unit, marked=True)
        layout.close_item(len(doc))
    return layout


def _read_tokens(settings: ViewSettings, layout: Layout, pieces: DocPieces, unit: Unit, *, marked: bool) -> None:
    first = pieces.starts[unit.start]
    if pieces.starts[unit.end] == first:  # nothing but white space
        return
    # [n_pieces of the unit], ascending
    token_of_piece = numpy.repeat(
        numpy.arange(unit.start, unit.end), numpy.diff(pieces.starts[unit.start : unit.end + 1])
    )
    # pieces [begin, end) of the Doc have the rows from ``row`` on
    for _, row, begin, end in _sequences(settings, layout, pieces, unit, marked=marked):
        layout.take(numpy.arange(row, row + end - begin), layout.n_out + token_of_piece[begin - first : end - first])


def lay_out_sentence(settings: ViewSettings, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """A row per unit: the [CLS] of its sequence, or the mean of them where it needs several windows."""
    layout = Layout()
    for item, doc_pieces in zip(items, pieces):
        if not isinstance(item, Reading):
            raise MedmtlError("E010", view="sentence")
        for i, unit in enumerate(item.units):
            heads = [head for head, *_ in _sequences(settings, layout, doc_pieces, unit, marked=item.marked)]
            layout.take(numpy.asarray(heads, dtype="int64"), numpy.full(len(heads), layout.n_out + i))
        layout.close_item(len(item.units))
    return layout


def _sequences(
    settings: ViewSettings, layout: Layout, pieces: DocPieces, unit: Unit, *, marked: bool
) -> list[tuple[int, int, int, int]]:
    """Add the sequences of a unit; returns of each the rows of its first piece and of the first piece that counts,
    and the numbers of that piece and of the last + 1 that counts.

    Context is cut from the outside inwards, a heading that would take more than half of its room left out; a unit
    that fills the window alone is read without, in windows.
    """
    template, marker = settings.wordpieces.single, [settings.wordpieces.marker] * marked
    room = settings.window.size - len(template.before) - len(template.after) - 2 * len(marker)
    start, end = int(pieces.starts[unit.start]), int(pieces.starts[unit.end])
    # a speaker belongs to the side on which it begins to speak
    left = _context_pieces(settings, pieces, unit.left, unit.start, [s for s in unit.speakers if s[0] <= unit.start])
    right = _context_pieces(settings, pieces, unit.end, unit.right, [s for s in unit.speakers if s[0] >= unit.end])
    spare = max(0, room - (end - start))  # pieces of context that fit beside the unit
    heading = _heading_pieces(pieces, unit, spare)
    spare -= len(heading)
    # half of the room for either side, and what one side does not need for the other
    n_left = min(len(left), max(spare // 2, spare - len(right)))
    n_right = min(len(right), spare - n_left)
    before: list[PieceIds] = [heading, left[len(left) - n_left :], marker]
    after: list[PieceIds] = [marker, right[:n_right]]
    sequences = []
    for begin, stop, own, own_end in window_spans(end - start, room, min(settings.window.stride, room)):
        ids = join(template.before, *before, pieces.ids[start + begin : start + stop], *after, template.after)
        row = layout.add(ids, numpy.full(len(ids), template.types[1]))
        # what stands in front of the first piece that counts
        offset = len(template.before) + len(heading) + n_left + len(marker) + own - begin
        sequences.append((row, row + offset, start + own, start + own_end))
    return sequences


def _context_pieces(
    settings: ViewSettings, pieces: DocPieces, start: int, end: int, speakers: Sequence[tuple[int, str]]
) -> numpy.ndarray:
    """The pieces of tokens [start, end), with the names of speakers in front of what they say."""
    parts: list[PieceIds] = []
    for token, name in speakers:
        parts += [pieces.ids[pieces.starts[start] : pieces.starts[token]], settings.wordpieces.of_text(name)]
        start = token
    rest = pieces.ids[pieces.starts[start] : pieces.starts[end]]
    return join(*parts, rest) if parts else rest


def _heading_pieces(pieces: DocPieces, unit: Unit, spare: int) -> PieceIds:
    """The pieces of a unit's heading; none where it stands in the context anyway, or would take most of its room."""
    if unit.heading is None or unit.heading[0] >= unit.left:
        return []
    first, last = (int(pieces.starts[i]) for i in unit.heading)
    return pieces.ids[first:last] if last - first <= spare // 2 else []


def default_units(doc: Doc) -> list[Unit]:
    """The sentences of a Doc with two neighbours either side."""
    return units_with_context(sentence_bounds(doc), CONTEXT_NEIGHBOURS)
