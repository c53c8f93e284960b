"""The torch side of MMoE: experts that all routes use, and a softmax gate for each route."""

import torch
from torch import Tensor, nn

from ...errors import MedmtlError
from ..feed_forward import FeedForward
from .cluster import INIT_STD, Cluster, Terms, make_ffns


class MmoeCluster(Cluster):
    """E FFNs; ``gates[m]`` is a parameter of route m alone, so that no other task moves it."""

    def __init__(self, ffn: FeedForward, n_routes: int, *, experts: int, noise: float, rank: int | None = None) -> None:
        super().__init__(make_ffns(ffn, [1.0] * experts, rank))
        self.ffns.perturb(noise)
        weight, width = ffn.dense_in.weight, ffn.dense_in.in_features
        self.gates = nn.ModuleList()
        for _ in range(n_routes):
            gate = nn.Linear(width, experts, bias=False, device=weight.device, dtype=weight.dtype)
            nn.init.normal_(gate.weight, std=INIT_STD)
            self.gates.append(gate)

    def terms(self, x: Tensor, route: int) -> Terms:
        gate = torch.softmax(self.gates[route](x), dim=-1)  # [..., experts]
        return list(enumerate(gate.split(1, dim=-1)))

    def fold(self, route: int) -> FeedForward:
        """Raises MedmtlError E022: no one FFN does what a gate does."""
        raise MedmtlError("E022", reason="'mmoe' weighs its experts anew for each wordpiece")
