"""One progressive cluster in float64: recursion, unrolled sum, one wide FFN; gradients; what a start computes."""

from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from spacy_medmtl.encoder.feed_forward import FeedForward
from spacy_medmtl.encoder.sharing.progressive import INITS, progressive_rule
from spacy_medmtl.encoder.sharing.progressive_cluster import ProgressiveCluster
from spacy_medmtl.errors import MedmtlError

WIDTH, INNER, N_ROUTES = 5, 7, 4
EXACT = {"rtol": 0.0, "atol": 1e-12}


@pytest.fixture
def ffn() -> FeedForward:
    return FeedForward(nn.Linear(WIDTH, INNER), nn.GELU(), nn.Linear(INNER, WIDTH)).double()


@pytest.fixture
def cluster(ffn: FeedForward) -> ProgressiveCluster:
    """Routes with FFNs and coefficients of their own, as after training."""
    made = ProgressiveCluster(ffn, N_ROUTES, init="mean", trainable=True).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def along(cluster: Any, x: Tensor, m: int) -> Tensor:
    """The mixed outputs of one route alone."""
    return cluster(x[None], [m])[0]


def recursion(cluster: ProgressiveCluster, x: Tensor, m: int) -> Tensor:
    """Eq. 4 as printed: h_m = F_m(x) + sum over i < m of W_mi h_i."""
    h: list[Tensor] = []
    for k in range(m + 1):
        h.append(cluster.ffns[k](x) + sum(cluster.coefficients[k - 1][i] * h[i] for i in range(k)))
    return h[m]


def inverse(cluster: ProgressiveCluster) -> Tensor:
    """(I - W)^-1 by a general solver."""
    w = torch.zeros(N_ROUTES, N_ROUTES, dtype=torch.float64)
    for m in range(1, N_ROUTES):
        w[m, :m] = cluster.coefficients[m - 1]
    return torch.linalg.inv(torch.eye(N_ROUTES, dtype=torch.float64) - w)


@pytest.mark.parametrize("m", range(N_ROUTES))
def test_recursion_equals_unrolled_equals_one_wide_ffn(cluster: ProgressiveCluster, m: int):
    x = torch.randn(3, 6, WIDTH, dtype=torch.float64)
    expected = recursion(cluster, x, m)
    unrolled = sum(inverse(cluster)[m, i] * cluster.ffns[i](x) for i in range(m + 1))
    wide = cluster.fold(m)
    torch.testing.assert_close(unrolled, expected, **EXACT)
    torch.testing.assert_close(along(cluster, x, m), expected, **EXACT)
    torch.testing.assert_close(wide(x), expected, **EXACT)
    torch.testing.assert_close(cluster.alphas(m), inverse(cluster)[m, : m + 1], **EXACT)
    assert wide.dense_in.out_features == (m + 1) * INNER


def test_routes_differ(cluster: ProgressiveCluster):
    x = torch.randn(4, WIDTH, dtype=torch.float64)
    outputs = [along(cluster, x, m) for m in range(N_ROUTES)]
    assert all(not torch.allclose(a, b) for i, a in enumerate(outputs) for b in outputs[:i])


@pytest.mark.parametrize("m", range(N_ROUTES))
def test_gradients_of_coefficients_against_finite_differences(cluster: ProgressiveCluster, m: int):
    x = torch.randn(4, WIDTH, dtype=torch.float64)
    direction = torch.randn(4, WIDTH, dtype=torch.float64)

    def value() -> float:
        with torch.no_grad():
            return float((along(cluster, x, m) * direction).sum())

    (along(cluster, x, m) * direction).sum().backward()
    step = 1e-6
    for k, row in enumerate(cluster.coefficients):
        if k >= m:
            assert row.grad is None  # a harder route took no part
            continue
        for i in range(len(row)):
            kept = float(row.data[i])
            row.data[i] = kept + step
            above = value()
            row.data[i] = kept - step
            below = value()
            row.data[i] = kept
            assert float(row.grad[i]) == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-7)


def test_gradients_of_inputs_and_ffns(cluster: ProgressiveCluster):
    x = torch.randn(2, WIDTH, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda rows: along(cluster, rows, N_ROUTES - 1), (x,))
    along(cluster, x, 2).sum().backward()
    touched = [all(p.grad is not None for p in part.parameters()) for part in cluster.ffns]
    assert touched == [True, True, True, False]


@pytest.mark.parametrize("m", range(N_ROUTES))
def test_only_ffns_up_to_the_route_run(cluster: ProgressiveCluster, m: int):
    ran: list[int] = []
    for i, part in enumerate(cluster.ffns):
        part.register_forward_hook(lambda *_, i=i: ran.append(i))
    along(cluster, torch.randn(2, WIDTH, dtype=torch.float64), m)
    assert ran == list(range(m + 1))


@pytest.mark.parametrize("init", [init for init in INITS if init != "random"])
def test_what_each_initialisation_computes(ffn: FeedForward, init: str):
    """Every route is the pretrained FFN; under ``paper``, 1, 2, 4, 8 times it."""
    made = ProgressiveCluster(ffn, N_ROUTES, init=init, trainable=True).double()
    x = torch.randn(6, WIDTH, dtype=torch.float64)
    factors = [1.0, 2.0, 4.0, 8.0] if init == "paper" else [1.0] * N_ROUTES
    for m, factor in enumerate(factors):
        torch.testing.assert_close(along(made, x, m), factor * ffn(x), rtol=1e-6, atol=1e-6)


def test_starting_coefficients_as_documented(ffn: FeedForward):
    def of(init: str) -> list[list[float]]:
        made = ProgressiveCluster(ffn, 3, init=init, trainable=True)
        return [[round(float(w), 6) for w in row.tolist()] for row in made.coefficients]

    expected: dict[str, list[list[float]]] = {
        "mean": [[0.5], [0.333333, 0.333333]],
        "zero": [[1.0], [0.5, 0.5]],
        "copy": [[0.0], [0.0, 0.0]],
        "paper": [[1.0], [1.0, 1.0]],
        "preserving": [[1.0], [1.0, 1.0]],
        "random": [[1.0], [1.0, 1.0]],
    }
    assert {init: of(init) for init in INITS} == expected


def test_constant_coefficients_take_no_gradient(ffn: FeedForward):
    made = progressive_rule(trainable=False).clusters([ffn.float()], ["a", "b", "c"])[0]
    along(made, torch.randn(2, WIDTH), 2).sum().backward()
    assert [row.grad for row in made.coefficients] == [None, None]
    assert made.ffns[0].dense_in.weight.grad is not None


def test_unknown_initialisation_is_refused():
    with pytest.raises(MedmtlError, match="E012.*'twice'.*mean, zero, copy, paper, preserving, random"):
        progressive_rule(init="twice")


def test_routes_start_as_copies_that_share_no_memory(ffn: FeedForward):
    made = ProgressiveCluster(ffn, 2, init="copy", trainable=True)
    with torch.no_grad():
        made.ffns[1].dense_in.weight.zero_()
    assert numpy.abs(made.ffns[0].dense_in.weight.detach().numpy()).sum() > 0
    assert float(ffn.dense_in.weight.detach().abs().sum()) > 0
