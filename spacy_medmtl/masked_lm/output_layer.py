"""BERT's output layer for masked words: a torch module."""

import torch
from torch import Tensor, nn

from ..heads.row_classifier import initialised


class MaskedLmHead(nn.Module):
    """Rows [n, width] to logits [n, vocabulary]: dense, GELU, LayerNorm, then the encoder's own word embeddings and a
    bias, as in BERT. ``narrow``: width of the embeddings (less than that of the rows in some ELECTRAs)."""

    def __init__(self, width: int, narrow: int, n_vocabulary: int) -> None:
        super().__init__()
        self.transform = initialised(nn.Linear(width, narrow))
        self.LayerNorm = nn.LayerNorm(narrow, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(n_vocabulary))

    def forward(self, rows: Tensor, embeddings: Tensor) -> Tensor:
        # [n, narrow] times [narrow, vocabulary]
        return self.LayerNorm(nn.functional.gelu(self.transform(rows))) @ embeddings.T + self.bias
