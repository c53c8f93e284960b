"""Hard sharing: one FFN for all routes (MT-DNN, MT-BERT, MT-Clinical BERT).

Parameters: those of the pretrained encoder. FLOPs: those of the pretrained encoder, once for all tasks that read the
same; the other rules state theirs relative to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward


@dataclass(frozen=True)
class SharedRule:
    """Every route computes the pretrained layer's own FFN."""

    keep_base_ffn: ClassVar[str] = "none"

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        from .shared_cluster import SharedCluster

        return [SharedCluster(ffn) for ffn in ffns]

    def key(self, route: str) -> str:
        return ""

    def lr_scale(self, parameter: str) -> float:
        return 1.0


def shared_rule() -> SharedRule:
    """``spacy-medmtl.shared_rule.v1``"""
    return SharedRule()
