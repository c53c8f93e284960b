"""All training steps of the low-rank path as one autograd function; see ``recurrent`` for the equations."""

from typing import Any

import torch
from torch import Tensor

from .gold_steps import GoldWalk
from .memory import LowRankMemory, combine, feedback


class LowRankScan(torch.autograd.Function):
    """All training steps of the low-rank path: (walk, trainable, *tables) -> logits [B, T', A].

    The backward pass walks the tape from the end and puts the replaced values back. The state's gradient is needed only
    at the slot a step wrote: alpha of later steps there times their gradient, summed on demand. Gradients of tables are
    products over all steps, after the loop.
    """

    @staticmethod
    def forward(ctx: Any, walk: GoldWalk, trainable: Tensor | None, *tables: Tensor) -> Tensor:
        memory = LowRankMemory(*tables[:2], tables[2].clone(), tables[3].clone(), *tables[4:], tape=True)
        tape = []
        while not walk.done:
            slot, centre = walk.slot, memory.centre
            logits = memory.logits(slot)
            weights = feedback(logits)
            memory.write(slot, weights)
            walk.advance(logits)
            state = memory.alpha, memory.winner, memory.activation, memory.replaced
            tape.append((logits, weights, *state, slot, centre))
        stacked = [torch.stack(parts, dim=1) for parts in zip(*tape, strict=True)]
        ctx.memory, ctx.trainable = memory, trainable
        ctx.save_for_backward(*stacked)
        return stacked[0].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        logits, weights, alpha, winner, activation, replaced, slot, centre = ctx.saved_tensors
        memory: LowRankMemory = ctx.memory
        # the slot that each step read and wrote
        here = memory.first[:, None] + slot  # [B, T], rows of the flattened parts
        readers = alpha.transpose(1, 2).flatten(0, 1)[here]  # [B, T, T]: what step s (last) reads of the slot t wrote
        softmax, slope, n_steps = torch.softmax(logits, dim=2), 1 - activation * activation, grad.shape[1]
        d_logits, d_inner, d_score = grad.clone(), torch.zeros_like(activation), torch.zeros_like(alpha)
        values = memory.parts["values"].clone()  # the state after the last step; a copy: a graph may be walked twice
        n_latents = memory.strip.shape[1]
        d_scores, d_written_values = alpha.new_zeros(len(alpha), n_latents, alpha.shape[2]), torch.zeros_like(d_inner)
        d_written_scores = alpha.new_zeros(*slot.shape, n_latents)
        flat_values, columns = values.flatten(0, 1), slot[:, :, None, None].expand(-1, -1, n_latents, 1)
        for t in range(n_steps - 1, -1, -1):
            if t < n_steps - 1:  # nothing reads what the last step wrote
                # what later steps want of the slot that step t wrote: of its scores, and of its values
                at_scores = d_scores.gather(2, columns[:, t]).squeeze(2)
                at_values = torch.bmm(readers[:, t, None, t + 1 :], d_inner[:, t + 1 :]).squeeze(1)
                d_written_scores[:, t], d_written_values[:, t] = at_scores, at_values
                pull = at_scores @ memory.action_scores.T + combine(at_values, memory.action_values.transpose(-1, -2))
                # softmax backwards, through the weights that were not hidden (see ``feedback``)
                pull *= weights[:, t]
                back = torch.addcmul(pull, softmax[:, t], pull.sum(dim=1, keepdim=True), value=-1)
                d_logits[:, t] += back if ctx.trainable is None else back * ctx.trainable
            # the state as step t found it
            flat_values.index_copy_(0, here[:, t], replaced[:, t])
            d_inner[:, t] = d_z = (d_logits[:, t] @ memory.weight) * slope[:, t]
            # this order of the product is 10 times faster than values by a column
            d_alpha = torch.bmm(d_z[:, None], values.transpose(1, 2)).squeeze(1) * alpha[:, t]
            d_score[:, t] = at = torch.addcmul(d_alpha, alpha[:, t], d_alpha.sum(dim=1, keepdim=True), value=-1)
            d_scores.scatter_add_(1, winner[:, t, None], at[:, None])
        read = (memory.own_first[:, None] + slot).flatten()
        # tables that each step reads one row of: the gradients of a row, summed over the steps that read it
        d_own = torch.zeros_like(memory.own).index_add_(0, read, d_inner.flatten(0, 1))
        # [B, Q, T] times [B, T, K]
        d_values = torch.bmm(alpha.transpose(1, 2), d_inner)
        # of the strip only the row and latent that won the max get a gradient
        cells = memory.strip_rows(centre) * memory.strip.shape[1] + winner
        d_strip = torch.zeros_like(memory.strip).flatten().index_add_(0, cells.flatten(), d_score.flatten())
        d_action_scores = weights.flatten(0, 1).T @ d_written_scores.flatten(0, 1)
        d_action_values = torch.bmm(weights.transpose(1, 2), d_written_values)
        if memory.action_values.dim() == 2:
            d_action_values = d_action_values.sum(dim=0)
        d_tables = (d_own, None, d_values, d_scores, d_strip.view_as(memory.strip), d_action_scores, d_action_values)
        return None, None, *d_tables, d_logits.flatten(0, 1).T @ activation.flatten(0, 1), d_logits.sum(dim=(0, 1))
