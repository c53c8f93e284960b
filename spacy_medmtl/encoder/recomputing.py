"""Readings too large to train on as they are: what they compute in between is dropped, and computed again backwards.

A backward pass needs all that the forward pass computed, some 400 numbers for each that a row has in MiniLM. A sentence
with 60 drugs is read once for each of 1,770 pairs of them: that was more than the memory of the machine. Of such a
reading each pack keeps its input and its output, and computes the rest anew when its gradient comes (Chen et al.,
"Training Deep Nets with Sublinear Memory Cost", 2016), which costs one more forward pass.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

HELD = 4  # budgets: a reading of so many wordpieces keeps all; in MiniLM, with the default budget, about 2.5 GB


def recomputed(module: nn.Module, compute: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """``compute(*inputs)``, of a part of a module that trains: the same numbers, dropout included, and gradients."""
    from torch.utils.checkpoint import checkpoint

    def in_training(*inputs: Any) -> Tensor:
        # the backward pass comes when the module predicts again, without dropout
        was_training = module.training
        module.train()
        try:
            return compute(*inputs)
        finally:
            module.train(was_training)

    output: Tensor = checkpoint(in_training, *inputs, use_reentrant=False)
    return output
