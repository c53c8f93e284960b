"""The feed-forward network of a transformer layer, which sharing rules copy, mix and fold."""

from collections.abc import Callable

from torch import Tensor, nn


class FeedForward(nn.Module):
    """Two dense layers: ``dense_out(activation(dense_in(x)))``."""

    def __init__(self, dense_in: nn.Linear, activation: Callable[[Tensor], Tensor], dense_out: nn.Linear) -> None:
        super().__init__()
        self.dense_in = dense_in
        self.activation = activation
        self.dense_out = dense_out

    def forward(self, x: Tensor) -> Tensor:
        """Rows [..., width] to rows [..., width]."""
        return self.dense_out(self.activation(self.dense_in(x)))
