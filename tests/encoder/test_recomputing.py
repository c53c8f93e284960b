"""Readings that are too large to keep all that they compute: the same step, from what little is kept."""

from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import any_gradient, gold_examples, pending, shims
from spacy.language import Language
from thinc.api import fix_random_seed

from spacy_medmtl.encoder import encoding
from spacy_medmtl.encoder.encoding import Encoding
from spacy_medmtl.encoder.model import new_encoding
from spacy_medmtl.encoder.views.requests import ViewRequest

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
        numpy.testing.assert_allclose(kept[key], recomputed[key], rtol=1e-5, atol=1e-7)


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
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor, kept: dict[int, int] = kept) -> torch.Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        reading: Encoding = new_encoding(model, trains=True)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            rows = reading.read(ViewRequest([doc], "cpncf_assertion", "tokens", "mean"))
        weights = {parameter.untyped_storage().data_ptr() for parameter in reading.module.parameters()}
        bytes_kept.append(sum(n_bytes for place, n_bytes in kept.items() if place not in weights))
        reading.add_gradient(rows, any_gradient(rows), 0)
        reading.backpropagate()
    assert bytes_kept[1] < bytes_kept[0] / 5
