"""The torch side of the linear layer that three heads share."""

from torch import Tensor, nn

INIT_STD = 0.02  # BERT's own for new layers
FEWEST_ROWS = 4  # products of fewer are summed in another order, so a Doc alone would get other bits


class RowClassifier(nn.Module):
    """Dropout and one linear layer: rows [n, width] -> logits [n, n_outputs]."""

    def __init__(self, width: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, n_outputs)
        nn.init.normal_(self.linear.weight, std=INIT_STD)
        nn.init.zeros_(self.linear.bias)

    def forward(self, rows: Tensor, dropout: float) -> Tensor:
        n_missing = max(0, FEWEST_ROWS - len(rows))
        padded = nn.functional.pad(rows, (0, 0, 0, n_missing)) if n_missing else rows
        return self.linear(nn.functional.dropout(padded, dropout, training=dropout > 0.0))[: len(rows)]
