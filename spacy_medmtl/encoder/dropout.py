"""Dropout whose masks are cheap on the CPU, for rows and for the weights of attention.

Srivastava et al., "Dropout" (2014): in training each number is zero with probability p, and else divided by 1 - p.
Torch draws such a mask number by number there; here one 64-bit word of its generator decides four numbers
(``benchmarks/bench_dropout.py``). Other devices have kernels of their own, which are used.
"""

import torch
from torch import Tensor, nn

STEPS = 1 << 16  # of the probability: a number is kept or not by 16 bits


def dropout(numbers: Tensor, p: float) -> Tensor:
    """Numbers of any shape with each zero with probability p, to the nearest 1/65,536, and unchanged in expectation.

    The mask hangs on the seed of ``torch.manual_seed`` and on how many numbers there are. p: from 0, below 1.
    """
    if not p:
        return numbers
    if numbers.device.type != "cpu":
        return nn.functional.dropout(numbers, p)
    return numbers * keep_mask(numbers, p)


def keep_mask(numbers: Tensor, p: float) -> Tensor:
    """What ``dropout`` multiplies by: 0 or 1 / (1 - p), of the shape and type of the numbers."""
    n_dropped = round(p * STEPS)
    words = torch.empty((numbers.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)  # all 64 bits
    bits = words.view(torch.int16)[: numbers.numel()].view(numbers.shape)
    return (bits >= n_dropped - STEPS // 2).to(numbers.dtype).mul_(STEPS / (STEPS - n_dropped))


class Dropout(nn.Module):
    """``dropout`` in training, nothing else."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, rows: Tensor) -> Tensor:
        return dropout(rows, self.p) if self.training else rows


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, p: float) -> Tensor:
    """Scaled dot-product attention, with dropout of its weights. [..., length, width] each; bias: added to the logits,
    [..., length, length] or what is expanded to it. Returns [..., length, width]. Vaswani et al. (2017), Eq. 1.

    Written out where torch, too, has no kernel: on the CPU with dropout.
    """
    if not p or query.device.type != "cpu":
        return nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=p)
    # scaled before the product: there are fewer queries than logits
    logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    weights = torch.softmax(logits if bias is None else logits + bias, dim=-1)
    # softmax is float32 in mixed precision, and the product is not
    return dropout(weights.to(value.dtype), p) @ value
