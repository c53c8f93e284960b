"""Scores of spans, beside the walk of the slot recurrent unit: is there an entity of label k from one word to another?

The walk decides a span at two steps, and has to tell at the second what it opened at the first. Here both ends are
asked at once, with the words just outside, as what a span is most easily taken for is one a word longer or shorter. For
a span of n words, the first and the last of which have the rows S_i and S_j, in R^L:

    z = V gelu(P S_i + Q S_j + P' S_{i-1} + Q' S_{j+1} + l_n + a) + b

S are the rows that the walk reads, so what is learnt here reaches the encoder too; outside of the sentence they are 0.
d width, H hidden units, M words of the longest span that is scored, L labels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 256
RARE = -4.0  # logit of any span at first: about one in a hundred is an entity
AT_ONCE = 4096  # spans: their hidden units are 4 MB, which caches hold; 16 MB at once took 1.6 times as long


class SpanScores(nn.Module):
    """The perceptron."""

    def __init__(self, width: int, n_labels: int, longest: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, HIDDEN)  # P, a
        self.last = nn.Linear(width, HIDDEN, bias=False)  # Q
        self.before = nn.Linear(width, HIDDEN, bias=False)  # P'
        self.after = nn.Linear(width, HIDDEN, bias=False)  # Q'
        self.lengths = nn.Parameter(torch.zeros(longest, HIDDEN))  # l
        self.output = nn.Linear(HIDDEN, n_labels)  # V, b
        nn.init.constant_(self.output.bias, RARE)

    @property
    def longest(self) -> int:
        """M, words."""
        return len(self.lengths)

    def forward(self, words: Tensor, places: Tensor, dropout: float) -> Tensor:
        """Logits [n_spans, L] of spans in words [n, d]. places [5, n_spans]: of each its first row and its last, the
        row before and the row after (-1: none), and how many words it has, 1..M. dropout: of rows and of hidden units,
        in training."""
        words = functional.dropout(words, dropout, self.training)
        # a row of zeros before the others is what -1 points at
        outside = functional.pad(words, (0, 0, 1, 0))
        sides = (self.first, self.last, self.before, self.after)
        # [4 (n + 1), H], the four products of a word side by side, as there are fewer words than spans; then lengths
        products = functional.linear(outside, torch.cat([side.weight for side in sides])).view(-1, HIDDEN)
        table = torch.cat([products, self.lengths + self.first.bias])
        # [n_spans, 5]: what a span sums, as rows of the table
        rows = [len(sides) * (place + 1) + side for side, place in enumerate(places[:-1])]
        summed = torch.stack([*rows, len(products) + places[-1] - 1], dim=1)
        parts = []
        for start in range(0, max(1, len(summed)), AT_ONCE):  # once also where there are no spans
            hidden = functional.embedding_bag(summed[start : start + AT_ONCE], table, mode="sum")
            parts.append(self.output(functional.dropout(functional.gelu(hidden), dropout, self.training)))
        return torch.cat(parts)
