"""Views of pairs: ``pair`` of units or texts, ``marked_pair`` and ``blinded_pair`` of entities in their sentences."""

from collections.abc import Sequence

import numpy

from ...errors import MedmtlError, warn
from .layout import Layout, PieceIds, ViewSettings, join
from .marks import blinded, marked
from .requests import BLINDED, Reading, ToRead
from .wordpieces import DocPieces, Template


def lay_out_pair(settings: ViewSettings, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """A row per pair: the [CLS] of ``[CLS] a [SEP] b [SEP]``. Too long pairs are cut, the longer member first."""
    layout = Layout()
    cut: list[int] = []
    for number, (item, doc_pieces) in enumerate(zip(items, pieces)):
        if not isinstance(item, Reading):
            raise MedmtlError("E010", view="pair")
        for i, (head, tail) in enumerate(item.pairs):
            # piece ids of head and tail, [n_a] and [n_b]
            a, b = (doc_pieces.ids[doc_pieces.starts[s] : doc_pieces.starts[e]] for s, e in (head, tail))
            n_a, n_b = fit_pair(len(a), len(b), settings.window.size - _n_special(settings.wordpieces.pair))
            cut += [number] * (n_a < len(a) or n_b < len(b))
            row = layout.add(*pair_sequence(settings.wordpieces.pair, a[:n_a], b[:n_b]))
            layout.take(numpy.asarray([row]), numpy.asarray([layout.n_out + i]))
        layout.close_item(len(item.pairs))
    if cut:
        warn("W002", count=len(cut), window=settings.window.size, doc=cut[0])
    return layout


def lay_out_entity_pair(view: str, settings: ViewSettings, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """A row per pair of entities: the [CLS] of the sentences that hold them, with both marked (see ``marks``)."""
    layout = Layout()
    cut: list[int] = []
    template, marks = settings.wordpieces.single, settings.wordpieces.entity_marks()
    room = settings.window.size - len(template.before) - len(template.after)
    for number, (item, doc_pieces) in enumerate(zip(items, pieces)):
        if not isinstance(item, Reading):
            raise MedmtlError("E010", view=view)
        for i, (unit, bounds) in enumerate(zip(item.units, item.pairs)):
            first = doc_pieces.starts[unit.left]  # places of head and tail are counted from here
            text = doc_pieces.ids[first : doc_pieces.starts[unit.right]]
            head, tail = ((int(doc_pieces.starts[s] - first), int(doc_pieces.starts[e] - first)) for s, e in bounds)
            if view == BLINDED:
                text, head, tail = blinded(text, head, tail, *map(settings.wordpieces.of_type, item.types[i]))
            text, is_cut = marked(text, head, tail, marks, room)
            cut += [number] * is_cut
            ids = join(template.before, text, template.after)
            row = layout.add(ids, numpy.full(len(ids), template.types[1]))
            layout.take(numpy.asarray([row]), numpy.asarray([layout.n_out + i]))
        layout.close_item(len(item.pairs))
    if cut:
        warn("W215", count=len(cut), window=settings.window.size, doc=cut[0])
    return layout


def fit_pair(n_a: int, n_b: int, room: int) -> tuple[int, int]:
    """How many pieces of two members stay when together they may have ``room``: the longer one is cut first."""
    if n_a + n_b <= room:
        return n_a, n_b
    # cut to the length of the other, and then both alike
    half = room // 2
    if min(n_a, n_b) <= half:
        return (n_a, room - n_a) if n_a < n_b else (room - n_b, n_b)
    return room - half, half


def pair_sequence(template: Template, a: numpy.ndarray, b: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Piece ids and type ids of a pair."""
    parts: list[PieceIds] = [template.before, a, template.between, b, template.after]
    types = [numpy.full(len(part), kind) for part, kind in zip(parts, template.types)]
    return join(*parts), numpy.concatenate(types).astype("int64")


def _n_special(template: Template) -> int:
    return len(template.before) + len(template.between) + len(template.after)
