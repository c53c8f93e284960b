"""The rows that listeners get: pooling, batches of pieces, gradients of context, what listeners may ask for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import TASKS, TEXTS, arrays, shims, without_dropout
from spacy.tokens import Doc
from thinc.api import Model

from spacy_medmtl.encoder.model import build_encoder_model, start_encoder
from spacy_medmtl.encoder.module import EncoderModule
from spacy_medmtl.encoder.packing import padded_length
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.views.requests import Reading, ToRead, Unit, ViewRequest, units_with_context
from spacy_medmtl.encoder.weights import local_encoder
from spacy_medmtl.errors import MedmtlError

NLP = spacy.blank("en")
ROUTE = TASKS[2]


def encoder(folder: Path, batch_pieces: int = 4096, window: int = 64) -> Model:
    model = build_encoder_model(
        routes=TASKS, layers=None, rule=progressive_rule(), window=window, stride=window - 16, batch_pieces=batch_pieces
    )
    start_encoder(model, *local_encoder(str(folder))())
    return model


def rows_of(model: Model, items: Sequence[ToRead], view: str, pooling: str = "mean") -> list[numpy.ndarray]:
    return arrays(model.predict(ViewRequest(items, ROUTE, view, pooling)))


def module_of(model: Model) -> EncoderModule:
    return shims(model)[0].module  # type: ignore[return-value]


@pytest.mark.parametrize("pooling", ["mean", "max", "first"])
def test_rows_are_pooled_wordpieces(tiny_encoder: Path, pooling: str):
    """Against the plain Hugging Face model, token by token."""
    doc = NLP("no xyz fever   chest123 .")
    plain = local_encoder(str(tiny_encoder))()[0].eval()
    model = encoder(tiny_encoder)
    pieces = module_of(model).settings.wordpieces.of_doc(doc)
    template = module_of(model).settings.wordpieces.single
    ids = torch.tensor([[*template.before, *pieces.ids.tolist(), *template.after]])
    with torch.no_grad():
        hidden = plain(input_ids=ids).last_hidden_state[0, 1:-1].numpy()
    reduce = {"mean": lambda part: part.mean(0), "max": lambda part: part.max(0), "first": lambda part: part[0]}[
        pooling
    ]
    rows = rows_of(model, [doc], "tokens", pooling)[0]
    assert rows.shape == (len(doc), 32)
    for token, row, start, end in zip(doc, rows, pieces.starts, pieces.starts[1:]):
        expected = numpy.zeros(32) if token.is_space else reduce(hidden[start:end])
        numpy.testing.assert_allclose(row, expected, atol=2e-6)
    assert any(numpy.diff(pieces.starts) > 1)
    assert any(token.is_space for token in doc)


def test_a_sentence_row_is_its_first_piece(tiny_encoder: Path):
    doc = NLP(TEXTS[0])
    plain = local_encoder(str(tiny_encoder))()[0].eval()
    model = encoder(tiny_encoder)
    tool = module_of(model).settings.wordpieces
    ids = [*tool.single.before, *tool.of_doc(doc[6:9].as_doc()).ids.tolist(), *tool.single.after]
    with torch.no_grad():
        expected = plain(input_ids=torch.tensor([ids])).last_hidden_state[0, 0].numpy()
    rows = rows_of(model, [Reading(doc, [Unit(0, 0, 6, 6), Unit(6, 6, 9, 9)])], "sentence")[0]
    numpy.testing.assert_allclose(rows[1], expected, atol=2e-6)


def test_a_long_sentence_is_the_mean_of_its_windows(tiny_encoder: Path):
    """Of the first pieces of windows, each of which the model reads alone."""
    model = encoder(tiny_encoder, window=32)
    doc = Doc(NLP.vocab, words=(TEXTS[1].split() * 8)[:70])
    windows = [(0, 30), (16, 46), (32, 62), (40, 70)]
    parts = [Reading(doc, [Unit(start, start, end, end)]) for start, end in windows]
    alone = numpy.vstack(rows_of(model, parts, "sentence"))
    whole = rows_of(model, [Reading(doc, [Unit(0, 0, 70, 70)])], "sentence")[0]
    numpy.testing.assert_allclose(whole[0], alone.mean(0), atol=2e-6)


@pytest.mark.parametrize("view", ["tokens", "context", "document"])
@pytest.mark.parametrize("batch_pieces", [1, 40, 4096])
def test_rows_do_not_depend_on_how_many_are_encoded_at_once(tiny_encoder: Path, view: str, batch_pieces: int):
    docs = [NLP(text) for text in (*TEXTS, "", " ", "fever " * 100, "no")]
    together = rows_of(encoder(tiny_encoder, batch_pieces), docs, view)
    alone = [rows_of(encoder(tiny_encoder), [doc], view)[0] for doc in docs]
    assert [len(rows) for rows in together] == [len(doc) for doc in docs]
    for one, two in zip(together, alone):
        numpy.testing.assert_array_equal(one, two)


def test_context_gives_no_rows_and_its_pieces_no_gradient(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch):
    """The loss of one unit reaches the encoder's output only on that unit's own pieces, in its own sequence."""
    doc = Doc(NLP.vocab, words=TEXTS[3].split())
    bounds = [(0, 6), (6, 11), (11, 13)]
    model = encoder(tiny_encoder)
    kept: list[torch.Tensor] = []
    original = RoutedEncoder.branches

    def keep(self: RoutedEncoder, *args: Any) -> torch.Tensor:
        output = original(self, *args)
        output.retain_grad()
        kept.append(output)
        return output

    monkeypatch.setattr(RoutedEncoder, "branches", keep)
    reading = Reading(doc, units_with_context(bounds, 2), marked=True)
    rows, backprop = model(ViewRequest([reading], ROUTE, "context"), True)
    assert (rows.tensor.shape, rows.lengths) == ((13, 32), [13])
    gradient = torch.zeros_like(rows.tensor)
    gradient[6:11] = 1.0
    backprop(gradient)
    (output,) = kept  # all three sequences in one pack, one route: [1, n_rows, 32]
    padded = padded_length(1 + 13 + 2 + 1, 512)
    touched = output.grad[0, : 3 * padded].abs().sum(-1).unflatten(0, (3, padded)) > 0
    # [CLS] 6 of the first sentence [C] 5 of the second [C] 2 of the third [SEP]
    assert touched.sum().item() == 5
    assert [row.nonzero().flatten().tolist() for row in touched if row.any()] == [list(range(8, 13))]


def test_unread_tokens_have_zero_rows(tiny_encoder: Path):
    doc = NLP(TEXTS[0])
    rows = rows_of(encoder(tiny_encoder), [Reading(doc, [Unit(0, 6, 9, 9)], marked=True)], "context")[0]
    assert not rows[:6].any()
    assert rows[6:].any(axis=1).all()


def test_shuffled_docs_get_the_same_gradients_each(tiny_encoder: Path):
    """Rows and gradients go with their Doc, whatever its place in the batch."""
    docs = [NLP(text) for text in TEXTS]
    random = numpy.random.RandomState(0)
    d_rows = {id(doc): random.normal(size=(len(doc), 32)).astype("float32") for doc in docs}
    results = []
    for order in (docs, docs[::-1]):
        model = encoder(tiny_encoder)
        without_dropout(module_of(model))
        _, backprop = model(ViewRequest(order, ROUTE, "tokens"), True)
        backprop(torch.from_numpy(numpy.vstack([d_rows[id(doc)] for doc in order])))
        results.append({n: p.grad.numpy() for n, p in module_of(model).named_parameters() if p.grad is not None})
    assert results[0].keys() == results[1].keys()
    for name, gradient in results[0].items():
        numpy.testing.assert_allclose(gradient, results[1][name], rtol=1e-3, atol=2e-5)


def test_unknown_routes_and_poolings(tiny_encoder: Path):
    doc = NLP(TEXTS[0])
    with pytest.raises(MedmtlError, match="E001.*'triage'.*sentence_intent"):
        encoder(tiny_encoder).predict(ViewRequest([doc], "triage", "tokens"))
    with pytest.raises(MedmtlError, match="E015.*'sum'.*mean, max, first"):
        encoder(tiny_encoder).predict(ViewRequest([doc], ROUTE, "tokens", "sum"))
