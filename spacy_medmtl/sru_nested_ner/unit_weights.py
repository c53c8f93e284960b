"""The weights of the slot recurrent unit, and what they start as; see ``recurrent`` for the equations.

d width, A actions, J latents, H half context.
"""

from typing import Literal

import torch
from torch import nn

from .span_scores import RARE, SpanScores
from .transitions import SHIFT, n_actions

# Where a unit starts, and labels added to a trained one. Logits: most steps are a SHIFT. Without them the first
# steps of training push all hidden units to that one answer, so far that tanh passes no gradient back to the words.
LIKELY, UNLIKELY = 1.5, -3.0
# Score of the slot that was written last, against 0 of all others. Attention that is even over a sentence hardly shows
# what was just decided there, and without that no step knows whether its word's spans are open already.
FOCUS = 5.0


class UnitWeights(nn.Module):
    """What a SlotRecurrentUnit is made of.

    [CLS] and [SEP] are two learned vectors (initially 0), not the encoder's, since any tok2vec gives word rows only. R
    has a row for each of -H..H, one for all that is farther, one for [CLS]. Latents start at 0 as in the paper (the max
    gives the gradient of a tie to one of them, and so they part ways), but for the first, which attends to the slot
    written last, and SHIFT starts likely: beside other tasks there are hundreds of steps, not the authors' hundred
    epochs. With paper_compat all latents start at 0, and no action is likelier than another.

    n_latents: J, by default latents_per_action * A. longest_span: words of the longest span that has a score beside the
    walk (``SpanScores``); 0: there are none. The other arguments are those of ``sru_nested_ner_model``.

    Raises ValueError for an unknown path, and for paper_compat with a half context below 3.
    """

    def __init__(
        self, width: int, n_labels: int, *, latents_per_action: int = 2, half_context: int = 150,
        token_multiplier: float = 1.0, train_token_multiplier: bool = False, dropout: float = 0.1,
        latent_dropout: float = 0.2, position_dropout: float = 0.2, n_latents: int | None = None, longest_span: int = 0,
        paper_compat: bool = False, path: Literal["low_rank", "plain"] = "low_rank",
    ) -> None:  # fmt: skip
        super().__init__()
        if path not in ("low_rank", "plain"):
            raise ValueError(f"path is {path!r}, expected 'low_rank' or 'plain'.")
        if paper_compat and half_context < 3:
            raise ValueError(f"half_context is {half_context}, expected at least 3 with paper_compat.")
        self.width, self.half_context, self.path, self.paper_compat = width, half_context, path, paper_compat
        self.dropout, self.latent_dropout, self.position_dropout = dropout, latent_dropout, position_dropout
        n = n_actions(n_labels)
        self.cls, self.sep, self.start = (nn.Parameter(torch.zeros(width)) for _ in range(3))
        self.actions = nn.Parameter(torch.randn(n, width))  # E
        self.latents = nn.Parameter(torch.zeros(n_latents or latents_per_action * n, width))  # L
        self.latent_scale, self.value_scale = (nn.Parameter(torch.ones(width)) for _ in range(2))  # D1, D2
        self.positions = nn.Parameter(torch.randn(2 * half_context + 3, width))  # R: -H..H, far, [CLS]
        self.token_multiplier = nn.Parameter(torch.tensor(float(token_multiplier)), train_token_multiplier)  # tau
        self.hidden = nn.Linear(2 * width, 2 * width)  # W1, b1
        self.output = nn.Linear(2 * width, n)  # W2, b2
        self.spans = SpanScores(width, n_labels, longest_span) if longest_span else None
        if not paper_compat:
            with torch.no_grad():
                centre = self.positions[half_context]
                # its product with R[0] is FOCUS: the offset 0 is the slot that was written last
                self.latents[0] = FOCUS * centre / centre.dot(centre)
                self.output.bias.fill_(UNLIKELY)
                self.output.bias[SHIFT] = LIKELY

    @property
    def longest_span(self) -> int:
        """Words of the longest span that has a score; 0 where none has."""
        return 0 if self.spans is None else self.spans.longest

    @torch.no_grad()
    def inherit(self, old: "UnitWeights") -> None:
        """Take the weights of a unit with fewer labels and as many latents; the new labels are improbable at first.

        A new latent would change what the old ones attend to, so their number must stay.
        """
        self.output.weight.zero_()
        self.output.bias.fill_(UNLIKELY)
        if self.spans is not None:
            self.spans.output.weight.zero_()
            self.spans.output.bias.fill_(RARE)
        for name, values in old.state_dict().items():
            own = self.state_dict()[name]  # shares its memory with the parameter
            (own if own.shape == values.shape else own[: len(values)]).copy_(values)
