"""The whole encoder with progressive routes: function-preserving starts; training leaves harder routes alone."""

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from encoder_helpers import TASKS, TEXTS, adam, any_gradient, encoded, moments, weights
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model
from torch import Tensor

from spacy_medmtl.encoder.model import build_encoder_model, start_encoder
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.views.requests import Reading, Unit, ViewRequest
from spacy_medmtl.encoder.weights import local_encoder

Inputs = tuple[Tensor, Tensor, Tensor]


def plain(folder: Path) -> Any:
    return local_encoder(str(folder))()[0].eval()


def routed(folder: Path, layers: Any = None, **rule: Any) -> RoutedEncoder:
    model = plain(folder)
    settings: dict[str, Any] = {"routes": TASKS, "layers": layers, "rule": progressive_rule(**rule)}
    return RoutedEncoder(model.config.to_dict(), pretrained=model, **settings).eval()


def padded_inputs() -> Inputs:
    ids = torch.randint(6, 60, (3, 12))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    mask[2, 3:] = 0
    types = torch.zeros_like(ids)
    types[:, 5:] = 1
    return ids * mask, types * mask, mask


def start(folder: Path, **rule: Any) -> Model:
    model = build_encoder_model(
        routes=TASKS, layers=None, rule=progressive_rule(**rule), window=64, stride=48, batch_pieces=4096
    )
    start_encoder(model, *local_encoder(str(folder))())
    return model


def train_step(model: Model, route: str, optimizer: Any) -> None:
    docs = [Doc(Vocab(), words=text.split()) for text in TEXTS]
    rows, backprop = model(ViewRequest(docs, route, "tokens"), True)
    backprop(any_gradient(rows))
    model.finish_update(optimizer)


@pytest.mark.parametrize("layers", [None, [1]])
@pytest.mark.parametrize("init", ["mean", "zero", "copy", "paper"])
def test_every_route_starts_as_the_pretrained_encoder(tiny_encoder: Path, init: str, layers: Any):
    """True of ``mean``, ``zero`` and ``copy``; of ``paper`` for the first route only."""
    ids, types, mask = padded_inputs()
    encoder = routed(tiny_encoder, layers, init=init)
    with torch.no_grad():
        expected = plain(tiny_encoder)(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        for m, route in enumerate(TASKS):
            difference = (encoded(encoder, (ids, types, mask), [route])[0] - expected)[mask.bool()].abs().max()
            if init == "paper" and m > 0:
                assert difference > 1e-3
            else:
                assert difference < 2e-6


def test_only_routes_up_to_the_active_one_run_in_every_layer(tiny_encoder: Path):
    encoder = routed(tiny_encoder)
    ran: list[tuple[int, int]] = []
    for number, layer in enumerate(encoder.layers):
        for i, part in enumerate(layer.cluster.ffns):
            part.register_forward_hook(lambda *_, at=(number, i): ran.append(at))
    for m, route in enumerate(TASKS):
        ran.clear()
        encoded(encoder, padded_inputs(), [route])
        assert ran == [(number, i) for number in range(2) for i in range(m + 1)]
    ran.clear()
    encoded(encoder, padded_inputs(), TASKS)  # together: each FFN once, on the rows of all who use it
    assert ran == [(number, i) for number in range(2) for i in range(4)]


def belongs_to(name: str) -> int:
    """The route that a parameter is of; -1 for what all routes use."""
    parts = name.split(".")
    if "ffns" in parts:
        return int(parts[parts.index("ffns") + 1])
    return int(parts[parts.index("coefficients") + 1]) + 1 if "coefficients" in parts else -1


@pytest.mark.parametrize("m", range(4))
def test_a_step_leaves_harder_routes_and_their_moments_bit_identical(tiny_encoder: Path, m: int):
    """Weight decay on, and every route has Adam moments from earlier steps, which would go on moving it."""
    model, optimizer = start(tiny_encoder), adam()
    for route in TASKS:
        train_step(model, route, optimizer)
    before, moments_before = weights(model), moments(model, optimizer)
    assert len(moments_before) == 2 * len(before)
    train_step(model, TASKS[m], optimizer)
    after, moments_after = weights(model), moments(model, optimizer)

    def moved(old: dict, new: dict, key: Any) -> bool:
        return bool(old[key].tobytes() != new[key].tobytes())

    for key in before:
        assert moved(before, after, key) == (belongs_to(key[1]) <= m), key
    for key in moments_before:
        assert moved(moments_before, moments_after, key) == (belongs_to(key[2]) <= m), key


def test_coefficients_have_their_own_learning_rate_and_no_weight_decay(tiny_encoder: Path):
    model = start(tiny_encoder, coefficient_lr_scale=50.0)
    seen: dict[str, tuple[float, float]] = {}

    class Recorder:
        L2 = 0.01

        def __call__(self, key: Any, parameter: Any, gradient: Any, lr_scale: float) -> tuple[Any, Any]:
            seen[key[1]] = (lr_scale, self.L2)
            return parameter, gradient

    recorder = Recorder()
    train_step(model, TASKS[3], recorder)
    scales = {name: value for name, value in seen.items() if ".coefficients." in name}
    assert len(scales) == 6
    assert set(scales.values()) == {(50.0, 0.0)}
    for name, (lr_scale, decay) in seen.items():
        if ".coefficients." not in name:
            assert lr_scale == 1.0, name
            is_matrix = name.endswith("weight") and "norm." not in name
            assert decay == (0.01 if is_matrix else 0.0), name
    assert recorder.L2 == 0.01  # given back as it was


def test_weight_decay_does_not_pull_on_coefficients(tiny_encoder: Path):
    """The same step with and without decay moves W by the same, and a matrix by more."""
    results = []
    for l2 in (0.0, 0.5):
        torch.manual_seed(3)
        model, optimizer = start(tiny_encoder), adam()
        optimizer.L2 = l2
        train_step(model, TASKS[3], optimizer)
        results.append({name: value for (_, name), value in weights(model).items()})
    name = "encoder.layers.0.cluster.coefficients.2"
    assert results[0][name].tobytes() == results[1][name].tobytes()
    matrix = "encoder.layers.0.cluster.ffns.0.dense_in.weight"
    assert not numpy.array_equal(results[0][matrix], results[1][matrix])


def test_context_gets_no_gradient_from_a_loss_over_the_target(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch):
    """Eq. 7: the loss is over X - C. Of the last hidden states, only those of the target's pieces get a gradient."""
    model = start(tiny_encoder)
    kept: list[Tensor] = []
    original = RoutedEncoder.branches

    def branches(self: RoutedEncoder, *args: Any) -> Tensor:
        kept.append(original(self, *args))
        kept[0].retain_grad()
        return kept[0]

    monkeypatch.setattr(RoutedEncoder, "branches", branches)
    doc = Doc(Vocab(), words="hello thanks . the left knee is fine . no fever .".split())  # a piece for each word
    reading = Reading(doc, [Unit(0, 3, 9, 12)], marked=True)
    rows, backprop = model(ViewRequest([reading], TASKS[3], "context"), True)
    assert rows.lengths == [12]  # of which those outside the target are no output of the encoder
    backprop(torch.ones_like(rows.tensor))
    touched = kept[0].grad[0].abs().sum(1) > 0  # [CLS] 3 words [C] 6 words [C] 3 words [SEP]
    assert touched.nonzero().flatten().tolist() == list(range(5, 11))
