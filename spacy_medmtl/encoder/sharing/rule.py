"""What every sharing rule offers. A rule is small and free of torch; its cluster is the torch module it builds."""

from typing import TYPE_CHECKING, Protocol, Sequence

if TYPE_CHECKING:
    from torch import nn

    from ..routed import FeedForward


class SharingRule(Protocol):
    """Decides which FFNs a routed layer holds and how a route combines them."""

    def cluster(self, ffn: "FeedForward", routes: Sequence[str]) -> "nn.Module":
        """Build the cluster that replaces ``ffn`` in one layer.

        The module is called as ``cluster(x, m)`` with rows ``x`` of shape [..., width] (the attention output of the
        layer) and the position ``m`` of the active route, and returns the mixed FFN output of the same shape, before
        dropout, residual and LayerNorm.
        """

    def key(self, route: str) -> str:
        """Routes with equal keys compute the same, so their outputs can be shared."""

    def lr_scale(self, parameter: str) -> float:
        """The factor on the learning rate of a parameter of the cluster, by its name."""
