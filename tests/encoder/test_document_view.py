"""The view ``document``: nothing is lost and nothing read twice, whatever sentences and spans are asked for."""

from typing import Any

import numpy
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from tiny_tokenizers import FAMILIES

from spacy_medmtl.annotations.groups import TURNS, write_group
from spacy_medmtl.encoder.views.document import chunk_windows, lay_out_document
from spacy_medmtl.encoder.views.layout import Layout, ViewSettings, Window
from spacy_medmtl.encoder.views.requests import DocumentReading, ToRead, doc_of
from spacy_medmtl.encoder.views.wordpieces import DocPieces, WordPieces

NLP = spacy.blank("en")
FIXED = settings(max_examples=200, deadline=None, derandomize=True)
TOKENIZER = FAMILIES["wordpiece"]()
WORDPIECES = WordPieces(TOKENIZER.to_str())
MARKER = WORDPIECES.marker
SPEAKERS = {"D": "chest", "P": "the pain and the knee and the chest"}
WORDS = ["a", "the", "pain", "xyz", "knees", ",", " ", "\n", "x1" * 9]
Bounds = tuple[int, int]


def lay_out(items: list[ToRead], size: int = 32, stride: int = 20, speakers: dict[str, str] | None = None) -> Layout:
    pieces = [WORDPIECES.of_doc(doc_of(item)) for item in items]
    return lay_out_document(ViewSettings(WORDPIECES, Window(size, stride), speakers or {}), items, pieces)


def names(ids: Any) -> str:
    return " ".join(TOKENIZER.id_to_token(int(i)) for i in ids)


def taken(layout: Layout) -> list[numpy.ndarray]:
    """For each output row, the rows of the wordpieces that it is the mean of."""
    none = numpy.zeros(0, dtype="int64")
    gather, segments = numpy.concatenate([none, *layout.gather]), numpy.concatenate([none, *layout.segments])
    assert (numpy.diff(segments) >= 0).all()
    return [gather[segments == row] for row in range(layout.n_out)]


def letters(*lengths: int) -> DocumentReading:
    """A Doc whose sentences have these numbers of tokens, of a piece each: a ..., then b ..."""
    words = [chr(ord("a") + i % 26) for i, n in enumerate(lengths) for _ in range(n)]
    borders = numpy.cumsum([0, *lengths]).tolist()
    return DocumentReading(Doc(NLP.vocab, words=words), list(zip(borders, borders[1:])))


@st.composite
def readings(draw: Any) -> DocumentReading:
    """Sentences with gaps and overlaps, some of nothing but white space; spans anywhere, or a row per token."""
    words = draw(st.lists(st.sampled_from(WORDS), max_size=40))
    bounds = st.integers(0, len(words)).flatmap(lambda a: st.tuples(st.just(a), st.integers(a, len(words))))
    sentences = sorted(draw(st.lists(bounds, max_size=8)))
    spans = draw(st.none() | st.lists(bounds | st.sampled_from(sentences or [(0, len(words))]), max_size=6))
    doc = Doc(NLP.vocab, words=words)
    if words and draw(st.booleans()):
        starts = sorted(draw(st.sets(st.integers(0, len(words) - 1), min_size=1, max_size=4)))
        turns = [doc[start:end] for start, end in zip(starts, [*starts[1:], len(words)])]
        write_group(doc, TURNS, turns, speakers=[draw(st.sampled_from(["D", "P", "other"])) for _ in turns])
    return DocumentReading(doc, sentences, spans)


def check_reading(reading: DocumentReading, pieces: DocPieces, rows: list[numpy.ndarray], stream: Any) -> None:
    if reading.spans is None:
        found = numpy.concatenate([numpy.zeros(0, dtype="int64"), *rows])
        assert len(set(found.tolist())) == len(found)  # each wordpiece of the text has one row
        assert [stream[one].tolist() for one in rows] == [
            pieces.ids[start:end].tolist() for start, end in zip(pieces.starts, pieces.starts[1:])
        ]
        return
    for (start, end), one in zip(reading.spans, rows, strict=True):
        own = pieces.ids[pieces.starts[start] : pieces.starts[end]].tolist()
        n_markers = len(one) - len(own)
        assert stream[one].tolist() == [MARKER] * n_markers + own
        inside = [s for s in reading.sentences if start <= s[0] < s[1] <= end]
        assert n_markers == 0 or inside
        assert len(set(one.tolist())) == len(one)


@FIXED
@given(drawn=st.lists(readings(), max_size=4), size=st.integers(16, 48), data=st.data())
def test_every_wordpiece_has_one_row_and_every_span_its_own(drawn: list[DocumentReading], size: int, data: Any):
    stride = data.draw(st.integers(1, size - 2))
    speakers = data.draw(st.sampled_from([{}, SPEAKERS]))
    layout = lay_out([*drawn], size, stride, speakers)
    assert layout.lengths == [len(one.doc) if one.spans is None else len(one.spans) for one in drawn]
    assert all(len(ids) == len(types) <= size for ids, types in zip(layout.ids, layout.types))
    stream = numpy.concatenate([numpy.zeros(0, dtype="int64"), *layout.ids])
    rows, first = taken(layout), 0
    for reading, n_rows in zip(drawn, layout.lengths):
        check_reading(reading, WORDPIECES.of_doc(reading.doc), rows[first : first + n_rows], stream)
        first += n_rows


@FIXED
@given(drawn=st.lists(readings(), min_size=1, max_size=3), data=st.data())
def test_what_is_read_goes_by_text_and_sentences_alone(drawn: list[DocumentReading], data: Any):
    """Not by the spans that are wanted, by other Docs, nor by how often a Doc stands in the batch."""
    alone = [names(ids) for one in drawn for ids in lay_out([DocumentReading(one.doc, one.sentences)]).ids]
    again = data.draw(st.sampled_from(drawn))
    layout = lay_out([*drawn, again, DocumentReading(again.doc, again.sentences, [(0, len(again.doc))])])
    assert [names(ids) for ids in layout.ids] == alone


def test_sequences_by_hand():
    """Window of 16: room for 14. The marker stands in front of each sentence; windows are cut between sentences and
    begin with the sentence before where that fits into the overlap of 16 - 10."""
    reading = letters(3, 4, 5, 4, 3)
    layout = lay_out([reading], size=16, stride=10)
    assert [names(ids).replace("[unused1]", "|") for ids in layout.ids] == [
        "[CLS] | a a a | b b b b [SEP]",
        "[CLS] | b b b b | c c c c c [SEP]",
        "[CLS] | c c c c c | d d d d [SEP]",
        "[CLS] | d d d d | e e e [SEP]",
    ]


def test_a_sentence_longer_than_the_window_has_windows_of_its_own_and_a_marker_in_each():
    reading = letters(3, 30, 3)
    layout = lay_out([reading, DocumentReading(reading.doc, reading.sentences, reading.sentences)], 16, 10)
    found = [names(ids).replace("[unused1]", "|") for ids in layout.ids]
    inner = [text for text in found if " b" in text and " a" not in text and " c" not in text]
    assert len(inner) == 3
    assert set(inner) == {"[CLS] | " + "b " * 13 + "[SEP]"}
    of_sentences = taken(layout)[36:]
    stream = numpy.concatenate(layout.ids)
    assert [int((stream[rows] == MARKER).sum()) for rows in of_sentences] == [1, 3, 1]
    assert [len(rows) for rows in of_sentences] == [4, 33, 4]


def test_without_sentences_the_text_is_read_in_plain_windows():
    doc = letters(20).doc
    layout = lay_out([DocumentReading(doc, [])], 16, 10)
    assert [names(ids) for ids in layout.ids] == ["[CLS] " + "a " * 14 + "[SEP]"] * 2
    assert MARKER not in numpy.concatenate(layout.ids)


def test_speakers_stand_behind_the_marker_and_give_no_rows():
    reading = letters(3, 3)
    write_group(reading.doc, TURNS, [reading.doc[0:3], reading.doc[3:6]], speakers=["D", "other"])
    layout = lay_out([reading], speakers={"D": "knee"})
    knee = names(WORDPIECES.of_text("knee:"))
    assert [names(ids) for ids in layout.ids] == [f"[CLS] [unused1] {knee} a a a [unused1] b b b [SEP]"]
    stream = numpy.concatenate(layout.ids)
    assert [names(stream[rows]) for rows in taken(layout)] == [*"aaabbb"]


@pytest.mark.parametrize("place", range(4))
def test_empty_docs_in_every_place_of_a_batch(place: int):
    full = [letters(3, 4), letters(2), letters(40)]
    items: list[ToRead] = [*full]
    items.insert(place, Doc(NLP.vocab))
    items.insert(place, Doc(NLP.vocab, words=[" ", "\n"]))
    layout, expected = lay_out(items), lay_out([*full])
    assert [ids.tolist() for ids in layout.ids] == [ids.tolist() for ids in expected.ids]
    assert [len(rows) for rows in taken(layout)] == [
        n for i, item in enumerate(items) for n in [int(not token.is_space) for token in doc_of(item)]
    ]
    nothing = lay_out([Doc(NLP.vocab)])
    assert (nothing.ids, nothing.lengths, nothing.n_out) == ([], [0], 0)


def test_five_thousand_sentences():
    reading = letters(*[4] * 5000)
    layout = lay_out([reading, DocumentReading(reading.doc, reading.sentences, reading.sentences)], 256, 192)
    rows = taken_fast(layout)
    assert rows[:20000].tolist() == [1] * 20000
    assert rows[20000:].tolist() == [5] * 5000
    read = sum(len(ids) for ids in layout.ids)
    assert read < 25000 * 256 / 180  # of windows of 254, at most 64 and a sentence are read a second time


def taken_fast(layout: Layout) -> numpy.ndarray:
    """For each output row, of how many wordpieces it is the mean."""
    return numpy.bincount(numpy.concatenate(layout.segments), minlength=layout.n_out)


@FIXED
@given(lengths=st.lists(st.integers(1, 30), max_size=40), room=st.integers(1, 40), overlap=st.integers(0, 40))
def test_chunk_windows_partition_and_fit(lengths: list[int], room: int, overlap: int):
    windows = chunk_windows(lengths, room, overlap)
    assert [i for _, _, own, own_end in windows for i in range(own, own_end)] == list(range(len(lengths)))
    for first, last, own, own_end in windows:
        assert first <= own < own_end <= last <= len(lengths)
        assert sum(lengths[first:last]) <= room or (last - first == 1 and lengths[first] > room)
    for (_, end, _, own_end), (first, _, own, _) in zip(windows, windows[1:]):
        assert sum(lengths[first:end]) <= overlap  # what both read
        assert own == own_end
