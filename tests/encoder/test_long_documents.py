"""A long Doc is read in parts, in memory that does not grow with it, and gets the bits that it gets whole."""

from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import TASKS, TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.encoder import encoding as encoding_module
from spacy_medmtl.encoder.encoding import Encoding, LongReading
from spacy_medmtl.encoder.model import new_encoding
from spacy_medmtl.encoder.views.layout import Layout
from spacy_medmtl.encoder.views.requests import ViewRequest
from spacy_medmtl.pair_relation.pipe import portions_of
from spacy_medmtl.sru_nested_ner import pipe as sru_pipe

LONG = " ".join([*TEXTS, "fever " * 90 + ".", "   ", *TEXTS]) * 4
WHOLE = 10**6  # wordpieces at once


@pytest.fixture(scope="module", params=["document", "own"])
def nlp(request: pytest.FixtureRequest, document_path: Path, trained_path: Path) -> Language:
    return spacy.load(document_path if request.param == "document" else trained_path)


def sentences_of(nlp: Language, text: str) -> Doc:
    return nlp.get_pipe("sentencizer")(nlp.make_doc(text))


def encoding_of(nlp: Language, budget: int) -> Encoding:
    model = nlp.get_pipe("encoder").model
    model.attrs["batch_pieces"] = budget
    return new_encoding(model, trains=False)


@pytest.mark.parametrize("view", ["document", "tokens", "context"])
@pytest.mark.parametrize("kept", [0, 2**16, 2**28])
def test_rows_have_the_same_bits_in_parts(nlp: Language, view: str, kept: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoding_module, "KEPT_BYTES", kept)
    doc = sentences_of(nlp, LONG)
    whole = encoding_of(nlp, WHOLE)
    in_parts = encoding_of(nlp, 40)
    for route in (TASKS[0], TASKS[3], TASKS[0]):
        for pooling in ("mean", "max"):
            rows = in_parts.read(ViewRequest([doc], route, view, pooling))
            assert isinstance(rows.parts, LongReading)
            assert len(rows.parts.layouts) > 6
            expected = whole.read(ViewRequest([doc], route, view, pooling))
            assert torch.equal(rows.tensor, expected.tensor)
            assert torch.equal(rows.tensor, expected.tensor), "and whenever they are asked for"
    assert sum(encoded.n_bytes for encoded in in_parts._encoded) <= kept
    assert {number for number, _ in in_parts._places.values()} == set(range(len(in_parts._encoded)))


def found(doc: Doc) -> dict[str, Any]:
    return {
        key: ([(span.start, span.end, span.label_) for span in group], group.attrs.get("assertion"))
        for key, group in sorted(doc.spans.items())
    }


@pytest.mark.parametrize("kept", [0, 2**28])
def test_heads_find_the_same_in_parts(nlp: Language, kept: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoding_module, "KEPT_BYTES", kept)
    text = " ".join([*TEXTS, "   ", *TEXTS]) * 4
    model = nlp.get_pipe("encoder").model
    model.attrs["batch_pieces"] = WHOLE
    expected = nlp(text)
    model.attrs["batch_pieces"] = 30
    monkeypatch.setattr("spacy_medmtl.pair_relation.pipe.PORTION", 100)
    doc = nlp(text)
    assert found(doc) == found(expected)
    for key in ("medmtl_intents", "medmtl_relations", "medmtl_findings"):
        assert doc.spans[key].attrs["scores"] == expected.spans[key].attrs["scores"]
    scores = doc.spans["medmtl_ner"].attrs["scores"]
    assert scores == pytest.approx(expected.spans["medmtl_ner"].attrs["scores"], abs=1e-6)
    assert len(doc.spans["medmtl_intents"]) > 60


def test_a_sentence_without_end_is_walked_in_windows(trained_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each entity is found in one of the windows, and once."""
    nlp = spacy.load(trained_path)
    text = "the chest pain and fever and " * 30
    monkeypatch.setattr(sru_pipe, "LONGEST", 24)
    monkeypatch.setattr(sru_pipe, "OVERLAP", 12)
    doc = nlp(text)
    places = [(span.start, span.end, span.label_) for span in doc.spans["medmtl_ner"]]
    assert len(places) == len(set(places))
    assert {start // 24 for start, *_ in places} >= set(range(1, len(doc) // 24 - 1))


def test_a_sentence_without_end_is_walked_in_windows_in_training(trained_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its memory grows with the windows; gold that lies in one is learnt, what lies in none is counted."""
    nlp = spacy.load(trained_path)
    pipe = nlp.get_pipe("sru_nested_ner")
    reference = nlp.make_doc("the chest pain and fever and " * 30)
    entities = [(1, 3), (20, 24), (30, 60), (100, 101), (170, 180)]
    write_group(reference, "medmtl_ner", [Span(reference, start, end, label="SIGN") for start, end in entities])
    example = Example(nlp.make_doc(reference.text), reference)
    assert len(pipe.training_batch([example])[1]) == 1
    assert list(pipe.unusable(example)) == []
    monkeypatch.setattr(sru_pipe, "LONGEST", 24)
    monkeypatch.setattr(sru_pipe, "OVERLAP", 12)
    _, walked = pipe.training_batch([example])
    assert {len(sentence.words) for sentence in walked} == {24}
    assert {int(word) for sentence in walked for word in sentence.words} == set(range(180))
    learnt = {
        (int(sentence.words[start]), int(sentence.words[end - 1]) + 1)
        for sentence in walked
        for start, end, _ in sentence.spans
    }
    assert learnt == {(1, 3), (20, 24), (100, 101), (170, 180)}
    assert list(pipe.unusable(example)) == ["in no window of a sentence of more than 24 words"]
    losses = nlp.update([example], sgd=False)
    assert losses["sru_nested_ner"] > 0.0


@st.composite
def layouts(draw: Any) -> Layout:
    """Sequences of which rows gather any pieces, some rows none."""
    layout = Layout()
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=8))
    for number, size in enumerate(sizes):
        layout.add(numpy.arange(size) + 100 * number, numpy.zeros(size, dtype="int64"))
    rows = draw(st.lists(st.lists(st.integers(0, sum(sizes) - 1), max_size=5), max_size=12))
    for number, taken in enumerate(rows):
        layout.take(numpy.asarray(taken, dtype="int64"), numpy.full(len(taken), number))
    layout.close_item(len(rows))
    return layout


def pieces_of_rows(layout: Layout) -> list[list[int]]:
    flat = numpy.concatenate([numpy.zeros(0, dtype="int64"), *layout.ids])
    gather = numpy.concatenate([numpy.zeros(0, dtype="int64"), *layout.gather])
    segments = numpy.concatenate([numpy.zeros(0, dtype="int64"), *layout.segments])
    return [flat[gather[segments == row]].tolist() for row in range(layout.n_out)]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(layout=layouts(), n_pieces=st.integers(1, 20))
def test_parts_of_a_layout_gather_what_the_whole_does(layout: Layout, n_pieces: int):
    parts = layout.parts(n_pieces)
    assert [row for part in parts for row in pieces_of_rows(part)] == pieces_of_rows(layout)
    for part in parts:
        rows = pieces_of_rows(part)
        assert sum(map(len, rows)) <= n_pieces or sum(map(bool, rows)) == 1
        assert part.lengths == [part.n_out]
        assert part.n_rows == sum(map(len, part.ids))
        if len(parts) > 1:
            assert {piece for ids in part.ids for piece in ids} >= {piece for row in rows for piece in row}


PAIRS = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(
    lambda pair: ((pair[0], pair[0] + 1), (pair[1], pair[1] + 2))
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(pairs=st.lists(st.lists(PAIRS, max_size=8), max_size=4), n_tokens=st.integers(1, 120))
def test_portions_hold_all_pairs_in_their_order(pairs: list[Any], n_tokens: int):
    portions = portions_of(pairs, n_tokens)
    held: list[list[Any]] = [[] for _ in pairs]
    for portion in portions:
        for number, some in portion:
            held[number] += some
        lengths = [max(head[1], tail[1]) - min(head[0], tail[0]) for _, some in portion for head, tail in some]
        assert sum(lengths) <= n_tokens or len(lengths) == 1
    assert held == pairs
