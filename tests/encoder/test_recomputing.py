"""Readings that are too large to keep all that they compute: the same step, from what little is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import any_gradient, gold_examples, pending, shims, without_dropout
from spacy.language import Language
from thinc.api import fix_random_seed

from spacy_medmtl.encoder import encoding
from spacy_medmtl.encoder import pooling as pooling_module
from spacy_medmtl.encoder.encoding import Encoding
from spacy_medmtl.encoder.model import new_encoding
from spacy_medmtl.encoder.pooling import pool
from spacy_medmtl.encoder.views.layout import Layout
from spacy_medmtl.encoder.views.requests import Reading, Unit, ViewRequest

TEXT = "the chest pain is left . no fever . mother has cough and fever . denies any pain . " * 6
BUDGET = 64  # wordpieces: TEXT has several packs


def gradients(nlp: Language) -> dict[Any, numpy.ndarray]:
    return {
        (name, key): parameter.grad.numpy().copy()
        for name, pipe in nlp.pipeline
        for shim in (shims(pipe.model) if hasattr(pipe, "model") else [])
        for key, parameter in shim.module.named_parameters()
        if parameter.grad is not None
    }


@pytest.mark.parametrize("path", ["document_path", "trained_path"])
def test_a_step_is_the_same_dropout_included(
    path: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    """In one view for all heads, and in a view for each."""
    nlp = spacy.load(request.getfixturevalue(path))
    nlp.get_pipe("encoder").model.attrs["batch_pieces"] = BUDGET
    steps = []
    for held in (1000, 0):
        monkeypatch.setattr(encoding, "HELD", held)
        calls = spy(monkeypatch)
        fix_random_seed(3)
        losses = nlp.update(gold_examples(nlp, texts=[TEXT]), sgd=False, drop=0.1)
        steps.append((losses, gradients(nlp)))
        assert bool(calls) == (held == 0)
        for _, pipe in nlp.pipeline:
            for shim in shims(pipe.model) if hasattr(pipe, "model") else []:
                shim.module.zero_grad()
                assert not shim.module.training
    (losses, kept), (losses_again, recomputed) = steps
    assert losses == losses_again
    assert kept.keys() == recomputed.keys()
    assert not pending(nlp)
    for key in kept:
        numpy.testing.assert_allclose(kept[key], recomputed[key], rtol=1e-5, atol=1e-6)


def spy(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each part that is to be computed again."""
    calls: list[int] = []
    function = encoding.recomputed
    monkeypatch.setattr(encoding, "recomputed", lambda *args: calls.append(1) or function(*args))
    return calls


def test_little_is_kept(document_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Bytes that a reading leaves for its backward pass."""
    nlp = spacy.load(document_path)
    model = nlp.get_pipe("encoder").model
    model.attrs["batch_pieces"] = BUDGET
    doc = nlp.get_pipe("sentencizer")(nlp.make_doc(TEXT))
    bytes_kept = []
    for held in (1000, 0):
        monkeypatch.setattr(encoding, "HELD", held)
        reading: Encoding = new_encoding(model, trains=True)
        with noting_what_is_kept() as kept:
            rows = reading.read(ViewRequest([doc], "cpncf_assertion", "tokens", "mean"))
        weights = {parameter.untyped_storage().data_ptr() for parameter in reading.module.parameters()}
        bytes_kept.append(sum(n_bytes for place, n_bytes in kept.items() if place not in weights))
        reading.add_gradient(rows, any_gradient(rows), 0)
        reading.backpropagate()
    assert bytes_kept[1] < bytes_kept[0] / 5


@contextmanager
def noting_what_is_kept() -> Iterator[dict[int, int]]:
    """The bytes of all that is kept for a backward pass, by where they are."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield kept


def test_of_pairs_of_entities_what_is_kept_does_not_grow_with_their_sentence(
    document_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A sentence is read for each pair in it: only what is to be read and the row of each pair stay."""
    nlp = spacy.load(document_path)
    model = nlp.get_pipe("encoder").model
    model.attrs["batch_pieces"] = BUDGET
    doc = nlp.make_doc("fever and " * 25)
    pairs = [((i, i + 1), (j, j + 1)) for i in range(0, 20, 2) for j in range(i + 2, 20, 2)]
    bytes_kept, rows, gradients_of = [], [], []
    for held, n_tokens in ((10**6, 50), (0, 50), (0, 25)):
        monkeypatch.setattr(encoding, "HELD", held)
        units = [Unit(0, head[0], tail[1], n_tokens) for head, tail in pairs]
        reading: Encoding = new_encoding(model, trains=True)
        without_dropout(reading.module)  # its masks are drawn in another order
        with noting_what_is_kept() as kept:
            rows.append(reading.read(ViewRequest([Reading(doc, units, pairs)], "pair_relation", "marked_pair", "mean")))
        weights = {parameter.untyped_storage().data_ptr() for parameter in reading.module.parameters()}
        bytes_kept.append(sum(n_bytes for place, n_bytes in kept.items() if place not in weights))
        reading.add_gradient(rows[-1], any_gradient(rows[-1]), 0)
        reading.backpropagate()
        gradients_of.append([p.grad.clone() for p in reading.module.parameters() if p.grad is not None])
        reading.module.zero_grad()
    assert torch.allclose(rows[0].tensor, rows[1].tensor, atol=1e-5)
    for one, other in zip(gradients_of[0], gradients_of[1], strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
    assert bytes_kept[1] < bytes_kept[0] / 10
    # ids, types and padding of 25 more wordpieces a pair, no row of any
    assert bytes_kept[1] - bytes_kept[2] < len(pairs) * 64 * 24


@pytest.mark.parametrize("pooling", ["mean", "max", "first"])
def test_rows_that_gather_many_pieces_are_pooled_in_parts(pooling: str, monkeypatch: pytest.MonkeyPatch):
    """What lies between entities, pair by pair, overlaps: the same rows and gradients, with little kept."""
    n, width = 40, 8
    layout = Layout()
    layout.add(numpy.arange(n), numpy.zeros(n, dtype="int64"))
    places = [(i, j) for i in range(n) for j in range(i, n)]  # some are empty
    for number, (start, end) in enumerate(places):
        layout.take(numpy.arange(start, end), numpy.full(end - start, number))
    layout.close_item(len(places))
    outputs, bytes_kept = [], []
    for at_once in (10**6, 100):
        monkeypatch.setattr(pooling_module, "AT_ONCE", at_once)
        rows = torch.randn(n, width, generator=torch.Generator().manual_seed(1)).requires_grad_()
        with noting_what_is_kept() as kept:
            output = pool(rows, numpy.arange(n), layout, pooling)
        bytes_kept.append(sum(kept.values()))
        output.backward(torch.randn(output.shape, generator=torch.Generator().manual_seed(2)))
        outputs.append((output.detach(), rows.grad))
    assert torch.equal(outputs[0][0], outputs[1][0])
    assert torch.allclose(outputs[0][1], outputs[1][1], rtol=1e-4, atol=1e-5)
    assert bytes_kept[1] < bytes_kept[0] / 2
