"""The memory of the slot recurrent unit, in two forms that give the same numbers; see ``recurrent`` for the equations.

``PlainMemory`` forms C and follows the equations. ``LowRankMemory`` never forms C: every update is a combination of the
A rows of E, so it keeps the products that C is read through, with the latents [J, Q] and the right half of W1 [Q, K].
B sentences, Q slots, d width, K = 2d hidden units, A actions, J latents.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .transitions import SHIFT
from .unit_weights import UnitWeights

HIDE = -1e30  # score of a padding slot: finite, so that no row becomes NaN, and exactly 0 after softmax


class Inputs(NamedTuple):
    """What both forms start from, dropout applied except to the context, whose mask is kept apart."""

    memory: Tensor  # C(0) [B, Q, d]
    features: Tensor  # word half of the perceptron's input, [B, Q, d]
    valid: Tensor  # bool [B, Q]
    queries: Tensor  # L o D1 [J, d]
    strip: Tensor  # rows of R for the offsets 1-Q..Q-1, then [CLS], [2Q, d]
    context_mask: Tensor | None  # [B, 1, d]


def feedback(logits: Tensor, trainable: Tensor | None = None) -> Tensor:
    """w [B, A]: softmax of the actions not below SHIFT, not renormalised; no gradient to logits outside `trainable`."""
    outranked = logits < logits[:, SHIFT : SHIFT + 1]
    if trainable is not None:
        logits = torch.where(trainable, logits, logits.detach())
    return torch.softmax(logits, dim=1).masked_fill(outranked, 0.0)


class Memory:
    """What both forms share: the centre of attention [B], its rows of the strip, and leaving the batch."""

    def __init__(self, **parts: Tensor) -> None:
        self.parts = parts  # each [B, Q, ...]
        batch, n_slots = next(iter(parts.values())).shape[:2]
        slots = torch.arange(n_slots, device=next(iter(parts.values())).device)
        self.first = torch.arange(batch, device=slots.device) * n_slots  # of each sentence, in flattened parts
        self.centre, self.moves = torch.zeros_like(self.first), (slots > 0).long()  # [CLS] has its row for any centre
        self.origin = torch.where(slots > 0, slots + n_slots - 1, 2 * n_slots - 1)  # row of each slot for centre 0

    def strip_rows(self, centre: Tensor) -> Tensor:
        """Rows of the strip for each slot, [..., Q], given centres [...]."""
        return torch.addcmul(self.origin, centre[..., None], self.moves, value=-1)

    def keep(self, rows: Tensor, n_slots: int) -> None:
        """Keep these sentences, in place or moved from beyond len(rows), and so many slots; copies only the moved."""
        target = (rows != torch.arange(len(rows), device=rows.device)).nonzero().squeeze(1)
        for name, part in self.parts.items():
            part[target] = part[rows[target]]
            self.parts[name] = part[: len(rows), :n_slots]
        self.origin, self.moves = self.origin[:n_slots], self.moves[:n_slots]
        self.first, self.centre = self.first[: len(rows)], self.centre[rows]


class PlainMemory(Memory):
    """The recurrence as it is written: forms C [B, Q, d], steps are ordinary autograd operations."""

    def __init__(self, unit: UnitWeights, inputs: Inputs) -> None:
        super().__init__(memory=inputs.memory, features=inputs.features, valid=inputs.valid)
        self.unit, self.inputs = unit, inputs

    def logits(self, slot: Tensor) -> Tensor:
        """u [B, A] at slots [B]."""
        unit, inputs, memory = self.unit, self.inputs, self.parts["memory"]
        # tau C_i + R[i - c], [B, Q, d]
        keys = unit.token_multiplier * memory + functional.embedding(self.strip_rows(self.centre), inputs.strip)
        # max, not amax: amax shares the gradient of a tie, and latents equal at the start would stay equal for ever
        score = (keys @ inputs.queries.T).max(dim=2).values.masked_fill(~self.parts["valid"], HIDE)
        alpha = torch.softmax(score, dim=1)
        context = torch.bmm(alpha[:, None], memory) * unit.value_scale
        if inputs.context_mask is not None:
            context = context * inputs.context_mask
        # S_q, the word of this step [B, d]
        word = self.parts["features"][torch.arange(len(slot), device=slot.device), slot]
        return unit.output(torch.tanh(unit.hidden(torch.cat([word, context[:, 0]], dim=1))))

    def write(self, slot: Tensor, weights: Tensor) -> None:
        """Add weights [B, A] times E to slots [B], the centre of the next step."""
        # [B, Q]; added to a new tensor, because autograd needs the old one
        here = functional.one_hot(slot, len(self.origin)).to(weights.dtype)
        self.parts["memory"] = self.parts["memory"] + here[:, :, None] * (weights @ self.unit.actions)[:, None]
        self.centre = slot


def low_rank_tables(unit: UnitWeights, inputs: Inputs) -> tuple[Tensor, ...]:
    """The tables of the low-rank form, large products over the slots in use, in the order that `LowRankMemory` takes.

    own [n_slots, K], the slots of all sentences without padding; own_first [B], the first of each; values [B, Q, K];
    scores [B, J, Q]; strip [2Q, J]; action_scores [A, J]; action_values [A, K], or [B, A, K]
    under dropout; W2 [A, K]; b2 [A].
    """
    word_half, context_half = unit.hidden.weight.split(unit.width, dim=1)
    linear, tau, mask = functional.linear, unit.token_multiplier, inputs.context_mask
    context_half = context_half * unit.value_scale
    used = inputs.valid.flatten().nonzero().squeeze(1)  # products over padding would be half of all work
    # under paper_compat the pointer walks on into padding
    readable = torch.arange(inputs.valid.numel(), device=used.device) if unit.paper_compat else used
    n_slots = inputs.valid.shape[1]

    def over_slots(rows: Tensor, weight: Tensor, *, rest: float) -> Tensor:
        table = rows.new_full((inputs.valid.numel(), len(weight)), rest)
        return table.index_copy(0, used, linear(rows, weight)).view(*inputs.valid.shape, len(weight))

    memory = inputs.memory.flatten(0, 1)[used]
    # masks are drawn once a sentence: of each slot in use, that of its sentence
    masked = memory if mask is None else memory * mask.squeeze(1)[used // n_slots]
    own = linear(inputs.features.flatten(0, 1)[readable], word_half, unit.hidden.bias)
    own_first = torch.searchsorted(readable, torch.arange(len(inputs.valid), device=used.device) * n_slots)
    values = over_slots(masked, context_half, rest=0.0)
    scores = over_slots(memory, tau * inputs.queries, rest=HIDE).transpose(1, 2).contiguous()
    strip = linear(inputs.strip, inputs.queries)
    action_scores = tau * linear(unit.actions, inputs.queries)
    action_values = linear(unit.actions if mask is None else unit.actions * mask, context_half)
    return own, own_first, values, scores, strip, action_scores, action_values, unit.output.weight, unit.output.bias


class LowRankMemory(Memory):
    """The state of the low-rank form, without autograd. Takes the tables; changes values and scores in place.

    Its scores lie [B, J, Q], slots last: along them a CPU takes the maximum of J rows several times as fast. ``tape``:
    leave behind what the backward pass needs.
    """

    def __init__(
        self, own: Tensor, own_first: Tensor, values: Tensor, scores: Tensor, *other_tables: Tensor, tape: bool = False
    ) -> None:
        super().__init__(values=values, scores=scores.transpose(1, 2))
        self.strip, self.action_scores, self.action_values, self.weight, self.bias = other_tables
        self.own, self.own_first, self.values, self.tape = own, own_first, values.flatten(0, 1), tape
        n_slots = values.shape[1]
        self.last = n_slots - 1
        # view [Q, J, Q]: of the strip, the row of each slot, by Q - 1 - centre; [CLS], which has its own, put in later
        turned = self.strip.T.contiguous()
        self.windows = turned.as_strided((n_slots, len(turned), n_slots), (1, 2 * n_slots, 1))
        self.alpha = self.winner = self.activation = self.replaced = self.bias

    def keep(self, rows: Tensor, n_slots: int) -> None:
        """See ``Memory``."""
        super().keep(rows, n_slots)
        self.own_first = self.own_first[rows]

    def logits(self, slot: Tensor) -> Tensor:
        """u [B, A] at slots [B]; leaves alpha [B, Q] and activation [B, K] behind, for a tape winner [B, Q] too, the
        latent of the max."""
        scores = self.parts["scores"].transpose(1, 2)
        # [B, J, Q]: what the latents say of the offsets from this centre, then of the slots themselves
        score = self.windows[:, :, : scores.shape[2]].index_select(0, self.last - self.centre)
        score[:, :, 0] = self.strip[-1]
        score = score.add_(scores)
        if self.tape:
            score, self.winner = score.max(dim=1)
        else:
            score = score.amax(dim=1)
        self.alpha = torch.softmax(score, dim=1)
        # W1's word half at q, with b1 [B, K]
        own = self.own.index_select(0, self.own_first + slot)
        # tanh(z) = 2 sigmoid(2z) - 1: on a CPU torch's tanh takes six times as long
        twice = torch.baddbmm(own[:, None], self.alpha[:, None], self.parts["values"], beta=2, alpha=2)
        self.activation = twice.squeeze(1).sigmoid_().mul_(2).sub_(1)
        return torch.addmm(self.bias, self.activation, self.weight.T)

    def write(self, slot: Tensor, weights: Tensor) -> None:
        """Add weights [B, A] at slots [B], the centre of the next step; leaves the values before, `replaced`."""
        here = self.first + slot
        # kept for the backward pass, which goes back through the states in place
        self.replaced = self.values.index_select(0, here)
        self.values.index_copy_(0, here, self.replaced + combine(weights, self.action_values))
        scores = self.parts["scores"].transpose(1, 2)
        change = weights @ self.action_scores
        scores.scatter_add_(2, slot[:, None, None].expand(-1, scores.shape[1], 1), change[:, :, None])
        self.centre = slot


def combine(weights: Tensor, table: Tensor) -> Tensor:
    """weights [B, A] times a table [A, K], or one table per sentence [B, A, K]."""
    return weights @ table if table.dim() == 2 else torch.bmm(weights[:, None], table).squeeze(1)
