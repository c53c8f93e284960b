"""The slot recurrent unit of SRU-NER: a memory of one slot per word that the model's own action predictions are written into.

Source: Ruano et al., "Effective Multi-Task Learning for Biomedical NER", BioNLP 2025, the model and its multi-task training.

Letters: B sentences, N words, Q = N + 2 slots (0 [CLS], 1..N words, N+1 [SEP]), d width, K = 2d hidden units, A actions, J latents,
T steps, H half context. At each step, with q the slot of the current word and c the slot of the step before (0 at first):

    score_i = max_j (L_j o D1) . (tau C_i + R[i - c]);   alpha = softmax_i(score);   h = sum_i alpha_i (D2 o C_i)
    u = W2 tanh(W1 [S_q ; h] + b1) + b2;   w = softmax(u) o [u >= u_SHIFT];   C_q += w E

C starts as S, with the learned start vector added to slot 0. The weights w are the model's own, in training too, with gradient:
gold only moves q. The mask in w is the paper's sigmoid(u) >= sigmoid(u_SHIFT), compared where float rounding cannot tie.

Two paths give the same numbers. `plain` forms C and follows the lines above. `low_rank` never forms C: every update is a
combination of the A rows of E, so it keeps what C is read through, the products with the latents [Q, J] and with the right half
of W1 [Q, K], and adds w times the products of E. Its training pass is one autograd function whose tape holds O(Q + K) numbers a
step, not O(Q d).

Dropout (training only): the paper draws new masks every step. Here, so that both paths stay exact, masks are drawn once per
call: latents [J, d] and position table [2H + 3, d], shared by the batch; the word half of the perceptron's input one mask per
slot, its context half one per sentence.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .transitions import EOA, SHIFT, n_actions

HIDE = -1e30  # score of a padding slot: finite, so that a row never becomes NaN, and exactly 0 after softmax


class SlotRecurrentUnit(nn.Module):
    """The head: word vectors -> action logits, one row per step.

    [CLS] and [SEP] are two learned vectors (initially zero), not the encoder's, since any tok2vec gives word rows only.
    Relative positions are -H..H, one row for everything farther away and one for [CLS]. Latents start at zero as in the paper:
    the max hands all gradient of a tie to one latent, and so they part ways.

    path: "low_rank" or "plain"; may be changed at any time.
    foreign_feedback: let later losses reach logits of foreign actions through the memory (the paper's code does); see
        `forward_gold`.
    Raises ValueError for an unknown path.
    """

    def __init__(
        self,
        width: int,
        n_labels: int,
        *,
        latents_per_action: int = 2,
        half_context: int = 150,
        token_multiplier: float = 1.0,
        train_token_multiplier: bool = False,
        dropout: float = 0.1,
        latent_dropout: float = 0.2,
        position_dropout: float = 0.2,
        foreign_feedback: bool = False,
        path: Literal["low_rank", "plain"] = "low_rank",
    ) -> None:
        super().__init__()
        if path not in ("low_rank", "plain"):
            raise ValueError(f"path is {path!r}, expected 'low_rank' or 'plain'.")
        self.width, self.half_context, self.path, self.foreign_feedback = width, half_context, path, foreign_feedback
        self.dropout, self.latent_dropout, self.position_dropout = dropout, latent_dropout, position_dropout
        actions = n_actions(n_labels)
        self.cls = nn.Parameter(torch.zeros(width))
        self.sep = nn.Parameter(torch.zeros(width))
        self.start = nn.Parameter(torch.zeros(width))
        self.actions = nn.Parameter(torch.randn(actions, width))  # E
        self.latents = nn.Parameter(torch.zeros(latents_per_action * actions, width))  # L
        self.latent_scale = nn.Parameter(torch.ones(width))  # D1
        self.value_scale = nn.Parameter(torch.ones(width))  # D2
        self.positions = nn.Parameter(torch.randn(2 * half_context + 3, width))  # R: -H..H, far away, [CLS]
        self.token_multiplier = nn.Parameter(torch.tensor(float(token_multiplier)), requires_grad=train_token_multiplier)
        self.hidden = nn.Linear(2 * width, 2 * width)  # W1, b1
        self.output = nn.Linear(2 * width, actions)  # W2, b2

    def forward_gold(
        self, words: Tensor, lengths: Tensor, gold: Tensor, gold_lengths: Tensor, foreign: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run along gold rows: (logits, targets, mask), each [B, T', A]; train with `action_loss`.

        words [B, N, d] padded; lengths [B]; gold bool [B, T, A] padded rows of the oracle; gold_lengths [B] >= 1, the EOA row
        included; foreign bool [B, A], the actions of labels that the sentence's corpus does not annotate.

        Without foreign actions T' is the longest gold sequence and targets are the gold rows. With them (multi-task target
        rule): if a foreign action outranks a gold SHIFT, the SHIFT is postponed by one step, at most once. That step asks for
        nothing new: its target for SHIFT is the model's own probability (detached), for own actions 0. mask is False for rows
        after a sentence's EOA and for foreign actions.

        What holds of foreign actions: no loss is taken on their logits, and with foreign_feedback=False none that is taken
        later reaches those logits through the memory, so their rows of `output` get exactly zero gradient. The value written
        still uses all actions; hence their rows of `actions` do get gradient whenever the model itself writes them.

        Raises ValueError when gold has a foreign action, or SHIFT or EOA is foreign, FloatingPointError naming the first step
        with a NaN or infinite logit.
        """
        if bool(foreign[:, [EOA, SHIFT]].any()) or bool((gold & foreign[:, None]).any()):
            raise ValueError("SHIFT and EOA cannot be foreign, and gold rows cannot hold foreign actions.")
        walk = _GoldWalk(gold, gold_lengths, foreign, lengths)
        trainable = None if self.foreign_feedback or not walk.dynamic else ~foreign
        inputs = _prepare(self, words, lengths)
        if self.path == "low_rank":
            logits = _LowRankScan.apply(walk, trainable, *_low_rank_tables(self, inputs))
        else:
            memory, steps = _PlainMemory(self, inputs), []
            while not walk.done:
                slot = walk.slot
                steps.append(memory.logits(slot))
                memory.write(slot, _feedback(steps[-1], trainable))
                walk.advance(steps[-1].detach())
            logits = torch.stack(steps, dim=1)
        targets, mask = walk.targets()
        _check_finite(logits.detach(), mask[:, :, EOA])
        return logits, targets.to(logits.dtype), mask

    @torch.no_grad()
    def greedy(self, words: Tensor, lengths: Tensor, *, max_steps_per_slot: float = 1.5) -> list[np.ndarray]:
        """Predict: float32 probabilities [T_i, A] of each sentence, the EOA row included.

        words [B, N, d] padded, lengths [B] (0 is allowed). A sentence ends at its own row led by EOA, or after
        ceil(max_steps_per_slot * (N_i + 2)) rows, at least N_i + 1, and depends on no other sentence. Ended sentences leave the
        batch in groups, when they are a quarter of it. One number is read back per step. Dropout follows `self.training`.

        Raises FloatingPointError naming the first step with a NaN or infinite logit.
        """
        if not len(words):
            return []
        caps = torch.maximum(torch.ceil(max_steps_per_slot * (lengths + 2.0)).long(), lengths + 1)
        inputs = _prepare(self, words, lengths)
        memory: _PlainMemory | _LowRankMemory
        if self.path == "low_rank":
            memory = _LowRankMemory(*_low_rank_tables(self, inputs))
        else:
            memory = _PlainMemory(self, inputs)
        history = words.new_zeros(len(words), int(caps.max()), len(self.actions))
        n_rows = caps.clone()
        rows, slot, final = torch.arange(len(words), device=words.device), torch.ones_like(lengths), lengths + 1
        alive = torch.ones_like(lengths, dtype=torch.bool)
        for t in range(history.shape[1]):
            logits = memory.logits(slot)
            history[rows, t] = logits
            leader = logits.argmax(dim=1)
            ended = (leader == EOA) | (t + 1 >= caps)
            n_rows[rows] = torch.where(ended & alive, t + 1, n_rows[rows])
            alive &= ~ended
            n_alive = int(alive.sum())
            if not n_alive:
                break
            memory.write(slot, _feedback(logits))
            slot = torch.minimum(slot + (leader == SHIFT), final)
            if n_alive <= 0.75 * len(alive):
                keep = alive.nonzero().squeeze(1)
                rows, slot, final, caps, alive = rows[keep], slot[keep], final[keep], caps[keep], alive[keep]
                memory.keep(keep, int(final.max()) + 1)
        steps = torch.arange(history.shape[1], device=words.device)
        _check_finite(history, steps < n_rows[:, None])
        probabilities = torch.sigmoid(history).float().cpu().numpy()
        return [row[:n].copy() for row, n in zip(probabilities, n_rows.tolist())]


def action_loss(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy over the entries of mask (all [B, T, A]); a scalar, 0 when mask is empty.

    Without foreign actions it is the paper's mean over rows and actions. With them the paper divides by all A; here foreign
    entries do not count, so a corpus with few labels weighs as much as one with many.
    """
    loss = F.binary_cross_entropy_with_logits(logits, targets, weight=mask.to(logits.dtype), reduction="sum")
    return loss / mask.sum().clamp(min=1)


def _feedback(logits: Tensor, trainable: Tensor | None = None) -> Tensor:
    """w [B, A]: softmax weights of the actions not below SHIFT, not renormalised; no gradient to logits outside `trainable`."""
    outranked = logits < logits[:, SHIFT : SHIFT + 1]
    if trainable is not None:
        logits = torch.where(trainable, logits, logits.detach())
    return torch.softmax(logits, dim=1).masked_fill(outranked, 0.0)


def _check_finite(logits: Tensor, kept: Tensor) -> None:
    """Raise FloatingPointError for the first step at which a kept row (kept [B, T]) of logits [B, T, A] is not finite."""
    bad = ~torch.isfinite(logits).all(dim=2) & kept
    if bool(bad.any()):
        step = int(bad.any(dim=0).nonzero()[0])
        raise FloatingPointError(f"The action logits became NaN or infinite at step {step} ({int(bad.sum())} rows).")


class _GoldWalk:
    """Where the pointer goes along gold rows, and which targets each step gets. Arguments as of `forward_gold`.

    Without foreign actions everything is known beforehand (`dynamic` False). With them a SHIFT may be postponed, so rows
    depend on the logits; a flag is read back per step to know when all sentences have reached their EOA.
    """

    def __init__(self, gold: Tensor, gold_lengths: Tensor, foreign: Tensor, lengths: Tensor) -> None:
        self.gold, self.gold_lengths, self.foreign, self.final = gold, gold_lengths, foreign, lengths + 1
        self.dynamic = bool(foreign.any())
        self.n_steps = int(gold_lengths.max())
        self.t = 0
        shifts = gold[:, :, SHIFT].long()
        self.slots = torch.minimum(1 + shifts.cumsum(dim=1) - shifts, self.final[:, None])
        self.sentence = torch.arange(len(gold), device=gold.device)
        self.row = torch.zeros_like(lengths)
        self.postponed = torch.zeros_like(lengths, dtype=torch.bool)
        self.ended = torch.zeros_like(self.postponed)
        self.done = False
        self._targets: list[Tensor] = []
        self._kept: list[Tensor] = []

    @property
    def slot(self) -> Tensor:
        """q of this step, [B]."""
        return self.slots[self.sentence, self.row] if self.dynamic else self.slots[:, self.t]

    def advance(self, logits: Tensor) -> None:
        """Take the detached logits [B, A] of this step and go to the next."""
        self.t += 1
        if not self.dynamic:
            self.done = self.t >= self.n_steps
            return
        row = self.gold[self.sentence, self.row]
        shift = logits[:, SHIFT]
        outranked = ((logits > shift[:, None]) & self.foreign).any(dim=1)
        self.postponed = row[:, SHIFT] & outranked & ~self.postponed
        target = row.to(logits.dtype)
        target[:, SHIFT] = torch.where(self.postponed, torch.sigmoid(shift), target[:, SHIFT])
        self._targets.append(target)
        self._kept.append(~self.ended)
        last = self.row + 1 >= self.gold_lengths
        self.row = torch.where(self.postponed | last, self.row, self.row + 1)
        self.ended = self.ended | (last & ~self.postponed)
        self.done = bool(self.ended.all())

    def targets(self) -> tuple[Tensor, Tensor]:
        """(targets, mask) [B, T', A] of all steps taken."""
        if self.dynamic:
            targets, kept = torch.stack(self._targets, dim=1), torch.stack(self._kept, dim=1)
        else:
            targets = self.gold[:, : self.n_steps]
            kept = torch.arange(self.n_steps, device=targets.device) < self.gold_lengths[:, None]
        return targets, kept[:, :, None] & ~self.foreign[:, None]


class _Inputs(NamedTuple):
    """What both paths start from; dropout masks are applied except to the context, whose mask is kept apart."""

    memory: Tensor  # C(0) [B, Q, d]
    features: Tensor  # word half of the perceptron's input, [B, Q, d]
    valid: Tensor  # bool [B, Q]
    queries: Tensor  # L o D1 [J, d]
    positions: Tensor  # R [2H + 3, d]
    context_mask: Tensor | None  # [B, 1, d]


def _prepare(unit: SlotRecurrentUnit, words: Tensor, lengths: Tensor) -> _Inputs:
    """Lay the words into slots, whatever the padding holds, and draw the dropout masks of this call."""
    batch, _, width = words.shape
    slots = torch.arange(words.shape[1] + 2, device=words.device)
    padding = slots[1:-1] > lengths[:, None]
    ends = words.new_zeros(batch, 1, width)
    spread = torch.cat([ends + unit.cls, words.masked_fill(padding[:, :, None], 0.0), ends], dim=1)
    spread = spread + (slots == lengths[:, None] + 1)[:, :, None] * unit.sep
    memory = spread + (slots == 0)[:, None] * unit.start
    latents, positions, features, context_mask = unit.latents, unit.positions, spread, None
    if unit.training:
        latents = F.dropout(latents, unit.latent_dropout)
        positions = F.dropout(positions, unit.position_dropout)
        features = F.dropout(features, unit.dropout)
        if unit.dropout:
            context_mask = F.dropout(words.new_ones(batch, 1, width), unit.dropout)
    valid = slots <= lengths[:, None] + 1
    return _Inputs(memory, features, valid, latents * unit.latent_scale, positions, context_mask)


def _position_rows(offsets: Tensor, half_context: int) -> Tensor:
    """Rows of R for offsets i - c of any slots but [CLS] (whose row is the last)."""
    return torch.where(offsets.abs() <= half_context, offsets + half_context, 2 * half_context + 1)


class _PlainMemory:
    """The recurrence as written in the module's docstring: forms C [B, Q, d], steps are ordinary autograd operations."""

    def __init__(self, unit: SlotRecurrentUnit, inputs: _Inputs) -> None:
        self.unit, self.inputs, self.memory = unit, inputs, inputs.memory
        self.centre = torch.zeros(len(inputs.memory), dtype=torch.long, device=inputs.memory.device)

    def logits(self, slot: Tensor) -> Tensor:
        """u [B, A] at slots [B]."""
        unit, inputs = self.unit, self.inputs
        slots = torch.arange(self.memory.shape[1], device=slot.device)
        rows = _position_rows(slots - self.centre[:, None], unit.half_context)
        rows[:, 0] = len(inputs.positions) - 1
        keys = unit.token_multiplier * self.memory + F.embedding(rows, inputs.positions)
        # max and not amax: amax would share the gradient of a tie, and latents equal at the start would stay equal for ever
        score = (keys @ inputs.queries.T).max(dim=2).values.masked_fill(~inputs.valid, HIDE)
        alpha = torch.softmax(score, dim=1)
        context = (alpha[:, None] @ self.memory) * unit.value_scale
        if inputs.context_mask is not None:
            context = context * inputs.context_mask
        word = inputs.features[torch.arange(len(slot), device=slot.device), slot]
        hidden = torch.tanh(unit.hidden(torch.cat([word, context[:, 0]], dim=1)))
        return unit.output(hidden)

    def write(self, slot: Tensor, weights: Tensor) -> None:
        """Add weights [B, A] times the action embeddings to slots [B]; they become the centre of the next step."""
        here = F.one_hot(slot, self.memory.shape[1]).to(weights.dtype)
        self.memory = self.memory + here[:, :, None] * (weights @ self.unit.actions)[:, None]
        self.centre = slot

    def keep(self, rows: Tensor, n_slots: int) -> None:
        """Keep these sentences of the batch and that many slots."""
        memory, features, valid = (part[rows, :n_slots] for part in self.inputs[:3])
        mask = None if self.inputs.context_mask is None else self.inputs.context_mask[rows]
        self.inputs = self.inputs._replace(memory=memory, features=features, valid=valid, context_mask=mask)
        self.memory, self.centre = self.memory[rows, :n_slots], self.centre[rows]


def _low_rank_tables(unit: SlotRecurrentUnit, inputs: _Inputs) -> tuple[Tensor, ...]:
    """The tables of the low-rank path, as large products over all slots; in the order that `_LowRankMemory` takes them."""
    scaled = unit.hidden.weight[:, unit.width :] * unit.value_scale
    contexts, actions = inputs.memory, unit.actions
    if inputs.context_mask is not None:
        contexts, actions = contexts * inputs.context_mask, actions * inputs.context_mask
    own = F.linear(inputs.features, unit.hidden.weight[:, : unit.width], unit.hidden.bias)  # [B, Q, K]
    values = F.linear(contexts, scaled)  # [B, Q, K]
    scores = unit.token_multiplier * F.linear(inputs.memory, inputs.queries)
    scores = scores.masked_fill(~inputs.valid[:, :, None], HIDE)  # [B, Q, J]
    n_slots = inputs.memory.shape[1]
    offsets = torch.arange(1 - n_slots, n_slots, device=scores.device)
    rows = F.pad(_position_rows(offsets, unit.half_context), (0, 1), value=len(inputs.positions) - 1)
    strip = F.linear(inputs.positions[rows], inputs.queries)  # [2Q, J]: offsets 1-Q..Q-1, then [CLS]
    action_scores = unit.token_multiplier * F.linear(unit.actions, inputs.queries)  # [A, J]
    action_values = F.linear(actions, scaled)  # [A, K], or [B, A, K] under dropout
    return own, values, scores, strip, action_scores, action_values, unit.output.weight, unit.output.bias


class _LowRankMemory:
    """The state of the low-rank path: scores [B, Q, J] and values [B, Q, K], changed in place. No autograd.

    own [B, Q, K], strip [2Q, J], action_scores [A, J], action_values [A, K] or [B, A, K], weight [A, K], bias [A].
    """

    def __init__(
        self, own: Tensor, values: Tensor, scores: Tensor, strip: Tensor, action_scores: Tensor, action_values: Tensor,
        weight: Tensor, bias: Tensor,
    ) -> None:  # fmt: skip
        self.own, self.values, self.scores = own, values.clone(), scores.clone()
        self.strip, self.action_scores, self.action_values = strip, action_scores, action_values
        self.weight, self.bias, self.centre = weight, bias, torch.zeros(len(own), dtype=torch.long, device=own.device)
        n_slots = own.shape[1]
        self.origin = torch.arange(n_slots, device=own.device) + n_slots - 1  # row of the strip of slot i, centre 0
        self.origin[0] = 2 * n_slots - 1
        self.moves = torch.ones_like(self.origin)  # [CLS] has its row whatever the centre
        self.moves[0] = 0
        self.first = torch.arange(len(own), device=own.device) * n_slots
        self.alpha = self.winner = self.activation = self.replaced = own

    def strip_rows(self, centre: Tensor) -> Tensor:
        """Rows of the strip, [..., Q], for centres [...]."""
        return torch.addcmul(self.origin, centre[..., None], self.moves, value=-1)

    def logits(self, slot: Tensor) -> Tensor:
        """u [B, A] at slots [B]; keeps alpha [B, Q], winner [B, Q] (latent of the max), activation [B, K] for the tape."""
        score, self.winner = F.embedding(self.strip_rows(self.centre), self.strip).add_(self.scores).max(dim=2)
        self.alpha = torch.softmax(score, dim=1)
        here = self.own.flatten(0, 1).index_select(0, self.first + slot)
        self.activation = torch.baddbmm(here[:, None], self.alpha[:, None], self.values).squeeze(1).tanh_()
        return torch.addmm(self.bias, self.activation, self.weight.T)

    def write(self, slot: Tensor, weights: Tensor) -> None:
        """Add weights [B, A] at slots [B], the centre of the next step; keeps the values that were there, `replaced` [B, K]."""
        here = self.first + slot
        values = self.values.flatten(0, 1)
        self.replaced = values.index_select(0, here)
        values.index_copy_(0, here, self.replaced + _combine(weights, self.action_values))
        self.scores.flatten(0, 1).index_add_(0, here, weights @ self.action_scores)
        self.centre = slot

    def keep(self, rows: Tensor, n_slots: int) -> None:
        """Keep these sentences of the batch and that many slots."""
        self.own, self.values, self.scores = (
            part[:, :n_slots].index_select(0, rows) for part in (self.own, self.values, self.scores)
        )
        if self.action_values.dim() == 3:
            self.action_values = self.action_values[rows]
        self.origin, self.moves = self.origin[:n_slots], self.moves[:n_slots]
        self.first = torch.arange(len(rows), device=rows.device) * n_slots
        self.centre = self.centre[rows]


def _combine(weights: Tensor, table: Tensor) -> Tensor:
    """weights [B, A] times a table [A, K], or one table per sentence [B, A, K]."""
    return weights @ table if table.dim() == 2 else torch.bmm(weights[:, None], table).squeeze(1)


class _LowRankScan(torch.autograd.Function):
    """All training steps of the low-rank path: (walk, trainable, *tables) -> logits [B, T', A].

    The tape of a step holds alpha and winner [B, Q], activation and replaced values [B, K], logits and weights [B, A]. The
    backward pass walks it from the end, puts the replaced values back, and needs gradients of the state only at the slot that
    the step wrote: what later steps s read there, alpha_s times their gradient, is summed on demand. Every gradient of a table
    is one product over all steps, after the loop.
    """

    @staticmethod
    def forward(ctx: Any, walk: _GoldWalk, trainable: Tensor | None, *tables: Tensor) -> Tensor:
        memory = _LowRankMemory(*tables)
        tape: list[tuple[Tensor, ...]] = []
        while not walk.done:
            slot, centre = walk.slot, memory.centre
            logits = memory.logits(slot)
            weights = _feedback(logits)
            memory.write(slot, weights)
            walk.advance(logits)
            tape.append((logits, weights, memory.alpha, memory.winner, memory.activation, memory.replaced, slot, centre))
        stacked = [torch.stack(parts, dim=1) for parts in zip(*tape)]
        ctx.memory, ctx.trainable = memory, trainable
        ctx.save_for_backward(*stacked)
        return stacked[0].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        logits, weights, alpha, winner, activation, replaced, slot, centre = ctx.saved_tensors
        memory: _LowRankMemory = ctx.memory
        values = memory.values.clone()  # the state after the last step; a copy, for a graph that is walked twice
        batch, n_steps = alpha.shape[:2]
        here = memory.first[:, None] + slot  # [B, T], flat slots
        softmax = torch.softmax(logits, dim=2)
        slope = 1 - activation * activation
        readers = alpha.transpose(1, 2).flatten(0, 1)[here]  # [B, T, T]: what step s (last) reads of the slot written at t
        d_logits, d_inner = grad.clone(), torch.zeros_like(activation)
        d_score = torch.empty_like(alpha)
        d_written_scores = alpha.new_empty(batch, n_steps, memory.scores.shape[2])
        d_written_values = torch.empty_like(activation)
        d_scores = torch.zeros_like(memory.scores)
        d_scores_flat, values_flat = d_scores.flatten(0, 1), values.flatten(0, 1)
        action_scores, action_values = memory.action_scores.T, memory.action_values.transpose(-1, -2)
        for t in range(n_steps - 1, -1, -1):
            d_u = d_logits[:, t]
            if t < n_steps - 1:  # nothing reads what the last step wrote
                d_written_scores[:, t] = at_scores = d_scores_flat.index_select(0, here[:, t])
                d_written_values[:, t] = at_values = (
                    torch.bmm(readers[:, t, None, t + 1 :], d_inner[:, t + 1 :]).squeeze(1)
                )
                pull = weights[:, t] * (at_scores @ action_scores + _combine(at_values, action_values))
                back = torch.addcmul(pull, softmax[:, t], pull.sum(dim=1, keepdim=True), value=-1)
                d_u += back if ctx.trainable is None else back * ctx.trainable
            values_flat.index_copy_(0, here[:, t], replaced[:, t])
            d_z = torch.mul(d_u @ memory.weight, slope[:, t], out=d_inner[:, t])
            d_alpha = torch.bmm(values, d_z[:, :, None]).squeeze(2) * alpha[:, t]
            step = torch.addcmul(d_alpha, alpha[:, t], d_alpha.sum(dim=1, keepdim=True), value=-1)
            d_score[:, t] = step
            d_scores.scatter_add_(2, winner[:, t, :, None], step[:, :, None])
        d_written_scores[:, -1], d_written_values[:, -1] = 0.0, 0.0
        d_own = torch.zeros_like(values).flatten(0, 1).index_add_(0, here.flatten(), d_inner.flatten(0, 1))
        d_values = torch.bmm(alpha.transpose(1, 2), d_inner)
        cells = memory.strip_rows(centre) * memory.strip.shape[1] + winner
        d_strip = torch.zeros_like(memory.strip)
        d_strip.view(-1).index_add_(0, cells.flatten(), d_score.flatten())
        flat_weights, flat_logits = weights.flatten(0, 1), d_logits.flatten(0, 1)
        d_action_scores = flat_weights.T @ d_written_scores.flatten(0, 1)
        if memory.action_values.dim() == 2:
            d_action_values = flat_weights.T @ d_written_values.flatten(0, 1)
        else:
            d_action_values = torch.bmm(weights.transpose(1, 2), d_written_values)
        d_weight = flat_logits.T @ activation.flatten(0, 1)
        d_tables = (d_own.view_as(values), d_values, d_scores, d_strip, d_action_scores, d_action_values)
        return (None, None, *d_tables, d_weight, flat_logits.sum(dim=0))
