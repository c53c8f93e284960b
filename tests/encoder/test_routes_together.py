"""All routes together give what each gives alone, and one pass for all who read gives what passes of their own give:
rows, gradients of all parameters. Under every sharing rule."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from encoder_helpers import TASKS, TEXTS, encoded, one_group, without_dropout
from spacy.tokens import Doc
from test_sharing_encoder import RULES, start
from torch import Tensor

from spacy_medmtl.encoder.encoding import Encoding
from spacy_medmtl.encoder.module import EncoderModule
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.requests import ToRead, ViewRequest

NLP = spacy.blank("en")


def trained_like(folder: Path, name: str, dtype: torch.dtype) -> EncoderModule:
    """With weights of their own everywhere, as after training: at first many routes are equal."""
    module: EncoderModule = torch_shim(start(folder, RULES[name])).module
    without_dropout(module)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return module.to(dtype)


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(6, 60, (3, 12), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    return ids * mask, torch.zeros_like(ids), mask


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-5)], ids=str)
@pytest.mark.parametrize("name", RULES)
def test_routes_together_give_what_each_gives_alone(tiny_encoder: Path, name: str, dtype: Any, tolerance: float):
    encoder = trained_like(tiny_encoder, name, dtype).encoder
    ids, types, mask = inputs()
    with torch.no_grad():
        alone = [encoded(encoder, (ids, types, mask), [route])[0] for route in TASKS]
        for order in (TASKS, TASKS[::-1], TASKS[1:3]):
            together = encoded(encoder, (ids, types, mask), order)
            for route, rows in zip(order, together, strict=True):
                torch.testing.assert_close(rows, alone[TASKS.index(route)], rtol=0.0, atol=tolerance)
        groups = one_group(mask)
        trunk, known = encoder.trunk(ids.flatten(), types.flatten(), groups), {}
        for route, rows in zip(TASKS, alone):  # one after the other, each with the FFNs that others have computed
            branch = encoder.branches(trunk, groups, [route], known)[0].unflatten(0, ids.shape)
            torch.testing.assert_close(branch, rows, rtol=0.0, atol=tolerance)
    assert together.dtype == dtype
    differ = (alone[0] - alone[3]).abs().max() > 1e-3
    assert differ == (name not in ("shared", "n_ffn"))


Requests = Sequence[tuple[str, str, Sequence[ToRead]]]


def gradients(module: EncoderModule, name: str, requests: Requests, *, apart: bool) -> tuple[list[Tensor], dict]:
    """Rows of all requests, and gradients of all parameters for a loss over them: of one Encoding, or of one each."""
    for parameter in module.parameters():
        parameter.grad = None
    encodings = [Encoding(module, RULES[name].key, 60, trains=True) for _ in (requests if apart else [0])]
    found = []
    for i, (route, view, items) in enumerate(requests):
        encoding = encodings[i % len(encodings)]
        rows = encoding.read(ViewRequest(items, route, view))
        draw = torch.Generator().manual_seed(i)
        encoding.add_gradient(rows, torch.randn(rows.tensor.shape, generator=draw, dtype=torch.float64), task=i)
        found.append(rows.tensor.detach())
    for encoding in encodings:
        encoding.backpropagate()
        assert not encoding.pending
    return found, {key: one.grad for key, one in module.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("name", RULES)
def test_one_pass_has_the_gradients_of_separate_passes(tiny_encoder: Path, name: str):
    """Several heads of different routes over the same Docs, some of which others read too, in two views; a Doc that
    nobody else reads; one whose rows nobody's loss reaches."""
    module = trained_like(tiny_encoder, name, torch.float64)
    docs: list[ToRead] = [Doc(NLP.vocab, words=text.split()) for text in (*TEXTS, "fever " * 80)]
    requests: Requests = [
        (TASKS[3], "document", docs),
        (TASKS[0], "document", docs[:2]),
        (TASKS[1], "tokens", docs[1:4]),
        (TASKS[2], "document", docs[3:1:-1]),
        (TASKS[1], "document", docs[2:]),
        (TASKS[0], "document", docs[:1]),
    ]
    rows, joint = gradients(module, name, requests, apart=False)
    expected_rows, expected = gradients(module, name, requests, apart=True)
    for one, other in zip(rows, expected_rows, strict=True):
        torch.testing.assert_close(one, other, rtol=0.0, atol=1e-9)
    assert joint.keys() == expected.keys()
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    assert largest > 1.0
    for key, gradient in expected.items():
        torch.testing.assert_close(joint[key], gradient, rtol=1e-9, atol=1e-6, msg=key)


@pytest.mark.parametrize("m", range(4))
def test_of_routes_computed_along_only_those_with_a_gradient_move(tiny_encoder: Path, m: int):
    """Rows of other routes that nobody's loss reaches leave no gradient, not even of zeros."""
    module = trained_like(tiny_encoder, "progressive", torch.float32)
    docs = [Doc(NLP.vocab, words=text.split()) for text in TEXTS]
    encoding = Encoding(module, str, 60, trains=True)
    rows = {route: encoding.read(ViewRequest(docs, route, "document")) for route in TASKS}
    encoding.add_gradient(rows[TASKS[m]], torch.ones_like(rows[TASKS[m]].tensor), task=0)
    encoding.backpropagate()
    moved = {
        int(key.split(".ffns.")[1][0]) for key, p in module.named_parameters() if ".ffns." in key and p.grad is not None
    }
    assert moved == set(range(m + 1))
