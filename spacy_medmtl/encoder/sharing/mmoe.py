"""Mixture of experts with a gate for each task (MMoE, Ma et al. 2018), in the FFN of each routed layer.

Which is what the progressive paper (OpenReview f4OM3Mn2wb) compares with: "we replace the FFNN in each BERT layer with
MMoE components". It states neither the number of experts nor what the gate reads. Four experts are as many FFNs as its
own cluster has; here each row (wordpiece) is gated by its own attention output, without bias.

Parameters: (E - 1) FFNs and R * E * width gate weights more in each routed layer; with ``rank`` k, E * 2k(width +
inner) instead of the FFNs. FLOPs of a task, BERT-base, 128 wordpieces: 1 + 0.65 (E - 1) times those of ``shared``
(E = 4: 2.95), whatever the task: all experts run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .rule import check_at_least, check_count

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward

LEAST_NOISE = 1e-4  # below, float32 gates hardly see the experts differ


@dataclass(frozen=True)
class MmoeRule:
    """See ``mmoe_rule``."""

    experts: int = 4
    noise: float = 0.02
    gate_lr_scale: float = 10.0
    rank: int | None = None
    keep_base_ffn: ClassVar[str] = "none"

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        from .mmoe_cluster import MmoeCluster

        return [MmoeCluster(ffn, len(routes), experts=self.experts, noise=self.noise, rank=self.rank) for ffn in ffns]

    def key(self, route: str) -> str:
        return route

    def lr_scale(self, parameter: str) -> float:
        return self.gate_lr_scale if ".gates." in parameter else 1.0


def mmoe_rule(experts: int = 4, noise: float = 0.02, gate_lr_scale: float = 10.0, rank: int | None = None) -> MmoeRule:
    """``spacy-medmtl.mmoe_rule.v1``: ``h_m = sum over e of g_m(x)_e F_e(x)``, ``g_m(x) = softmax(G_m x)``.

    experts: number of FFNs, all of them used by all tasks.
    noise: each expert starts as the pretrained FFN, each weight matrix with normal noise of this share of its standard
        deviation. It must not be 0: equal experts give the same sum whatever the gate, whose gradient would be 0.
    gate_lr_scale: factor on the learning rate for the gates, which start at random.
    rank: null, or the rank of each expert's difference from one common FFN.
    Raises MedmtlError E020 for settings out of range.
    """
    check_count("mmoe_rule", "experts", experts)
    check_at_least(LEAST_NOISE, "mmoe_rule", "noise", noise)
    check_at_least(0, "mmoe_rule", "gate_lr_scale", gate_lr_scale)
    if rank is not None:
        check_count("mmoe_rule", "rank", rank)
    return MmoeRule(experts, noise, gate_lr_scale, rank)
