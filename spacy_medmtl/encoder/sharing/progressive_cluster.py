"""The torch side of progressive sharing.

Unrolled, Eq. 4 is ``h_m = sum over i <= m of alpha_mi F_i(x)`` with ``alpha = (I - W)^-1`` and W strictly lower
triangular, so one route is one weighted sum, or one FFN of m times the inner width (``fold``).
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..feed_forward import FeedForward
from ..precision import exact
from .cluster import Cluster, Coefficient, FfnOutputs, Terms, WholeFfns, make_ffns


def starting_point(init: str, route: int, keeps_base: bool = False) -> tuple[float, float]:
    """(W_mi for all i < m, c_m) of route ``m = route + 1`` under an initialisation; see ``progressive_rule``.

    Under ``mean``, ``zero``, ``copy`` and ``preserving``, ``c_m = 1 - sum over i < m of W_mi``.
    """
    m = route + 1
    if init == "mean":
        return 1.0 / m, 1.0 / m
    if init == "zero":
        return (1.0 / (m - 1) if m > 1 else 0.0), (1.0 if m == 1 and not keeps_base else 0.0)
    if init == "copy":
        return 0.0, 1.0
    # with W = 1 the sum over easier routes is m - 1, hence 2 - m
    return 1.0, (2.0 - m if init == "preserving" else 1.0)  # preserving, paper, random


class ProgressiveCluster(Cluster):
    """R FFNs and the coefficients W that chain them.

    ``coefficients[m - 1]`` is row m of W (length m, for routes 0..m-1). Rows are parameters of their own, so a batch
    of an easier route leaves the rows (and optimizer moments) of harder routes untouched.

    coefficients: those of another layer's cluster, to be used here too. Saved weights hold them there only.
    keep_base_ffn: see ``progressive_rule``. Under ``parallel`` the pretrained FFN has coefficient 1 in every route.
    """

    def __init__(
        self,
        ffn: FeedForward,
        n_routes: int,
        *,
        init: str,
        trainable: bool,
        rank: int | None = None,
        coefficients: nn.ParameterList | None = None,
        keep_base_ffn: str = "none",
    ) -> None:
        starts = [starting_point(init, route, keep_base_ffn != "none") for route in range(n_routes)]
        super().__init__(make_ffns(ffn, [scale for _, scale in starts], rank))
        if init == "random":
            assert isinstance(self.ffns, WholeFfns)
            self.ffns.redraw()
        self.base = copy.deepcopy(ffn) if keep_base_ffn == "parallel" else None
        self.coefficients: nn.ParameterList
        if coefficients is not None:
            object.__setattr__(self, "coefficients", coefficients)  # torch would save and count it twice
            return
        self.coefficients = nn.ParameterList()
        for route, (weight, _) in enumerate(starts[1:], 1):
            row = torch.full((route,), weight, device=ffn.dense_out.weight.device)
            self.coefficients.append(nn.Parameter(row, requires_grad=trainable))

    def alphas(self, route: int) -> Tensor:
        """Row ``route`` of (I - W)^-1, shape [route + 1], by forward substitution."""
        rows: list[Tensor] = [self.coefficients[0].new_ones(1)]
        for m in range(1, route + 1):
            # alpha_m = W_m alpha_(0..m-1), then 1 for its own FFN; earlier rows are shorter, as alpha is triangular
            known = torch.stack([nn.functional.pad(row, (0, m - len(row))) for row in rows])  # [m, m]
            rows.append(torch.cat([self.coefficients[m - 1] @ known, rows[0]]))
        return rows[-1]

    def terms(self, x: Tensor, route: int) -> Terms:
        """The FFNs of routes 0..route; harder routes are not computed."""
        if route == 0:
            return [(0, 1.0)]
        with exact(x.device):
            alphas = self.alphas(route)
        return [*((i, alphas[i]) for i in range(route)), (route, 1.0)]  # alpha_mm = 1

    def forward(self, x: Tensor, routes: Sequence[int], known: FfnOutputs | None = None) -> Tensor:
        mixed = super().forward(x, routes, known)
        return mixed if self.base is None else mixed + self.base(x)

    def parts(self, route: int) -> list[tuple[FeedForward, Coefficient]]:
        base: list[tuple[FeedForward, Coefficient]] = [] if self.base is None else [(self.base, 1.0)]
        return [*super().parts(route), *base]


class LastRouteCluster(ProgressiveCluster):
    """A progressive cluster of which every route takes the hardest place."""

    def terms(self, x: Tensor, route: int) -> Terms:
        return super().terms(x, len(self.coefficients))
