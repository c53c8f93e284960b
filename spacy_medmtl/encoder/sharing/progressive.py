"""Progressive sharing: each route adds its own FFN to the weighted outputs of the easier routes.

Progressive multi-task learning (OpenReview f4OM3Mn2wb), Eq. 4: ``h_m = F_m(x) + sum over i < m of W_mi h_i``.

Parameters: (R - 1) FFNs and R (R - 1) / 2 coefficients more in each routed layer; with ``rank`` k, R * 2k(width +
inner) and the coefficients instead. FLOPs of task m, BERT-base, 128 wordpieces: 1 + 0.65 (m - 1) times those of
``shared`` (task 4: 2.95); with rank 64, about 1 + 0.07 m times. All four tasks on one text: 7.9 times one shared
encoder, twice four encoders of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import MedmtlError
from .rule import check_at_least, check_count, check_flag

if TYPE_CHECKING:
    from torch import nn

    from ..feed_forward import FeedForward

INITS = ("mean", "zero", "copy", "paper", "preserving", "random")
BASES = ("none", "parallel", "serial")


@dataclass(frozen=True)
class ProgressiveRule:
    """See ``progressive_rule``."""

    init: str = "mean"
    trainable: bool = True
    coefficient_lr_scale: float = 200.0
    rank: int | None = None
    share_W_over_layers: bool = False  # noqa: N815
    keep_base_ffn: str = "none"

    def clusters(self, ffns: "Sequence[FeedForward]", routes: Sequence[str]) -> "list[nn.Module]":
        from .progressive_cluster import ProgressiveCluster

        made: list[ProgressiveCluster] = []
        for ffn in ffns:
            cluster = ProgressiveCluster(
                ffn,
                len(routes),
                init=self.init,
                trainable=self.trainable,
                rank=self.rank,
                # the lowest cluster owns the coefficients, so saved weights hold them once
                coefficients=made[0].coefficients if made and self.share_W_over_layers else None,
                keep_base_ffn=self.keep_base_ffn,
            )
            made.append(cluster)
        return [*made]

    def key(self, route: str) -> str:
        return route

    def lr_scale(self, parameter: str) -> float:
        return self.coefficient_lr_scale if ".coefficients." in parameter else 1.0


def progressive_rule(
    init: str = "mean",
    trainable: bool = True,
    coefficient_lr_scale: float = 200.0,
    rank: int | None = None,
    share_W_over_layers: bool = False,  # noqa: N803
    keep_base_ffn: str = "none",
) -> ProgressiveRule:
    """``spacy-medmtl.progressive_rule.v1``

    init: how routes and coefficients W start. With a pretrained FFN F, route m (from 1) starts as c_m F:
        ``mean``: W_mi = 1/m, c_m = 1/m; ``zero``: W_mi = 1/(m-1), c_m = 0 but for the first; ``preserving``: W = 1,
        c_m = 2 - m; all three leave every route equal to the pretrained encoder. ``copy``: W = 0, c = 1 (equal to it
        too, but no transfer until W has grown). ``paper``: W = 1, c = 1 as printed, whose FFN branch starts at 1, 2, 4,
        8 times its pretrained size. ``random``: W = 1, all FFNs drawn anew from N(0, 0.02), near no FFN at all.
    trainable: learn W; otherwise it stays as initialised.
    coefficient_lr_scale: factor on the learning rate for W. Adam moves a scalar by about one learning rate a step, so
        at the encoder's own rate W would hardly move.
    rank: null, or the rank of each route's difference from one common FFN, which all tasks train. c_m then is a
        constant factor on the common FFN's output in route m.
    share_W_over_layers: one W for all routed layers, as Eq. 4 prints it (without k), instead of one for each.
    keep_base_ffn: the paper does not say what becomes of the pretrained FFN. ``none``: the cluster replaces it.
        ``parallel``: it runs beside the cluster in every route. ``serial``: it stays where it was, and the cluster is a
        third sub-layer behind it with a LayerNorm of its own; with that the paper's parameter count comes out. With
        ``parallel`` and ``serial``, take ``init = "zero"``: c_1 then is 0 too, and every route starts (``serial``:
        nearly) as the pretrained encoder; under the others the cluster's output comes on top of the pretrained one.
    Raises MedmtlError E012 on another ``init``, E020 for other settings out of range.
    """
    if init not in INITS:
        raise MedmtlError("E012", init=init, expected=", ".join(INITS))
    if keep_base_ffn not in BASES:
        expected = f"one of {', '.join(BASES)}"
        raise MedmtlError(
            "E020", rule="progressive_rule", setting="keep_base_ffn", received=keep_base_ffn, expected=expected
        )
    check_flag("progressive_rule", "trainable", trainable)
    check_at_least(0, "progressive_rule", "coefficient_lr_scale", coefficient_lr_scale)
    check_flag("progressive_rule", "share_W_over_layers", share_W_over_layers)
    if rank is not None:
        check_count("progressive_rule", "rank", rank)
    if init == "random" and rank is not None:  # without a pretrained FFN there is nothing to differ from
        raise MedmtlError("E020", rule="progressive_rule", setting="rank", received=rank, expected="null with 'random'")
    return ProgressiveRule(init, trainable, coefficient_lr_scale, rank, share_W_over_layers, keep_base_ffn)
