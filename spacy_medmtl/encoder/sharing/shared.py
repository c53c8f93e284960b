"""Hard sharing: one FFN for all routes (MT-DNN, MT-BERT, MT-Clinical BERT)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from torch import nn

    from ..routed import FeedForward


@dataclass(frozen=True)
class SharedRule:
    """Every route computes the pretrained layer's own FFN."""

    def cluster(self, ffn: "FeedForward", routes: Sequence[str]) -> "nn.Module":
        from .shared_cluster import SharedCluster

        return SharedCluster(ffn)

    def key(self, route: str) -> str:
        return ""

    def lr_scale(self, parameter: str) -> float:
        return 1.0


def shared_rule() -> SharedRule:
    """``spacy-medmtl.shared_rule.v1``"""
    return SharedRule()
