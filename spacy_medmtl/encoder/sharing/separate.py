"""Separate FFNs: each route has its own, only attention, embeddings and LayerNorms are shared. The control for what
mixing routes is worth: ``progressive`` with W = 0 computes the same.

Parameters: (R - 1) FFNs more in each routed layer; with ``rank`` k, R * 2k(width + inner) more instead. FLOPs of one
task: those of ``shared``. All tasks on one text: layers from the first routed one run once for each, up to R times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .rule import check_count

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward


@dataclass(frozen=True)
class SeparateRule:
    """See ``separate_rule``."""

    rank: int | None = None
    keep_base_ffn: ClassVar[str] = "none"

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        from .cluster import FixedCluster, make_ffns

        own = [[m] for m in range(len(routes))]
        return [FixedCluster(make_ffns(ffn, [1.0] * len(routes), self.rank), own) for ffn in ffns]

    def key(self, route: str) -> str:
        return route

    def lr_scale(self, parameter: str) -> float:
        return 1.0


def separate_rule(rank: int | None = None) -> SeparateRule:
    """``spacy-medmtl.separate_rule.v1``: ``h_m = F_m(x)``; every route starts as the pretrained encoder.

    rank: null, or the rank of each route's difference from one common FFN.
    Raises MedmtlError E020 for a rank below 1.
    """
    if rank is not None:
        check_count("separate_rule", "rank", rank)
    return SeparateRule(rank)
