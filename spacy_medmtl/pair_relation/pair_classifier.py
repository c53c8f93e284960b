"""The torch side of pairs whose two members are rows of one reading: what they have in common, and in what they differ.

The rows of the members stand apart, so the pair is made here: u, v, their product and difference (as in InferSent:
Conneau et al., EMNLP 2017), with what lies between them, through one hidden layer.
"""

import torch
from torch import Tensor, nn

from ..heads.row_classifier import RowClassifier, initialised, steady


class PairClassifier(nn.Module):
    """Rows [3 n_pairs, width] -> logits [n_pairs, n_outputs]."""

    rows_per_unit = 3  # head, tail, what lies between them (zero where nothing does)

    def __init__(self, width: int, n_outputs: int) -> None:
        super().__init__()
        self.hidden = initialised(nn.Linear(5 * width, width))
        self.output = RowClassifier(width, n_outputs)

    def forward(self, rows: Tensor, dropout: float) -> Tensor:
        # [3 n, width] to [n, 3, width] to three times [n, width]
        head, tail, between = rows.unflatten(0, (-1, self.rows_per_unit)).unbind(1)
        # [n, 5 width]; the difference needs no sign, as head and tail themselves stand in front of it
        pair = torch.cat([head, tail, head * tail, (head - tail).abs(), between], dim=1)
        pair = nn.functional.dropout(pair, dropout, training=dropout > 0.0)
        return self.output(nn.functional.gelu(steady(self.hidden, pair)), dropout)
