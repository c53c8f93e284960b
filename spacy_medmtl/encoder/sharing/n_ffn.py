"""The parameter control: one task with as many FFNs as a progressive cluster, but without the easier tasks.

Figure 3 of the progressive paper (OpenReview f4OM3Mn2wb): "a quad-FFNN cluster architecture per BERT layer [...]
exclusively dedicated to CPNCF task acquisition". If progressive sharing is better than this, it is for more than its
parameters.

Parameters: (n - 1) FFNs and n (n - 1) / 2 coefficients more in each routed layer. FLOPs, BERT-base, 128 wordpieces:
1 + 0.65 (n - 1) times those of ``shared``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ...errors import MedmtlError
from .progressive import INITS
from .rule import check_at_least, check_count

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward


@dataclass(frozen=True)
class NFfnRule:
    """See ``n_ffn_rule``."""

    n_ffn: int = 4
    init: str = "mean"
    coefficient_lr_scale: float = 200.0
    keep_base_ffn: ClassVar[str] = "none"

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        from .progressive_cluster import LastRouteCluster

        return [LastRouteCluster(ffn, self.n_ffn, init=self.init, trainable=True) for ffn in ffns]

    def key(self, route: str) -> str:
        return ""

    def lr_scale(self, parameter: str) -> float:
        return self.coefficient_lr_scale if ".coefficients." in parameter else 1.0


def n_ffn_rule(n_ffn: int = 4, init: str = "mean", coefficient_lr_scale: float = 200.0) -> NFfnRule:
    """``spacy-medmtl.n_ffn_rule.v1``: every route is the hardest one of a progressive cluster of ``n_ffn`` FFNs.

    With one route this is the paper's control; several routes share all FFNs.

    init, coefficient_lr_scale: see ``progressive_rule``.
    Raises MedmtlError E012 on another ``init``, E020 for other settings out of range.
    """
    check_count("n_ffn_rule", "n_ffn", n_ffn)
    check_at_least(0, "n_ffn_rule", "coefficient_lr_scale", coefficient_lr_scale)
    if init not in INITS:
        raise MedmtlError("E012", init=init, expected=", ".join(INITS))
    return NFfnRule(n_ffn, init, coefficient_lr_scale)
