"""Our dropout and the attention that has it, against what defines them and against torch's own."""

import pytest
import torch
from torch import nn

from spacy_medmtl.encoder.dropout import Dropout, attention, dropout, keep_mask


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_said_and_the_rest_makes_up_for_them(p):
    torch.manual_seed(0)
    mask = keep_mask(torch.empty(400, 501), p)
    n_dropped = int((mask == 0).sum())
    deviation = (mask.numel() * p * (1 - p)) ** 0.5
    assert abs(n_dropped - mask.numel() * p) < 4 * deviation
    assert mask.unique().tolist() == pytest.approx([0.0, 1 / (1 - p)], rel=1e-3)


def test_every_bit_of_the_generator_counts():
    """Each of the four numbers of a word, and each quarter of the range of 16 bits, is drawn as often."""
    torch.manual_seed(0)
    for p in (0.25, 0.5, 0.75):
        kept = (keep_mask(torch.empty(40_000, 4), p) > 0).double().mean(0)
        assert torch.allclose(kept, torch.full_like(kept, 1 - p), atol=0.01)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 7), (2, 3, 11), (0, 4)])
def test_any_shape_and_type(shape, dtype):
    rows = torch.ones(shape, dtype=dtype)
    dropped = dropout(rows, 0.5)
    assert (dropped.shape, dropped.dtype) == (rows.shape, dtype)
    assert set(dropped.flatten().tolist()) <= {0.0, 2.0}


def test_the_gradient_is_that_of_a_product_with_the_mask():
    rows = torch.randn(20, 30, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(1)
    mask = keep_mask(rows, 0.3)
    torch.manual_seed(1)
    (gradient,) = torch.autograd.grad(dropout(rows, 0.3).sum(), rows)
    assert torch.equal(gradient, mask)


def test_same_seed_same_mask_and_none_in_prediction():
    rows, layer = torch.randn(9, 5), Dropout(0.4)
    torch.manual_seed(3)
    first = layer(rows)
    torch.manual_seed(3)
    assert torch.equal(layer(rows), first)
    assert not torch.equal(layer(rows), first)
    assert layer.eval()(rows) is rows
    assert dropout(rows, 0.0) is rows


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("has_bias", [False, True])
def test_attention_with_dropout_is_its_formula_under_the_same_mask(has_bias):
    """Rows and gradients, against torch's softmax of the plain product."""
    query, key, value = (drawn(2, 3, 7, 4) for _ in range(3))
    bias = torch.zeros(2, 1, 1, 7, dtype=torch.float64)
    bias[:, :, :, 5:] = -1e9
    bias = bias if has_bias else None
    logits = query @ key.transpose(-2, -1) / 4**0.5
    weights = torch.softmax(logits if bias is None else logits + bias, -1)
    torch.manual_seed(5)
    expected = (weights * keep_mask(weights, 0.2)) @ value
    torch.manual_seed(5)
    mixed = attention(query, key, value, bias, 0.2)
    assert torch.allclose(mixed, expected, rtol=0, atol=1e-12)
    sought = torch.randn_like(mixed)
    ours = torch.autograd.grad(mixed, (query, key, value), sought)
    theirs = torch.autograd.grad(expected, (query, key, value), sought)
    assert all(torch.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(ours, theirs))


def test_attention_almost_without_dropout_is_torchs():
    """The formula written out, with a probability that rounds to none, against torch's kernel."""
    query, key, value = (drawn(2, 3, 9, 4) for _ in range(3))
    own = attention(query, key, value, None, 1e-9)
    assert torch.allclose(own, nn.functional.scaled_dot_product_attention(query, key, value), rtol=0, atol=1e-12)
