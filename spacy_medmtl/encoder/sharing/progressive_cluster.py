"""The torch side of progressive sharing.

Unrolled, Eq. 4 is ``h_m = sum over i <= m of alpha_mi F_i(x)`` with ``alpha = (I - W)^-1`` and W strictly lower
triangular, so one route is one weighted sum, or one FFN of m times the inner width (``fold``).
"""

import copy
from typing import List, Tuple, cast

import torch
from torch import Tensor, nn

from ..routed import FeedForward


def starting_point(init: str, route: int) -> Tuple[float, float]:
    """(W_mi for all i < m, c_m) of route ``m = route + 1`` under an initialisation; see ``progressive_rule``."""
    m = route + 1
    if init == "mean":
        return 1.0 / m, 1.0 / m
    if init == "zero":
        return (1.0 / (m - 1), 0.0) if m > 1 else (0.0, 1.0)
    return (0.0, 1.0) if init == "copy" else (1.0, 1.0)


class ProgressiveCluster(nn.Module):
    """R FFNs and the coefficients W that chain them.

    ``coefficients[m - 1]`` is row m of W (length m, for routes 0..m-1). Rows are parameters of their own, so a batch
    of an easier route leaves the rows (and optimizer moments) of harder routes untouched.
    """

    def __init__(self, ffn: FeedForward, n_routes: int, *, init: str, trainable: bool) -> None:
        super().__init__()
        self.ffns = nn.ModuleList()
        self.coefficients = nn.ParameterList()
        for route in range(n_routes):
            weight, scale = starting_point(init, route)
            twin = copy.deepcopy(ffn)
            with torch.no_grad():
                twin.dense_out.weight.mul_(scale)
                twin.dense_out.bias.mul_(scale)
            self.ffns.append(twin)
            if route:
                row = torch.full((route,), weight, device=ffn.dense_out.weight.device)
                self.coefficients.append(nn.Parameter(row, requires_grad=trainable))

    def _ffns(self, route: int) -> List[FeedForward]:
        """The FFNs that a route mixes: its own, the last, and those of the easier routes."""
        return [cast(FeedForward, self.ffns[i]) for i in range(route + 1)]

    def alphas(self, route: int) -> Tensor:
        """Row ``route`` of (I - W)^-1, shape [route + 1], by forward substitution."""
        rows: List[Tensor] = [self._ffns(0)[0].dense_out.bias.new_ones(1)]
        for m in range(1, route + 1):
            known = torch.stack([nn.functional.pad(row, (0, m - len(row))) for row in rows])  # [m, m]
            rows.append(torch.cat([self.coefficients[m - 1] @ known, rows[0]]))
        return rows[-1]

    def forward(self, x: Tensor, route: int) -> Tensor:
        """Mixed output of routes 0..route for rows ``x`` [..., width]; harder routes are not computed."""
        if route == 0:
            return self.ffns[0](x)
        alphas = self.alphas(route)
        mixed = alphas[0] * self.ffns[0](x)
        for i in range(1, route):
            mixed = mixed + alphas[i] * self.ffns[i](x)
        return mixed + self.ffns[route](x)  # alpha_mm = 1

    @torch.no_grad()
    def fold(self, route: int) -> FeedForward:
        """The same route as one FFN of ``(route + 1)`` times the inner width, alphas folded into its output layer."""
        parts = self._ffns(route)
        alphas = self.alphas(route)
        wide = FeedForward(
            nn.Linear(parts[0].dense_in.in_features, sum(part.dense_in.out_features for part in parts)),
            parts[0].activation,
            nn.Linear(sum(part.dense_out.in_features for part in parts), parts[0].dense_out.out_features),
        ).to(alphas)
        wide.dense_in.weight.copy_(torch.cat([part.dense_in.weight for part in parts]))
        wide.dense_in.bias.copy_(torch.cat([part.dense_in.bias for part in parts]))
        wide.dense_out.weight.copy_(torch.cat([a * part.dense_out.weight for a, part in zip(alphas, parts)], dim=1))
        wide.dense_out.bias.copy_(sum((a * part.dense_out.bias for a, part in zip(alphas, parts)), alphas.new_zeros(1)))
        return wide
