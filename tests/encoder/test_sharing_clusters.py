"""The clusters of all sharing rules in float64: formulas written out, gradients, folding, what runs."""

import copy
from typing import Any

import pytest
import torch
from encoder_helpers import SKILLS_TABLE
from torch import Tensor, nn

from spacy_medmtl.encoder.feed_forward import FeedForward
from spacy_medmtl.encoder.sharing.cluster import LowRankFfns
from spacy_medmtl.encoder.sharing.mmoe import mmoe_rule
from spacy_medmtl.encoder.sharing.n_ffn import n_ffn_rule
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.sharing.progressive_cluster import ProgressiveCluster
from spacy_medmtl.encoder.sharing.rule import parameter_group
from spacy_medmtl.encoder.sharing.separate import separate_rule
from spacy_medmtl.encoder.sharing.shared import shared_rule
from spacy_medmtl.encoder.sharing.skills import skills_rule
from spacy_medmtl.errors import MedmtlError

WIDTH, INNER, ROUTES = 3, 5, tuple(SKILLS_TABLE)
EXACT = {"rtol": 0.0, "atol": 1e-12}
RULES: dict[str, Any] = {
    "shared": shared_rule(),
    "progressive": progressive_rule(),
    "progressive rank": progressive_rule(rank=2),
    "progressive parallel": progressive_rule(keep_base_ffn="parallel"),
    "mmoe": mmoe_rule(experts=3),
    "mmoe rank": mmoe_rule(experts=3, rank=2),
    "skills": skills_rule(SKILLS_TABLE),
    "skills rank": skills_rule(SKILLS_TABLE, rank=2),
    "separate": separate_rule(),
    "separate rank": separate_rule(rank=2),
    "n_ffn": n_ffn_rule(n_ffn=3),
}


@pytest.fixture
def ffn() -> FeedForward:
    return FeedForward(nn.Linear(WIDTH, INNER), nn.GELU(), nn.Linear(INNER, WIDTH)).double()


def build(rule: Any, ffn: FeedForward, *, trained: bool = True) -> Any:
    """The cluster of one layer; ``trained``: with weights of its own everywhere, as after training."""
    made = rule.clusters([ffn], ROUTES)[0].double()
    with torch.no_grad():
        for parameter in made.parameters() if trained else ():
            parameter.normal_()
    return made


def rows(*shape: int) -> Tensor:
    return torch.randn(*(shape or (4,)), WIDTH, dtype=torch.float64)


def along(cluster: Any, x: Tensor, m: int) -> Tensor:
    """The mixed outputs of one route alone."""
    return cluster(x[None], [m])[0]


def wide(ffns: Any, x: Tensor, coefficients: Tensor) -> Tensor:
    """Section 7.1 of the methods: all FFNs as one matrix, coefficients [rows, FFNs] on blocks of inner units."""
    inner = torch.cat([part.dense_in.weight for part in ffns])
    bias = torch.cat([part.dense_in.bias for part in ffns])
    outer = torch.cat([part.dense_out.weight for part in ffns], dim=1)
    hidden = nn.functional.gelu(x @ inner.T + bias) * coefficients.repeat_interleave(INNER, dim=1)
    return hidden @ outer.T + coefficients @ torch.stack([part.dense_out.bias for part in ffns])


@pytest.mark.parametrize("m", range(4))
def test_mmoe_as_written_out(ffn: FeedForward, m: int):
    cluster, x = build(mmoe_rule(experts=3), ffn), rows()
    gate = torch.softmax(x @ cluster.gates[m].weight.T, dim=1)
    torch.testing.assert_close(along(cluster, x, m), wide(cluster.ffns, x, gate), **EXACT)
    torch.testing.assert_close(along(cluster, x.view(2, 2, WIDTH), m).view(4, WIDTH), along(cluster, x, m), **EXACT)


@pytest.mark.parametrize("m", range(4))
def test_skills_as_written_out(ffn: FeedForward, m: int):
    """Table 1 of the progressive paper: s1 s4 s7, s1 s3 s6 s7, s2 s7, s2 s3 s5 s7."""
    cluster, x = build(skills_rule(SKILLS_TABLE), ffn), rows()
    marks = ["1..1..1", "1.1..11", ".1....1", ".11.1.1"][m]
    coefficients = torch.tensor([[float(mark == "1") for mark in marks]], dtype=torch.float64)
    coefficients = coefficients / coefficients.sum()
    assert len(cluster.ffns) == 7
    torch.testing.assert_close(along(cluster, x, m), wide(cluster.ffns, x, coefficients.expand(4, 7)), **EXACT)


@pytest.mark.parametrize("m", range(4))
def test_separate_is_progressive_without_coefficients(ffn: FeedForward, m: int):
    cluster, x = build(separate_rule(), ffn), rows()
    chained: Any = ProgressiveCluster(ffn, 4, init="copy", trainable=True).double()  # W = 0
    chained.ffns.load_state_dict(cluster.ffns.state_dict())
    torch.testing.assert_close(along(cluster, x, m), cluster.ffns[m](x), **EXACT)
    torch.testing.assert_close(along(chained, x, m), along(cluster, x, m), **EXACT)


def test_n_ffn_is_the_hardest_route_for_all(ffn: FeedForward):
    cluster, x = build(n_ffn_rule(n_ffn=3), ffn), rows()
    chained: Any = ProgressiveCluster(ffn, 3, init="mean", trainable=True).double()
    chained.load_state_dict(cluster.state_dict())
    for m in range(4):
        torch.testing.assert_close(along(cluster, x, m), along(chained, x, 2), **EXACT)
    assert len(build(n_ffn_rule(n_ffn=1), ffn).ffns) == 1


@pytest.mark.parametrize("name", RULES)
def test_gradients_of_rows_and_all_parameters_against_finite_differences(ffn: FeedForward, name: str):
    cluster = build(RULES[name], ffn)
    names = [key for key, _ in cluster.named_parameters()]
    values = [parameter.detach().clone().requires_grad_() for parameter in cluster.parameters()]
    for m in (0, 3):

        def call(x: Tensor, *parameters: Tensor, m: int = m) -> Tensor:
            return torch.func.functional_call(cluster, dict(zip(names, parameters)), (x[None], [m]))[0]

        assert torch.autograd.gradcheck(call, (rows(2).requires_grad_(), *values))


def test_gradient_of_coefficients_as_derived(ffn: FeedForward):
    """dL/dW = strict_lower(alpha^T G alpha^T), where G[m, i] = <dY of route m, F_i(x)>."""
    cluster = build(progressive_rule(), ffn)
    x, d_y = rows(), rows()
    for m in range(4):
        (along(cluster, x, m) * d_y).sum().backward()
    alpha, g = torch.zeros(4, 4).double(), torch.zeros(4, 4).double()
    for m in range(4):
        alpha[m, : m + 1] = cluster.alphas(m).detach()
        g[m, : m + 1] = torch.stack([(cluster.ffns[i](x) * d_y).sum() for i in range(m + 1)]).detach()
    expected = (alpha.T @ g @ alpha.T).tril(-1)
    for m in range(1, 4):
        torch.testing.assert_close(cluster.coefficients[m - 1].grad, expected[m, :m], **EXACT)


@pytest.mark.parametrize("name", [name for name in RULES if "mmoe" not in name])
def test_fold_is_the_same_as_one_wide_ffn(ffn: FeedForward, name: str):
    cluster, x = build(RULES[name], ffn), rows(2, 3)
    widths = []
    for m in range(4):
        folded = cluster.fold(m)
        torch.testing.assert_close(folded(x), along(cluster, x, m), **EXACT)
        widths.append(folded.dense_in.out_features // INNER)
    rule = name.split()[0]
    n_ffns = {"shared": [1] * 4, "separate": [1] * 4, "skills": [3, 4, 2, 4], "n_ffn": [3] * 4}.get(rule, [1, 2, 3, 4])
    assert widths == [n + ("parallel" in name) for n in n_ffns]


def test_a_gate_cannot_be_folded(ffn: FeedForward):
    with pytest.raises(MedmtlError, match="E022.*mmoe"):
        build(mmoe_rule(), ffn).fold(0)


@pytest.mark.parametrize("rule", [separate_rule(rank=2), progressive_rule(rank=2)], ids=["separate", "progressive"])
def test_low_rank_ffns_written_out(ffn: FeedForward, rule: Any):
    """A_r = A + U_r V_r, B_r = s_r B + P_r Q_r, by whole matrices of their own."""
    cluster, x = build(rule, ffn), rows()
    ffns = cluster.ffns
    assert isinstance(ffns, LowRankFfns)
    for number, delta in enumerate(ffns.deltas):
        scale = ffns.scales[number]
        a = ffns.base.dense_in.weight + delta.up_in.weight @ delta.down_in.weight
        b = scale * ffns.base.dense_out.weight + delta.up_out.weight @ delta.down_out.weight
        hidden = nn.functional.gelu(x @ a.T + ffns.base.dense_in.bias)
        torch.testing.assert_close(ffns.whole(number)(x), hidden @ b.T + scale * ffns.base.dense_out.bias, **EXACT)
    for m in range(4):
        terms = cluster.terms(x, m)
        expected = sum(coefficient * ffns.whole(number)(x) for number, coefficient in terms)
        torch.testing.assert_close(along(cluster, x, m), expected, **EXACT)


def test_low_rank_applies_the_common_layers_once(ffn: FeedForward):
    cluster, calls = build(progressive_rule(rank=2), ffn), []
    cluster.ffns.base.dense_in.register_forward_hook(lambda *_: calls.append("in"))
    along(cluster, rows(), 3)
    assert calls == ["in"]


STARTS = [name for name in RULES if name not in ("mmoe", "mmoe rank", "progressive parallel")]


@pytest.mark.parametrize("name", STARTS)
def test_every_route_starts_as_the_pretrained_ffn(ffn: FeedForward, name: str):
    cluster, x = build(RULES[name], ffn, trained=False), rows()
    for m in range(4):
        torch.testing.assert_close(along(cluster, x, m), ffn(x), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("init", ["mean", "zero", "copy", "preserving"])
@pytest.mark.parametrize("settings", [{}, {"rank": 2}, {"keep_base_ffn": "parallel"}], ids=str)
def test_what_progressive_starts_compute(ffn: FeedForward, init: str, settings: dict[str, Any]):
    """The pretrained FFN; twice that where it runs in parallel too, unless the cluster starts at zero."""
    cluster, x = build(progressive_rule(init=init, **settings), ffn, trained=False), rows()
    factor = 2.0 if "keep_base_ffn" in settings and init != "zero" else 1.0
    for m in range(4):
        torch.testing.assert_close(along(cluster, x, m), factor * ffn(x), rtol=0.0, atol=1e-6)


def test_random_start_is_near_no_ffn_at_all(ffn: FeedForward):
    cluster, x = build(progressive_rule(init="random"), ffn, trained=False), rows()
    for m in range(4):
        assert bool(along(cluster, x, m).abs().max() < 0.05 * ffn(x).abs().max())
        assert all(bool(p.std() > 0.005) for p in cluster.ffns[m].parameters() if p.ndim == 2)


@pytest.mark.parametrize("rank", [None, 2])
def test_experts_start_near_the_pretrained_ffn_and_differ(ffn: FeedForward, rank: Any):
    torch.manual_seed(0)
    big = FeedForward(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32)).double()
    cluster = mmoe_rule(noise=0.05, rank=rank).clusters([big], ROUTES)[0].double()
    x = torch.randn(50, 32, dtype=torch.float64)
    for expert in range(4):
        own = cluster.ffns.whole(expert)
        for dense, pretrained in ((own.dense_in, big.dense_in), (own.dense_out, big.dense_out)):
            noise = ((dense.weight - pretrained.weight).std() / pretrained.weight.std()).item()
            assert noise == pytest.approx(0.05, rel=0.3)
    difference = (along(cluster, x, 0) - big(x)).norm() / big(x).norm()
    assert 0.005 < difference.item() < 0.15


@pytest.mark.parametrize("rank", [None, 2])
def test_why_experts_are_perturbed(ffn: FeedForward, rank: Any):
    """Gates of equal experts get no gradient; those of perturbed ones do."""
    for perturbed in (True, False):
        cluster, x = build(mmoe_rule(noise=0.1, rank=rank), ffn, trained=False), rows(20)
        if not perturbed and rank is None:
            for part in cluster.ffns:
                part.load_state_dict(ffn.state_dict())
        elif not perturbed:
            for parameter in cluster.ffns.deltas.parameters():
                nn.init.zeros_(parameter)
        (along(cluster, x, 1) ** 2).sum().backward()
        gradient = float(cluster.gates[1].weight.grad.abs().max())
        assert gradient > 1e-4 if perturbed else gradient < 1e-12
        assert cluster.gates[0].weight.grad is None


def touched(cluster: Any, m: int) -> list[str]:
    """Names of parameters that get a gradient from route m."""
    cluster.zero_grad(set_to_none=True)
    along(cluster, rows(), m).sum().backward()
    return [name for name, parameter in cluster.named_parameters() if parameter.grad is not None]


def numbers(names: list[str], part: str) -> list[int]:
    return sorted({int(name.split(f"{part}.")[1].split(".")[0]) for name in names if f"{part}." in name})


@pytest.mark.parametrize("rank", [None, 2])
def test_only_what_a_route_uses_gets_a_gradient(ffn: FeedForward, rank: Any):
    part = "ffns" if rank is None else "deltas"
    skills = [[0, 3, 6], [0, 2, 5, 6], [1, 6], [1, 2, 4, 6]]
    for m in range(4):
        progressive = touched(build(progressive_rule(rank=rank), ffn), m)
        assert numbers(progressive, part) == list(range(m + 1))
        assert numbers(progressive, "coefficients") == list(range(m))
        assert numbers(touched(build(separate_rule(rank=rank), ffn), m), part) == [m]
        assert numbers(touched(build(skills_rule(SKILLS_TABLE, rank=rank), ffn), m), part) == skills[m]
        mixed = touched(build(mmoe_rule(rank=rank), ffn), m)
        assert (numbers(mixed, part), numbers(mixed, "gates")) == ([0, 1, 2, 3], [m])


def test_one_w_for_all_layers(ffn: FeedForward):
    """Its gradient is the sum over layers; it counts and is saved once, and a copy has one of its own."""
    rule = progressive_rule(share_W_over_layers=True)
    layers: Any = nn.ModuleList(rule.clusters([ffn, ffn, ffn], ROUTES)).double()
    apart: Any = nn.ModuleList(progressive_rule().clusters([ffn, ffn, ffn], ROUTES)).double()
    assert [name for name in layers.state_dict() if "coefficients" in name] == [f"0.coefficients.{i}" for i in range(3)]
    x = rows()
    for stack in (layers, apart):
        sum((along(cluster, x, 3) ** 2).sum() for cluster in stack).backward()
    for i in range(3):
        total = sum(cluster.coefficients[i].grad for cluster in apart)
        torch.testing.assert_close(layers[0].coefficients[i].grad, total, **EXACT)
    twin = copy.deepcopy(layers)
    with torch.no_grad():
        twin[0].coefficients[0].fill_(7.0)
    assert twin[2].alphas(1)[0].item() == 7.0
    assert layers[2].alphas(1)[0].item() == 0.5


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (mmoe_rule, {"experts": 0}, "E020.*'experts' of 'mmoe_rule' is 0.*from 1 on"),
    (mmoe_rule, {"experts": 2.5}, "E020.*'experts'"),
    (mmoe_rule, {"noise": 0.0}, "E020.*'noise'"),
    (mmoe_rule, {"noise": float("nan")}, "E020.*'noise'"),
    (mmoe_rule, {"gate_lr_scale": -1.0}, "E020.*'gate_lr_scale'"),
    (mmoe_rule, {"rank": 0}, "E020.*'rank'"),
    (skills_rule, {"table": SKILLS_TABLE, "rank": -3}, "E020.*'rank' of 'skills_rule'"),
    (separate_rule, {"rank": True}, "E020.*'rank' of 'separate_rule'"),
    (n_ffn_rule, {"n_ffn": 0}, "E020.*'n_ffn'"),
    (n_ffn_rule, {"init": "twice"}, "E012"),
    (n_ffn_rule, {"coefficient_lr_scale": -1.0}, "E020"),
    (progressive_rule, {"rank": 0}, "E020.*'rank'"),
    (progressive_rule, {"rank": 4, "init": "random"}, "E020.*'rank'.*null"),
    (progressive_rule, {"keep_base_ffn": "sideways"}, "E020.*'sideways'.*none, parallel, serial"),
    (progressive_rule, {"coefficient_lr_scale": float("inf")}, "E020"),
]


@pytest.mark.parametrize(
    ("rule", "settings", "match"), BAD, ids=lambda value: getattr(value, "__name__", str(value))[:30]
)
def test_settings_out_of_range_are_refused(rule: Any, settings: dict[str, Any], match: str):
    with pytest.raises(MedmtlError, match=match):
        rule(**settings)


@pytest.mark.parametrize("table", [{}, {"sentence_intent": []}, {"sentence_intnt": ["s1"]}])
def test_a_skill_table_that_lacks_a_route(table: dict[str, list[str]]):
    with pytest.raises(MedmtlError, match="E021.*'sentence_intent' no skills"):
        skills_rule(table).key("sentence_intent")


def test_skills_that_no_route_needs_are_left_out(ffn: FeedForward):
    rule = skills_rule(SKILLS_TABLE)
    assert len(rule.clusters([ffn], ["sru_nested_ner"])[0].ffns) == 2
    assert rule.key("sentence_intent") == "s1 s4 s7"


def test_parameters_tell_what_they_belong_to(ffn: FeedForward):
    def groups(rule: Any) -> dict[str, str]:
        names = [name for name, _ in build(rule, ffn).named_parameters()]
        return {name: parameter_group(f"encoder.layers.0.cluster.{name}") for name in names}

    assert set(groups(shared_rule()).values()) == {"encoder"}
    found = groups(progressive_rule(keep_base_ffn="parallel"))
    assert {found["ffns.2.dense_in.weight"], found["coefficients.1"]} == {"routes", "W"}
    assert found["base.dense_in.weight"] == "encoder"
    assert groups(mmoe_rule())["gates.0.weight"] == "gates"
    low_rank = groups(separate_rule(rank=2))
    assert (low_rank["ffns.base.dense_out.bias"], low_rank["ffns.deltas.1.up_in.weight"]) == ("encoder", "routes")
    assert parameter_group("encoder.model.encoder.layer.0.attention.self.query.weight") == "encoder"
