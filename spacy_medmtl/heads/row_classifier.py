"""The torch side of the linear layer that three heads share."""

from torch import Tensor, nn

from ..encoder.packing import ROWS_STEP

INIT_STD = 0.02  # BERT's own for new layers


class RowClassifier(nn.Module):
    """Dropout and one linear layer: rows [n, width] -> logits [n, n_outputs]."""

    rows_per_unit = 1

    def __init__(self, width: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = initialised(nn.Linear(width, n_outputs))

    def forward(self, rows: Tensor, dropout: float) -> Tensor:
        return steady(self.linear, nn.functional.dropout(rows, dropout, training=dropout > 0.0))


def initialised(layer: nn.Linear) -> nn.Linear:
    """The layer with weights from N(0, 0.02) and biases 0."""
    nn.init.normal_(layer.weight, std=INIT_STD)
    nn.init.zeros_(layer.bias)
    return layer


def steady(layer: nn.Module, rows: Tensor) -> Tensor:
    """``layer(rows)`` [n, ...], in which a row gets the same bits however many others there are."""
    n_missing = -len(rows) % ROWS_STEP
    # rows of zeros behind the others, [n + n_missing, width]; their outputs are cut off again
    return layer(nn.functional.pad(rows, (0, 0, 0, n_missing)))[: len(rows)] if n_missing else layer(rows)
