"""Mixed precision: near the exact path under every sharing rule, float32 to the outside, and without effect where the
hardware has no bfloat16. Here the hardware is said to have it: torch computes it everywhere, if slowly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import TASKS, TEXTS, adam, any_gradient, gold_examples, same, weights, without_dropout
from spacy.language import Language
from spacy.tokens import Doc
from test_sharing_encoder import RULES
from thinc.api import Model, fix_random_seed

from spacy_medmtl.encoder import precision
from spacy_medmtl.encoder.bridge import TorchShim
from spacy_medmtl.encoder.model import build_encoder_model, start_encoder
from spacy_medmtl.encoder.views.requests import ViewRequest
from spacy_medmtl.encoder.weights import local_encoder

TOLERANCE = 2**-5  # four roundings to 8 bits after the other, of rows that LayerNorm keeps near 1
ROUTE = TASKS[-1]


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Says whether the hardware has bfloat16."""

    def say(has: bool) -> None:
        monkeypatch.setattr(precision, "has_bfloat16", lambda device: has)

    return say


def encoders(folder: Path, rule: Any) -> tuple[Model, Model]:
    """The same weights, computed exactly and in mixed precision."""
    settings: dict[str, Any] = {"layers": None, "window": 64, "stride": 48, "batch_pieces": 4096}
    found = []
    for mixed in (False, True):
        fix_random_seed(0)
        model = build_encoder_model(routes=list(TASKS), rule=rule, mixed_precision=mixed, **settings)
        start_encoder(model, *local_encoder(str(folder))())
        found.append(model)
    return found[0], found[1]


def docs(nlp: Language) -> list[Doc]:
    return [nlp.make_doc(text) for text in TEXTS]


def request(nlp: Language) -> ViewRequest:
    return ViewRequest(docs(nlp), ROUTE, "tokens")


def gradients(model: Model) -> dict[str, torch.Tensor]:
    (shim,) = (one for one in model.shims if isinstance(one, TorchShim))
    return {name: one.grad for name, one in shim.module.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("name", RULES)
def test_rows_and_gradients_are_near_the_exact_ones(tiny_encoder: Path, native: Callable, name: str):
    native(True)
    nlp = spacy.blank("en")
    exact, mixed = encoders(tiny_encoder, RULES[name])
    plain, lower = (model.predict(request(nlp)).tensor.numpy() for model in (exact, mixed))
    assert lower.dtype == numpy.float32
    assert not numpy.array_equal(plain, lower), "it was not computed in another precision"
    numpy.testing.assert_allclose(lower, plain, atol=TOLERANCE)
    for model in (exact, mixed):
        without_dropout(model.shims[0].module)  # type: ignore[attr-defined]
        rows, backprop = model.begin_update(request(nlp))
        backprop(any_gradient(rows))
    theirs, ours = gradients(exact), gradients(mixed)
    assert ours.keys() == theirs.keys()
    for key, gradient in ours.items():
        assert gradient.dtype == torch.float32
        apart = torch.linalg.vector_norm(gradient - theirs[key])
        scale = max(float(torch.linalg.vector_norm(one)) for one in theirs.values())
        assert float(apart) <= 0.05 * max(float(torch.linalg.vector_norm(theirs[key])), 0.05 * scale), key


def test_the_unrolled_coefficients_stay_exact(tiny_encoder: Path, native: Callable):
    """Products of W's entries are few, and all rows depend on them."""
    native(True)
    exact, mixed = encoders(tiny_encoder, RULES["progressive"])
    rows = torch.ones(1, 16)
    for model, context in (
        (exact, precision.computing(torch.device("cpu"), False)),
        (mixed, precision.computing(torch.device("cpu"), True)),
    ):
        cluster = model.shims[0].module.encoder.layers[0].cluster  # type: ignore[attr-defined]
        with torch.no_grad():
            cluster.coefficients[-1].copy_(torch.tensor([0.1, 0.2, 0.3]))
            with context:
                alphas = cluster.terms(rows, 3)
        assert all(one.dtype == torch.float32 for _, one in alphas[:-1])
        if model is exact:
            expected = [float(one) for _, one in alphas]
    assert [float(one) for _, one in alphas] == expected


def test_without_bfloat16_nothing_changes(tiny_encoder: Path, native: Callable):
    native(False)
    nlp = spacy.blank("en")
    exact, mixed = encoders(tiny_encoder, RULES["progressive"])
    assert torch.equal(exact.predict(request(nlp)).tensor, mixed.predict(request(nlp)).tensor)


def test_a_saved_pipeline_can_be_loaded_with_and_without(trained_path: Path, native: Callable):
    """The setting is the config's, not the weights'; decisions of a trained pipeline stay."""
    native(True)
    setting = "components.encoder.model.mixed_precision"
    plain, lower = (spacy.load(trained_path, config={setting: value}) for value in (False, True))
    for nlp, value in ((plain, False), (lower, True)):
        assert nlp.config["components"]["encoder"]["model"]["mixed_precision"] is value
    found = [[nlp(text) for text in TEXTS] for nlp in (plain, lower)]
    scores = [[float(one) for doc in docs for one in doc.spans["medmtl_findings"].attrs["scores"]] for docs in found]
    assert scores[0]
    assert scores[0] != scores[1]
    numpy.testing.assert_allclose(*scores, atol=0.05)
    labels = [[(e.start, e.end, e.label_) for doc in docs for e in doc.spans["medmtl_ner"]] for docs in found]
    assert labels[0] == labels[1]


def test_weights_learn_in_float32_and_the_same_twice(trained_path: Path, native: Callable):
    native(True)

    def learn() -> dict[str, numpy.ndarray]:
        fix_random_seed(0)
        nlp = spacy.load(trained_path, config={"components.encoder.model.mixed_precision": True})
        before = weights(nlp.get_pipe("encoder").model)
        optimizer = adam(1e-3)
        losses = [sum(nlp.update(gold_examples(nlp), sgd=optimizer, drop=0.1).values()) for _ in range(3)]
        assert numpy.isfinite(losses).all()
        after = weights(nlp.get_pipe("encoder").model)
        assert not same(before, after)
        assert {array.dtype for array in after.values()} == {numpy.dtype("float32")}
        return {name: array for (_, name), array in after.items()}

    assert same(learn(), learn())


def test_what_this_machine_has_is_a_plain_answer():
    assert precision.has_bfloat16(torch.device("cpu")) in (True, False)
    assert precision.has_bfloat16(torch.device("meta")) is False
