"""Parameter counts of the bert-base-chinese shape, built on the meta device: no weights needed."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import torch
from encoder_helpers import SKILLS_TABLE
from torch import nn
from transformers import BertConfig, BertModel

from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.mmoe import mmoe_rule
from spacy_medmtl.encoder.sharing.n_ffn import n_ffn_rule
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.sharing.separate import separate_rule
from spacy_medmtl.encoder.sharing.shared import shared_rule
from spacy_medmtl.encoder.sharing.skills import skills_rule

ROUTES = ("ssic", "sprj", "ner", "cpncf")
POOLER = 768 * 768 + 768  # which the published counts have, and RoutedEncoder has not
PLAIN, LIVE, PUBLISHED = (n - POOLER for n in (102_267_648, 272_275_200, 328_962_816))
FFN = 768 * 3072 + 3072 + 3072 * 768 + 768
PAPER_TABLE = dict(zip(ROUTES, SKILLS_TABLE.values()))


CONFIG = BertConfig(vocab_size=21128)


def routed(rule: Any, layers: Any = None, routes: Sequence[str] = ROUTES) -> RoutedEncoder:
    with torch.device("meta"):
        return RoutedEncoder(CONFIG.to_dict(), routes=routes, layers=layers, rule=rule)


def count(named: Iterable[tuple[str, nn.Parameter]]) -> int:
    """All but the mixing coefficients, which the paper holds constant (methods/multitask_learning.md, 1.5), and the
    pooler, which we leave out: it is not used."""
    skipped = (".coefficients.", "pooler.")
    return sum(parameter.numel() for name, parameter in named if not any(part in name for part in skipped))


def test_plain_and_shared():
    with torch.device("meta"):
        plain = BertModel(CONFIG)
    assert sum(parameter.numel() for parameter in plain.parameters()) == PLAIN + POOLER
    assert count(plain.named_parameters()) == PLAIN
    assert count(routed(shared_rule()).named_parameters()) == PLAIN


def test_four_progressive_routes_in_all_twelve_layers():
    assert count(routed(progressive_rule(trainable=False)).named_parameters()) == LIVE


def test_published_count_keeps_the_pretrained_ffn_and_has_two_layer_norms():
    """Which is ``serial``; ``parallel`` has one LayerNorm, that is 12 * 2 * 768 fewer."""
    assert count(routed(progressive_rule(keep_base_ffn="serial")).named_parameters()) == PUBLISHED
    assert count(routed(progressive_rule(keep_base_ffn="parallel")).named_parameters()) == PUBLISHED - 12 * 2 * 768


def test_six_coefficients_a_layer():
    rows = [p for name, p in routed(progressive_rule()).named_parameters() if ".coefficients." in name]
    assert sum(row.numel() for row in rows) == 12 * 6
    assert all(row.requires_grad for row in rows)
    constant = routed(progressive_rule(trainable=False)).named_parameters()
    assert not any(row.requires_grad for name, row in constant if ".coefficients." in name)


@pytest.mark.parametrize("layers", [[11], [0, 5], []])
def test_each_routed_layer_adds_three_ffns(layers: Any):
    assert count(routed(progressive_rule(), layers).named_parameters()) == PLAIN + len(layers) * 3 * FFN


def test_seven_skills():
    assert count(routed(skills_rule(PAPER_TABLE)).named_parameters()) == PLAIN + 12 * 6 * FFN == 442_282_752 - POOLER


def test_separate_routes():
    assert count(routed(separate_rule()).named_parameters()) == PLAIN + 12 * 3 * FFN == LIVE


@pytest.mark.parametrize("experts", [1, 4, 8])
def test_experts_and_a_gate_for_each_task(experts: int):
    expected = PLAIN + 12 * ((experts - 1) * FFN + 4 * experts * 768)
    assert count(routed(mmoe_rule(experts=experts)).named_parameters()) == expected


@pytest.mark.parametrize("n_ffn", [1, 2, 3, 4])
def test_parameter_control(n_ffn: int):
    """With as many FFNs as progressive sharing has routes, as many parameters."""
    encoder = routed(n_ffn_rule(n_ffn=n_ffn), routes=["cpncf"])
    assert count(encoder.named_parameters()) == PLAIN + 12 * (n_ffn - 1) * FFN
    rows = [p for name, p in encoder.named_parameters() if ".coefficients." in name]
    assert sum(row.numel() for row in rows) == 12 * n_ffn * (n_ffn - 1) // 2


@pytest.mark.parametrize("rank", [1, 16, 64])
def test_low_rank_routes_keep_one_ffn(rank: int):
    delta = 2 * rank * (768 + 3072)
    for rule, n_deltas in ((progressive_rule(rank=rank), 4), (separate_rule(rank=rank), 4)):
        assert count(routed(rule).named_parameters()) == PLAIN + 12 * n_deltas * delta
    assert count(routed(skills_rule(PAPER_TABLE, rank=rank)).named_parameters()) == PLAIN + 12 * 7 * delta
    mixed = count(routed(mmoe_rule(experts=2, rank=rank)).named_parameters())
    assert mixed == PLAIN + 12 * (2 * delta + 4 * 2 * 768)


def test_one_w_for_all_layers_is_six_coefficients():
    encoder = routed(progressive_rule(share_W_over_layers=True))
    assert sum(p.numel() for name, p in encoder.named_parameters() if ".coefficients." in name) == 6
    assert count(encoder.named_parameters()) == LIVE
