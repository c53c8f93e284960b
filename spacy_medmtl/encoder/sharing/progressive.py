"""Progressive sharing: each route adds its own FFN to the weighted outputs of the easier routes.

Progressive multi-task learning (OpenReview f4OM3Mn2wb), Eq. 4: ``h_m = F_m(x) + sum over i < m of W_mi h_i``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

from ...errors import MedmtlError

if TYPE_CHECKING:
    from torch import nn

    from ..routed import FeedForward

INITS = ("mean", "zero", "copy", "paper")


@dataclass(frozen=True)
class ProgressiveRule:
    """See ``progressive_rule``."""

    init: str = "mean"
    trainable: bool = True
    coefficient_lr_scale: float = 200.0

    def cluster(self, ffn: "FeedForward", routes: Sequence[str]) -> "nn.Module":
        from .progressive_cluster import ProgressiveCluster

        return ProgressiveCluster(ffn, len(routes), init=self.init, trainable=self.trainable)

    def key(self, route: str) -> str:
        return route

    def lr_scale(self, parameter: str) -> float:
        return self.coefficient_lr_scale if ".coefficients." in parameter else 1.0


def progressive_rule(
    init: str = "mean", trainable: bool = True, coefficient_lr_scale: float = 200.0
) -> ProgressiveRule:
    """``spacy-medmtl.progressive_rule.v1``

    init: how routes and coefficients W start. With a pretrained FFN F, route m (from 1) starts as c_m F:
        ``mean``: W_mi = 1/m, c_m = 1/m; ``zero``: W_mi = 1/(m-1), c_m = 0 but for the first; both leave every route
        equal to the pretrained encoder. ``copy``: W = 0, c = 1 (equal to it too, but no transfer until W has grown).
        ``paper``: W = 1, c = 1 as printed, whose FFN branch starts at 1, 2, 4, 8 times its pretrained size.
    trainable: learn W; otherwise it stays as initialised.
    coefficient_lr_scale: factor on the learning rate for W. Adam moves a scalar by about one learning rate a step, so
        at the encoder's own rate W would hardly move.
    Raises MedmtlError E012 on another ``init``.
    """
    if init not in INITS:
        raise MedmtlError("E012", init=init, expected=", ".join(INITS))
    return ProgressiveRule(init, trainable, coefficient_lr_scale)
