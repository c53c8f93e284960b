"""The kernel of all sharing rules: ``h = sum over r of c_r F_r(x)``, FFNs F_r by the coefficients c that a rule gives.

FFNs are apart, not one wide matrix: what a route does not use gets no gradient and stays bit-identical. ``fold`` makes
the wide one. On a CPU that is at best a tenth faster (docs/sharing.md) and a second copy of the weights, so prediction
uses the sum.
"""

import copy
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..feed_forward import FeedForward

INIT_STD = 0.02  # BERT's own for new layers
Coefficient = float | Tensor  # a number for all rows, or one for each [..., 1]
Terms = list[tuple[int, Coefficient]]  # FFNs by number, each with its coefficient
FfnOutputs = dict[int, Tensor]  # of some rows, by number of the FFN


def scaled(coefficient: Coefficient, x: Tensor) -> Tensor:
    """The product; ``x`` itself where there is nothing to multiply."""
    return x if isinstance(coefficient, float) and coefficient == 1.0 else coefficient * x


class WholeFfns(nn.ModuleList):
    """Copies of a pretrained FFN that share nothing. scales: factor on the output layer of each."""

    def __init__(self, ffn: FeedForward, scales: Sequence[float]) -> None:
        super().__init__()
        for scale in scales:
            twin = copy.deepcopy(ffn)
            with torch.no_grad():
                twin.dense_out.weight.mul_(scale)
                twin.dense_out.bias.mul_(scale)
            self.append(twin)

    def mix(self, x: Tensor, terms: Sequence[Terms], known: FfnOutputs | None = None) -> Tensor:
        """For each of ``terms`` the weighted sum of its FFNs; others are not computed. Each FFN runs once, on the rows
        of all who use it.

        x: [1, ..., width], the same rows for all terms, or [len(terms), ..., width]. known: outputs of FFNs for the
        same rows ``x``, to be used and added to; only where all read the same. Returns [len(terms), ..., width].
        """
        coefficients = [dict(term) for term in terms]
        mixed: list[Any] = [None] * len(terms)
        for number in sorted({number for term in coefficients for number in term}):
            users = [k for k, term in enumerate(coefficients) if number in term]
            if len(x) > 1:  # routes read rows of their own: only those of the users
                output = self[number](_rows_of(x, users))
            else:
                # all read the same rows, so an FFN runs once for them, and for later calls with these rows
                known = {} if known is None else known
                if number not in known:
                    known[number] = self[number](x)
                output = known[number]
            for place, k in enumerate(users):
                part = scaled(coefficients[k][number], output[place if len(x) > 1 else 0])
                mixed[k] = part if mixed[k] is None else mixed[k] + part
        return torch.stack(mixed)

    def whole(self, number: int) -> FeedForward:
        """One of the FFNs."""
        return cast(FeedForward, self[number])

    @torch.no_grad()
    def perturb(self, noise: float) -> None:
        """Add normal noise to each weight matrix, of ``noise`` times its standard deviation."""
        for dense in self._layers():
            dense.weight.add_(torch.randn_like(dense.weight) * dense.weight.std() * noise)

    @torch.no_grad()
    def redraw(self) -> None:
        """Forget the pretrained weights: N(0, 0.02), biases 0."""
        for dense in self._layers():
            dense.weight.normal_(std=INIT_STD)
            dense.bias.zero_()

    def _layers(self) -> list[nn.Linear]:
        return [dense for i in range(len(self)) for dense in (self.whole(i).dense_in, self.whole(i).dense_out)]


def _rows_of(x: Tensor, users: list[int]) -> Tensor:
    """Those of the stacked rows; no copy where they stand side by side, as routes above an easier one do."""
    if users == list(range(users[0], users[-1] + 1)):
        return x[users[0] : users[-1] + 1]
    return x[users]


class Delta(nn.Module):
    """The low-rank part of one FFN: ``up(down(x))`` for its inner and for its output layer. Starts at zero."""

    def __init__(self, ffn: FeedForward, rank: int) -> None:
        super().__init__()
        width, inner = ffn.dense_in.in_features, ffn.dense_in.out_features
        weight = ffn.dense_in.weight

        def layer(n_in: int, n_out: int, std: float) -> nn.Linear:
            made = nn.Linear(n_in, n_out, bias=False, device=weight.device, dtype=weight.dtype)
            nn.init.normal_(made.weight, std=std) if std else nn.init.zeros_(made.weight)
            return made

        self.down_in, self.up_in = layer(width, rank, INIT_STD), layer(rank, inner, 0.0)
        self.down_out, self.up_out = layer(inner, rank, INIT_STD), layer(rank, width, 0.0)


class LowRankFfns(nn.Module):
    """One pretrained FFN (A, a, B, b) for all, and deltas of rank k: ``A_r = A + U_r V_r``, ``B_r = s_r B + P_r Q_r``,
    ``a_r = a``, ``b_r = s_r b``, with constant scales s.

    ``x A`` is computed once, and B is applied once, to the weighted sum of the inner rows, so r FFNs cost as much as
    one and their deltas.
    """

    scales: Tensor

    def __init__(self, ffn: FeedForward, scales: Sequence[float], rank: int) -> None:
        super().__init__()
        self.base = copy.deepcopy(ffn)
        self.deltas = nn.ModuleList(Delta(ffn, rank) for _ in scales)
        weight = ffn.dense_in.weight
        self.register_buffer("scales", torch.tensor(scales, device=weight.device, dtype=weight.dtype))

    def mix(self, x: Tensor, terms: Sequence[Terms], known: FfnOutputs | None = None) -> Tensor:
        """See ``WholeFfns.mix``. Nothing is added to ``known``: what FFNs share is computed once for all anyway."""
        before = self.base.dense_in(x)  # x A + a, [1 or terms, ..., inner]
        mixed = []
        for k, own_terms in enumerate(terms):
            place = k if len(x) > 1 else 0
            mixed.append(self._mix_one(x[place], before[place], own_terms))
        return torch.stack(mixed)

    def _mix_one(self, x: Tensor, before: Tensor, terms: Terms) -> Tensor:
        inner: Any = 0.0  # running sums, so that no more than one FFN's rows are held
        deltas: Any = 0.0
        total: Any = 0.0
        for number, coefficient in terms:
            delta = cast(Delta, self.deltas[number])
            # activation(x A_r + a), [..., inner]: A_r is A and its low-rank part
            own = self.base.activation(before + delta.up_in(delta.down_in(x)))
            # sum over r of c_r s_r times the inner rows, to which B is applied once, at the end
            inner = inner + coefficient * self.scales[number] * own
            deltas = deltas + scaled(coefficient, delta.up_out(delta.down_out(own)))
            total = total + coefficient * self.scales[number]
        return nn.functional.linear(inner, self.base.dense_out.weight) + total * self.base.dense_out.bias + deltas

    def whole(self, number: int) -> FeedForward:
        """One of the FFNs, written out."""
        delta, scale = cast(Delta, self.deltas[number]), self.scales[number]
        made = copy.deepcopy(self.base)
        with torch.no_grad():
            made.dense_in.weight.add_(delta.up_in.weight @ delta.down_in.weight)
            made.dense_out.weight.mul_(scale).add_(delta.up_out.weight @ delta.down_out.weight)
            made.dense_out.bias.mul_(scale)
        return made

    @torch.no_grad()
    def perturb(self, noise: float) -> None:
        """See ``WholeFfns.perturb``. An entry of ``up down`` has the variance rank * var(up) * var(down)."""
        for delta in cast(Iterable[Delta], self.deltas):
            for dense, up in ((self.base.dense_in, delta.up_in), (self.base.dense_out, delta.up_out)):
                std = dense.weight.std() * noise / (INIT_STD * up.in_features**0.5)
                up.weight.copy_(torch.randn_like(up.weight) * std)


def make_ffns(ffn: FeedForward, scales: Sequence[float], rank: int | None) -> WholeFfns | LowRankFfns:
    """FFNs that start as ``scales`` times a pretrained one: whole, or low-rank deltas of it."""
    return WholeFfns(ffn, scales) if rank is None else LowRankFfns(ffn, scales, rank)


class Cluster(nn.Module):
    """FFNs, and a mixture of them for each route. A rule's cluster says what a route mixes, in ``terms``."""

    def __init__(self, ffns: WholeFfns | LowRankFfns) -> None:
        super().__init__()
        self.ffns = ffns

    def terms(self, x: Tensor, route: int) -> Terms:
        """The FFNs that a route uses for rows ``x``, and their coefficients."""
        raise NotImplementedError

    def forward(self, x: Tensor, routes: Sequence[int], known: FfnOutputs | None = None) -> Tensor:
        """Mixed outputs of several routes. x: [1, ..., width], where all read the same rows, or [routes, ..., width];
        known: see ``WholeFfns.mix``. Returns [routes, ..., width]."""
        terms = [self.terms(x[k if len(x) > 1 else 0], route) for k, route in enumerate(routes)]
        return self.ffns.mix(x, terms, known)

    def parts(self, route: int) -> list[tuple[FeedForward, Coefficient]]:
        """What ``fold`` joins: FFNs and their coefficients, the same for all rows."""
        nothing = torch.empty(0)
        return [(self.ffns.whole(number), coefficient) for number, coefficient in self.terms(nothing, route)]

    @torch.no_grad()
    def fold(self, route: int) -> FeedForward:
        """The same route as one FFN, as wide inside as its FFNs together, coefficients folded into its output layer."""
        parts = self.parts(route)
        first = parts[0][0]
        wide = FeedForward(
            nn.Linear(first.dense_in.in_features, sum(part.dense_in.out_features for part, _ in parts)),
            first.activation,
            nn.Linear(sum(part.dense_out.in_features for part, _ in parts), first.dense_out.out_features),
        ).to(first.dense_in.weight)
        # [sum of inner widths, width]; the activation works on each inner unit by itself, so FFNs side by side stay
        # apart
        wide.dense_in.weight.copy_(torch.cat([part.dense_in.weight for part, _ in parts]))
        wide.dense_in.bias.copy_(torch.cat([part.dense_in.bias for part, _ in parts]))
        # [width, sum of inner widths]
        wide.dense_out.weight.copy_(torch.cat([scaled(c, part.dense_out.weight) for part, c in parts], dim=1))
        wide.dense_out.bias.copy_(reduce(add, (scaled(c, part.dense_out.bias) for part, c in parts)))
        return wide


class FixedCluster(Cluster):
    """Routes that take the mean of FFNs of their own choice. active: the numbers of the FFNs of each route."""

    def __init__(self, ffns: WholeFfns | LowRankFfns, active: Sequence[Sequence[int]]) -> None:
        super().__init__(ffns)
        self.active = [list(numbers) for numbers in active]

    def terms(self, x: Tensor, route: int) -> Terms:
        numbers = self.active[route]
        return [(number, 1.0 / len(numbers)) for number in numbers]
