"""The view ``document``: the whole Doc once, a marker in front of each sentence; rows of tokens, sentences and spans.

Each sentence is a chunk: a marker, the name of who begins to speak there, its wordpieces. Windows hold whole chunks, as
many as fit, and begin with the last chunks of the window before as context. A sentence that is longer than a window is
read in windows of its own. So all heads that read a Doc with the same sentences read the same sequences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
from spacy.tokens import Doc

from ...annotations.groups import TURNS, Bounds, group_values, sentence_bounds
from ...annotations.steady import aligned_group
from ...errors import MedmtlError
from .layout import Layout, PieceIds, ViewSettings, join
from .requests import DocumentReading, Reading, ToRead
from .windows import window_spans
from .wordpieces import DocPieces, WordPieces

NO_ROW = -1


@dataclass(frozen=True)
class Chunk:
    """Wordpieces [start, end) of a Doc, and the pieces in front of them: of which the first is a marker, if marked."""

    front: tuple[int, ...]
    start: int
    end: int
    is_marked: bool

    def __len__(self) -> int:
        return len(self.front) + self.end - self.start


@dataclass(frozen=True)
class DocumentRows:
    """The sequences of one Doc, and the rows, counted from the first of them, of its wordpieces [n_pieces] and of the
    markers of each sentence."""

    ids: Sequence[numpy.ndarray]
    of_pieces: numpy.ndarray
    of_markers: Sequence[Sequence[int]]


def lay_out_document(settings: ViewSettings, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """A row per token or per wanted span. Raises MedmtlError E010 for Readings, which are made for other views."""
    layout = Layout()
    known: dict[tuple[int, tuple[Bounds, ...]], tuple[DocumentRows, int]] = {}  # a Doc may stand in several items
    for item, doc_pieces in zip(items, pieces):
        if isinstance(item, Reading):
            raise MedmtlError("E010", view="document")
        reading = item if isinstance(item, DocumentReading) else DocumentReading(item, sentence_bounds(item))
        # with other sentences a Doc has other markers, and so other sequences
        key = id(reading.doc), tuple(reading.sentences)
        if key not in known:
            rows = document_rows(settings, reading.doc, reading.sentences, doc_pieces)
            known[key] = rows, layout.n_rows
            for ids in rows.ids:
                layout.add(ids, numpy.full(len(ids), settings.wordpieces.single.types[1]))
        rows, first = known[key]
        if reading.spans is None:
            # [n_pieces], ascending, as a Doc's pieces stand in the order of its tokens
            token_of_piece = numpy.repeat(numpy.arange(len(reading.doc)), numpy.diff(doc_pieces.starts))
            layout.take(first + rows.of_pieces, layout.n_out + token_of_piece)
            layout.close_item(len(reading.doc))
        else:
            _take_spans(layout, reading, rows, first, doc_pieces)
    return layout


def _take_spans(layout: Layout, reading: DocumentReading, rows: DocumentRows, first: int, pieces: DocPieces) -> None:
    spans = reading.spans or ()
    starts = numpy.asarray([start for start, _ in reading.sentences])
    for number, (start, end) in enumerate(spans):
        # sentences that begin inside the span; those that end in it as well give their markers
        inside = range(*numpy.searchsorted(starts, [start, end]).tolist())
        markers = [row for i in inside if reading.sentences[i][1] <= end for row in rows.of_markers[i]]
        # rows of the span's own pieces [n_pieces]
        own = rows.of_pieces[pieces.starts[start] : pieces.starts[end]]
        taken = first + numpy.concatenate([numpy.asarray(markers, dtype="int64"), own])
        layout.take(taken, numpy.full(len(taken), layout.n_out + number))
    layout.close_item(len(spans))


def document_rows(settings: ViewSettings, doc: Doc, sentences: Sequence[Bounds], pieces: DocPieces) -> DocumentRows:
    """Lay out one Doc."""
    template, window = settings.wordpieces.single, settings.window
    room = window.size - len(template.before) - len(template.after)
    # at least half of a window is for what the sentence itself says
    chunks, sentence_of = document_chunks(settings, doc, sentences, pieces, longest_front=room // 2)
    ids: list[numpy.ndarray] = []
    of_pieces = numpy.full(len(pieces.ids), NO_ROW, dtype="int64")
    of_markers: list[list[int]] = [[] for _ in sentences]
    n_rows = 0

    def add(parts: Sequence[PieceIds]) -> int:
        """Append a sequence; the row of its first piece behind the special ones."""
        nonlocal n_rows
        ids.append(join(template.before, *parts, template.after))
        n_rows += len(ids[-1])
        return n_rows - len(ids[-1]) + len(template.before)

    for first, last, own, own_end in chunk_windows([len(chunk) for chunk in chunks], room, window.size - window.stride):
        if len(chunks[first]) > room:  # a sentence longer than the window
            chunk = chunks[first]
            # each of its windows repeats the front, so that no part is read without marker and speaker
            inner = room - len(chunk.front)
            for begin, stop, counts, counts_end in window_spans(
                chunk.end - chunk.start, inner, min(window.stride, inner)
            ):
                row = add([chunk.front, pieces.ids[chunk.start + begin : chunk.start + stop]])
                if chunk.is_marked:
                    of_markers[sentence_of[first]].append(row)
                here = row + len(chunk.front) + numpy.arange(counts - begin, counts_end - begin)
                of_pieces[chunk.start + counts : chunk.start + counts_end] = here
            continue
        parts: list[PieceIds] = []
        for chunk in chunks[first:last]:
            parts += [chunk.front, pieces.ids[chunk.start : chunk.end]]
        row = add(parts)
        for number in range(first, last):
            chunk = chunks[number]
            # other chunks are context here; they count in the window that has more around them
            if own <= number < own_end:
                if chunk.is_marked:
                    of_markers[sentence_of[number]].append(row)
                of_pieces[chunk.start : chunk.end] = row + len(chunk.front) + numpy.arange(chunk.end - chunk.start)
            # past context too, which takes rows as all else does
            row += len(chunk)
    return DocumentRows(ids, of_pieces, of_markers)


def document_chunks(
    settings: ViewSettings, doc: Doc, sentences: Sequence[Bounds], pieces: DocPieces, *, longest_front: int
) -> tuple[list[Chunk], list[int]]:
    """The chunks of a Doc in the order of the text, which together hold each of its wordpieces once; and the sentence
    of each, -1 where none is. Of sentences that overlap, the later one begins where the earlier ends."""
    fronts = _speakers(settings.wordpieces, doc, settings.speakers)
    chunks: list[Chunk] = []
    sentence_of: list[int] = []
    done = 0
    for number, (start, end) in enumerate(sentences):
        first, last = max(int(pieces.starts[start]), done), int(pieces.starts[end])
        if first >= last:
            continue
        if done < first:  # between sentences
            chunks.append(Chunk((), done, first, False))
            sentence_of.append(NO_ROW)
        spoken = tuple(piece for token in range(start, end) for piece in fronts.get(token, ()))
        front = (settings.wordpieces.marker, *spoken)[:longest_front]
        chunks.append(Chunk(front, first, last, True))
        sentence_of.append(number)
        done = last
    if done < len(pieces.ids):
        chunks.append(Chunk((), done, len(pieces.ids), False))
        sentence_of.append(NO_ROW)
    return chunks, sentence_of


def _speakers(wordpieces: WordPieces, doc: Doc, names: Mapping[str, str]) -> dict[int, tuple[int, ...]]:
    """The pieces that announce a speaker, by the first token of the turn."""
    if not names:
        return {}
    turns = zip(aligned_group(doc, TURNS) or (), group_values(doc, TURNS, "speakers"))
    return {turn.start: wordpieces.of_text(f"{names[speaker]}:") for turn, speaker in turns if speaker in names}


def chunk_windows(lengths: Sequence[int], room: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Windows of whole chunks: (first, last + 1, first and last + 1 chunk that count here). The latter partition all.

    A window holds as many chunks as fit. It begins with those of the window before that have at most ``overlap``
    pieces together, of which each window counts half. A chunk longer than ``room`` is a window of its own.
    """
    windows: list[tuple[int, int, int, int]] = []
    first, n_chunks = 0, len(lengths)
    own = 0
    while own < n_chunks:
        last, n_pieces = first, 0
        while last < n_chunks and n_pieces + lengths[last] <= room:
            n_pieces += lengths[last]
            last += 1
        if last <= own:  # context left no room for the next chunk
            if first < own:
                first += 1
                continue
            last = own + 1
        if last == n_chunks:
            windows.append((first, last, own, last))
            break
        # what is repeated must leave room for the chunk that comes next, or a window would hold context alone
        following = _overlap_start(lengths, max(first + 1, own), last, min(overlap, room - min(room, lengths[last])))
        # of the chunks that two windows hold, the first half counts here: each is read with context on both sides
        own_end = (following + last + 1) // 2
        windows.append((first, last, own, own_end))
        first, own = following, own_end
    return windows


def _overlap_start(lengths: Sequence[int], least: int, last: int, overlap: int) -> int:
    """The first of the chunks before ``last`` that the next window begins with."""
    start, n_pieces = last, 0
    while start > least and n_pieces + lengths[start - 1] <= overlap:
        start -= 1
        n_pieces += lengths[start]
    return start
