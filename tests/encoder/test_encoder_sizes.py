"""Parameter counts of the bert-base-chinese shape, built on the meta device: no weights needed."""

from typing import Any, Iterable, Tuple

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel

from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.sharing.shared import shared_rule

ROUTES = ("ssic", "sprj", "ner", "cpncf")
PLAIN, LIVE, PUBLISHED = 102_267_648, 272_275_200, 328_962_816


def bert_base() -> BertModel:
    with torch.device("meta"):
        return BertModel(BertConfig(vocab_size=21128))


def routed(rule: Any, layers: Any = None) -> RoutedEncoder:
    return RoutedEncoder(bert_base(), routes=ROUTES, layers=layers, rule=rule)


def count(named: Iterable[Tuple[str, nn.Parameter]]) -> int:
    """All but the mixing coefficients, which the paper holds constant (methods/multitask_learning.md, 1.5)."""
    return sum(parameter.numel() for name, parameter in named if ".coefficients." not in name)


def test_plain_and_shared():
    assert count(bert_base().named_parameters()) == PLAIN
    assert count(routed(shared_rule()).named_parameters()) == PLAIN


def test_four_progressive_routes_in_all_twelve_layers():
    assert count(routed(progressive_rule(trainable=False)).named_parameters()) == LIVE


def test_published_count_keeps_the_displaced_ffn_and_its_layer_norm():
    displaced = sum(
        count(part.named_parameters())
        for layer in bert_base().encoder.layer
        for part in (layer.intermediate.dense, layer.output.dense, layer.output.LayerNorm)
    )
    assert count(routed(progressive_rule()).named_parameters()) + displaced == PUBLISHED


def test_six_coefficients_a_layer():
    rows = [p for name, p in routed(progressive_rule()).named_parameters() if ".coefficients." in name]
    assert sum(row.numel() for row in rows) == 12 * 6
    assert all(row.requires_grad for row in rows)
    constant = routed(progressive_rule(trainable=False)).named_parameters()
    assert not any(row.requires_grad for name, row in constant if ".coefficients." in name)


@pytest.mark.parametrize("layers", [[11], [0, 5], []])
def test_each_routed_layer_adds_three_ffns(layers: Any):
    ffn = 768 * 3072 + 3072 + 3072 * 768 + 768
    assert count(routed(progressive_rule(), layers).named_parameters()) == PLAIN + len(layers) * 3 * ffn
