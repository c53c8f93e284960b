"""Readings too large to train on as they are: what they compute in between is dropped, and computed again backwards.

A backward pass needs all that the forward pass computed, some 400 numbers for each that a row has in MiniLM. A sentence
with 60 drugs is read once for each of 1,770 pairs of them: that was more than the memory of the machine. Of such a
reading each pack keeps its input and its output, and computes the rest anew when its gradient comes (Chen et al.,
"Training Deep Nets with Sublinear Memory Cost", 2016), which costs one more forward pass. Where only one row of each
sequence is wanted, as of pairs, not even the output is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

HELD = 4  # budgets: a reading of so many wordpieces keeps all; in MiniLM, with the default budget, about 2.5 GB


def recomputed(module: nn.Module, compute: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """``compute(*inputs)``, of a part of a module that trains: the same numbers, dropout included, and gradients."""

    def in_training(*inputs: Any) -> Tensor:
        with training(module):
            return compute(*inputs)

    output: Tensor = checkpoint(in_training, *inputs, use_reentrant=False)
    return output


@contextmanager
def training(module: nn.Module) -> Iterator[None]:
    """The backward pass comes when the module predicts again, without dropout."""
    was_training = module.training
    module.train()
    try:
        yield
    finally:
        module.train(was_training)


def recomputed_rows(
    module: nn.Module, compute: Callable[[Sequence[int]], Tensor], packs: Sequence[Sequence[int]], rows: Tensor
) -> Tensor:
    """``rows`` [n, width], filled with what ``compute``, by a part of a module that trains, gives for each of the
    ``packs`` of numbers of rows. Nothing else is kept, and a pack's gradient goes to the parameters before the next is
    read.

    Torch's own checkpoints keep a few small tensors a pack. These come to lie between the large ones that come and go,
    and then memory grows with every pack all the same.
    """
    anchor = next((parameter for parameter in module.parameters() if parameter.requires_grad), None)
    filled: Tensor = _Rows.apply(anchor, module, compute, packs, rows)
    return filled


class _Rows(torch.autograd.Function):
    """See ``recomputed_rows``. anchor: a parameter, by which autograd knows that the rows have a gradient."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor | None, module: Any, compute: Any, packs: Any, rows: Tensor) -> Tensor:
        ctx.module, ctx.compute, ctx.packs = module, compute, packs
        # numbers and no states of the generator, which are tensors of 5 kB
        ctx.seeds = torch.randint(2**62, (len(packs),)).tolist()
        for numbers, seed in zip(packs, ctx.seeds):
            with training(module), seeded(seed, rows.device):
                rows[numbers] = compute(numbers)
        ctx.mark_dirty(rows)
        return rows

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, ...]:
        for numbers, seed in zip(ctx.packs, ctx.seeds):
            with training(ctx.module), seeded(seed, gradient.device), torch.enable_grad():
                output = ctx.compute(numbers)
            output.backward(gradient[numbers])
        return None, None, None, None, None


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Masks of dropout that are the same for the same seed; the generators go on as if nothing had been drawn."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
