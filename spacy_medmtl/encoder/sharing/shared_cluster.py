"""The torch side of hard sharing."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..feed_forward import FeedForward


class SharedCluster(nn.Module):
    """One FFN whatever the route."""

    def __init__(self, ffn: FeedForward) -> None:
        super().__init__()
        self.ffn = ffn

    def forward(self, x: Tensor, routes: Sequence[int], known: dict[int, Tensor] | None = None) -> Tensor:
        """x: [1 or routes, ..., width]; the same for all routes that read the same."""
        return self.ffn(x)

    def fold(self, route: int) -> FeedForward:
        return self.ffn
