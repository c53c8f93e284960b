"""Scores of spans, beside the walk of the slot recurrent unit: is there an entity of label k from one word to another?

The walk decides a span at two steps, and has to tell at the second what it opened at the first. Here both ends are
asked at once. For a span of n words, the first and the last of which have the rows S_i and S_j, in R^L:

    z = V gelu(P S_i + Q S_j + l_n + a) + b

S are the rows that the walk reads, so what is learnt here reaches the encoder too. d width, H hidden units, M words of
the longest span that is scored, L labels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 256
RARE = -4.0  # logit of any span at first: about one in a hundred is an entity
AT_ONCE = 16_384  # spans: their hidden units are 16 MB


class SpanScores(nn.Module):
    """The perceptron. dropout: of rows and of hidden units, in training."""

    def __init__(self, width: int, n_labels: int, longest: int, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.dropout = dropout
        self.first = nn.Linear(width, HIDDEN)  # P, a
        self.last = nn.Linear(width, HIDDEN, bias=False)  # Q
        self.lengths = nn.Parameter(torch.zeros(longest, HIDDEN))  # l
        self.output = nn.Linear(HIDDEN, n_labels)  # V, b
        nn.init.constant_(self.output.bias, RARE)

    @property
    def longest(self) -> int:
        """M, words."""
        return len(self.lengths)

    def forward(self, words: Tensor, first: Tensor, last: Tensor, n_words: Tensor) -> Tensor:
        """Logits [n_spans, L] of the spans from the rows ``first`` to ``last`` of words [n, d], with so many words,
        1..M; each [n_spans]."""
        words = functional.dropout(words, self.dropout, self.training)
        at_first, at_last = self.first(words), self.last(words)
        parts = []
        for start in range(0, max(1, len(first)), AT_ONCE):  # once also where there are no spans
            some = slice(start, start + AT_ONCE)
            # [n, H] each: the products are of words, which are fewer than spans
            hidden = at_first[first[some]] + at_last[last[some]] + self.lengths[n_words[some] - 1]
            parts.append(self.output(functional.dropout(functional.gelu(hidden), self.dropout, self.training)))
        return torch.cat(parts)
