"""The slot recurrent unit of SRU-NER: a memory with a slot per word, into which the model writes its own predictions.

Source: Ruano et al., "Effective Multi-Task Learning for Biomedical NER", BioNLP 2025: model and multi-task training.

B sentences, N words, Q = N + 2 slots (0 [CLS], 1..N words, N+1 [SEP]), d width, K = 2d hidden units, A actions, J
latents, T steps, H half context. At a step, with q the slot of the word and c that of the step before (0 at first):

    score_i = max_j (L_j o D1) . (tau C_i + R[i - c]);   alpha = softmax_i(score);   h = sum_i alpha_i (D2 o C_i)
    u = W2 tanh(W1 [S_q ; h] + b1) + b2;   w = softmax(u) o [u >= u_SHIFT];   C_q += w E

C starts as S, with a learned start vector added to slot 0. w is the model's own prediction in training too, with
gradient: gold only moves q. Its mask is the paper's sigmoid(u) >= sigmoid(u_SHIFT), where rounding makes no ties.

Two paths give the same numbers. `plain` forms C and follows the lines above. `low_rank` never forms C: every update is
a combination of the A rows of E, so it keeps the products that C is read through, with the latents [Q, J] and the right
half of W1 [Q, K]. Its training pass is one autograd function whose tape holds O(Q + K) numbers a step, not O(Q d).

Dropout (training only): the paper draws new masks every step. Here, to keep the low-rank form exact, once per call:
latents [J, d] and position rows [2Q, d], shared by the batch; the perceptron's word half per slot, its context half per
sentence. Both paths draw the same masks from the same generator state.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .transitions import EOA, SHIFT, n_actions

HIDE = -1e30  # score of a padding slot: finite, so that no row becomes NaN, and exactly 0 after softmax


class SlotRecurrentUnit(nn.Module):
    """The head: word vectors -> action logits, a row per step.

    [CLS] and [SEP] are two learned vectors (initially 0), not the encoder's, since any tok2vec gives word rows only. R
    has a row for each of -H..H, one for all that is farther, one for [CLS]. Latents start at 0 as in the paper: the max
    gives the gradient of a tie to one of them, and so they part ways. `path` may be changed at any time. For
    foreign_feedback see `forward_gold`. Raises ValueError for an unknown path.
    """

    def __init__(
        self, width: int, n_labels: int, *, latents_per_action: int = 2, half_context: int = 150,
        token_multiplier: float = 1.0, train_token_multiplier: bool = False, dropout: float = 0.1,
        latent_dropout: float = 0.2, position_dropout: float = 0.2, foreign_feedback: bool = False,
        path: Literal["low_rank", "plain"] = "low_rank",
    ) -> None:  # fmt: skip
        super().__init__()
        if path not in ("low_rank", "plain"):
            raise ValueError(f"path is {path!r}, expected 'low_rank' or 'plain'.")
        self.width, self.half_context, self.path, self.foreign_feedback = width, half_context, path, foreign_feedback
        self.dropout, self.latent_dropout, self.position_dropout = dropout, latent_dropout, position_dropout
        n = n_actions(n_labels)
        self.cls, self.sep, self.start = (nn.Parameter(torch.zeros(width)) for _ in range(3))
        self.actions = nn.Parameter(torch.randn(n, width))  # E
        self.latents = nn.Parameter(torch.zeros(latents_per_action * n, width))  # L
        self.latent_scale, self.value_scale = (nn.Parameter(torch.ones(width)) for _ in range(2))  # D1, D2
        self.positions = nn.Parameter(torch.randn(2 * half_context + 3, width))  # R: -H..H, far, [CLS]
        self.token_multiplier = nn.Parameter(torch.tensor(float(token_multiplier)), train_token_multiplier)  # tau
        self.hidden = nn.Linear(2 * width, 2 * width)  # W1, b1
        self.output = nn.Linear(2 * width, n)  # W2, b2

    def forward_gold(
        self, words: Tensor, lengths: Tensor, gold: Tensor, gold_lengths: Tensor, foreign: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run along gold rows: (logits, targets, mask), each [B, T', A], for `action_loss`.

        words [B, N, d] padded; lengths [B]; gold bool [B, T, A], padded rows of the oracle; gold_lengths [B] >= 1, with
        the EOA row; foreign bool [B, A], actions of the labels that the sentence's corpus does not annotate.

        Without foreign actions targets are the gold rows. With them (multi-task target rule) a gold SHIFT that a
        foreign action outranks is postponed by one step, at most once; that step has targets 0 for own actions and the
        model's own probability, detached, for SHIFT. mask is False after a sentence's EOA and for foreign actions.

        No loss is taken on a sentence's foreign logits, and unless foreign_feedback (as the paper's code does) later
        losses do not reach them through the memory either: from it their rows of `output` get exactly no gradient. What
        is written still uses all actions, so their rows of `actions` get gradient when the model itself writes them.

        Raises ValueError for a foreign SHIFT, EOA or gold action, FloatingPointError naming the first step not finite.
        """
        if bool(foreign[:, [EOA, SHIFT]].any()) or bool((gold & foreign[:, None]).any()):
            raise ValueError("SHIFT and EOA cannot be foreign, and gold rows cannot hold foreign actions.")
        walk = _GoldWalk(gold, gold_lengths, foreign, lengths)
        trainable = None if self.foreign_feedback or not walk.dynamic else ~foreign
        inputs = _prepare(self, words, lengths, drop=self.training)
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
        """Predict, without dropout: float32 probabilities [T_i, A] of each sentence, with the EOA row.

        words [B, N, d] padded, lengths [B], 0 allowed. A sentence ends at its own row led by EOA, or after
        ceil(max_steps_per_slot * (N_i + 2)) rows, at least N_i + 1, whatever its batch; dense spans need a larger cap.
        Ended sentences leave when they are a quarter. Raises FloatingPointError naming the first step not finite.
        """
        if not len(words):
            return []
        caps = torch.maximum(torch.ceil(max_steps_per_slot * (lengths + 2.0)).long(), lengths + 1)
        inputs, low_rank = _prepare(self, words, lengths, drop=False), self.path == "low_rank"
        memory = _LowRankMemory(*_low_rank_tables(self, inputs)) if low_rank else _PlainMemory(self, inputs)
        history = words.new_zeros(len(words), int(caps.max()), len(self.actions))
        n_rows, rows = caps.clone(), torch.arange(len(words), device=words.device)
        slot, final, alive = torch.ones_like(lengths), lengths + 1, torch.ones_like(lengths, dtype=torch.bool)
        for t in range(history.shape[1]):
            logits = memory.logits(slot)
            history[rows, t] = logits
            leader = logits.argmax(dim=1)
            ended = alive & ((leader == EOA) | (t + 1 >= caps))
            n_rows[rows] = torch.where(ended, t + 1, n_rows[rows])
            alive = alive & ~ended
            n_alive = int(alive.sum())
            if not n_alive:
                break
            memory.write(slot, _feedback(logits))
            slot = torch.minimum(slot + (leader == SHIFT), final)
            if n_alive <= 0.75 * len(alive):
                keep = torch.arange(n_alive, device=words.device)  # those alive at the end move into the gaps before
                keep[~alive[:n_alive]] = n_alive + alive[n_alive:].nonzero().squeeze(1)
                rows, slot, final, caps, alive = rows[keep], slot[keep], final[keep], caps[keep], alive[keep]
                memory.keep(keep, int(final.max()) + 1)
        _check_finite(history, torch.arange(history.shape[1], device=words.device) < n_rows[:, None])
        probabilities = torch.sigmoid(history).float().cpu().numpy()
        return [row[:n].copy() for row, n in zip(probabilities, n_rows.tolist(), strict=True)]


def action_loss(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy over the entries of mask (all [B, T, A]), a scalar; 0 for an empty mask.

    Without foreign actions it is the paper's mean over rows and actions. The paper always divides by all A; here
    foreign entries do not count, so a corpus with few labels weighs as much as one with many.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, targets, mask.to(logits.dtype), reduction="sum")
    return loss / mask.sum().clamp(min=1)


def _feedback(logits: Tensor, trainable: Tensor | None = None) -> Tensor:
    """w [B, A]: softmax of the actions not below SHIFT, not renormalised; no gradient to logits outside `trainable`."""
    outranked = logits < logits[:, SHIFT : SHIFT + 1]
    if trainable is not None:
        logits = torch.where(trainable, logits, logits.detach())
    return torch.softmax(logits, dim=1).masked_fill(outranked, 0.0)


def _check_finite(logits: Tensor, kept: Tensor) -> None:  # [B, T, A], [B, T]
    """Raise FloatingPointError for the first step at which a kept row of logits is not finite."""
    bad = ~torch.isfinite(logits).all(dim=2) & kept
    if bool(bad.any()):
        raise FloatingPointError(f"The logits became NaN or infinite at step {int(bad.any(dim=0).nonzero()[0])}.")


class _GoldWalk:
    """Where the pointer goes along gold rows and the targets of each step; arguments as of `forward_gold`.

    Without foreign actions all is known beforehand. With them (`dynamic`) a SHIFT may be postponed, so it depends on
    the logits, and one flag is read back per step: have all sentences passed their EOA?
    """

    def __init__(self, gold: Tensor, gold_lengths: Tensor, foreign: Tensor, lengths: Tensor) -> None:
        self.gold, self.last, self.foreign, self.dynamic = gold, gold_lengths - 1, foreign, bool(foreign.any())
        shifts = gold[:, :, SHIFT].long()
        self.slots = torch.minimum(1 + shifts.cumsum(dim=1) - shifts, lengths[:, None] + 1)
        self.sentence, self.row = torch.arange(len(gold), device=gold.device), torch.zeros_like(lengths)
        self.postponed = self.ended = torch.zeros_like(lengths, dtype=torch.bool)
        self.t, self.n_steps, self.done = 0, int(gold_lengths.max()), False
        self.taken: list[tuple[Tensor, Tensor]] = []

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
        row, shift = self.gold[self.sentence, self.row], logits[:, SHIFT]
        outranked = ((logits > shift[:, None]) & self.foreign).any(dim=1)
        self.postponed = row[:, SHIFT] & outranked & ~self.postponed
        target = row.to(logits.dtype)
        target[:, SHIFT] = torch.where(self.postponed, torch.sigmoid(shift), target[:, SHIFT])
        self.taken.append((target, ~self.ended))
        self.ended = self.ended | (self.row >= self.last)  # the last row is EOA, which is never postponed
        self.row = torch.where(self.postponed, self.row, torch.minimum(self.row + 1, self.last))
        self.done = bool(self.ended.all())

    def targets(self) -> tuple[Tensor, Tensor]:
        """(targets, mask) [B, T', A] of all steps taken."""
        targets, steps = self.gold[:, : self.n_steps], torch.arange(self.n_steps, device=self.gold.device)
        kept = steps <= self.last[:, None]
        if self.dynamic:
            targets, kept = (torch.stack(parts, dim=1) for parts in zip(*self.taken, strict=True))
        return targets, kept[:, :, None] & ~self.foreign[:, None]


class _Inputs(NamedTuple):
    """What both paths start from, dropout applied except to the context, whose mask is kept apart."""

    memory: Tensor  # C(0) [B, Q, d]
    features: Tensor  # word half of the perceptron's input, [B, Q, d]
    valid: Tensor  # bool [B, Q]
    queries: Tensor  # L o D1 [J, d]
    strip: Tensor  # rows of R for the offsets 1-Q..Q-1, then [CLS], [2Q, d]
    context_mask: Tensor | None  # [B, 1, d]


def _prepare(unit: SlotRecurrentUnit, words: Tensor, lengths: Tensor, *, drop: bool) -> _Inputs:
    """Lay the words into slots, whatever the padding holds, and draw the dropout masks of this call."""
    n_slots, far, border = words.shape[1] + 2, 2 * unit.half_context + 1, words.new_zeros(len(words), 1, unit.width)
    slots = torch.arange(n_slots, device=words.device)
    words = words.masked_fill((slots[:-2] >= lengths[:, None])[:, :, None], 0.0)
    spread = torch.cat([border + unit.cls, words, border], dim=1)
    spread = spread + (slots == lengths[:, None] + 1)[:, :, None] * unit.sep
    offsets = torch.arange(1 - n_slots, n_slots, device=words.device)
    rows = torch.where(offsets.abs() <= unit.half_context, offsets + unit.half_context, far)
    strip = unit.positions[functional.pad(rows, (0, 1), value=far + 1)]
    queries = functional.dropout(unit.latents, unit.latent_dropout, training=drop) * unit.latent_scale
    strip = functional.dropout(strip, unit.position_dropout, training=drop)
    mask = functional.dropout(torch.ones_like(border), unit.dropout) if drop and unit.dropout else None
    features = functional.dropout(spread, unit.dropout, training=drop)
    memory, valid = spread + (slots == 0)[:, None] * unit.start, slots <= lengths[:, None] + 1
    return _Inputs(memory, features, valid, queries, strip, mask)


class _Memory:
    """What both paths share: the centre of attention [B], its rows of the strip, and leaving the batch."""

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


class _PlainMemory(_Memory):
    """The recurrence as in the module's docstring: forms C [B, Q, d], steps are ordinary autograd operations."""

    def __init__(self, unit: SlotRecurrentUnit, inputs: _Inputs) -> None:
        super().__init__(memory=inputs.memory, features=inputs.features, valid=inputs.valid)
        self.unit, self.inputs = unit, inputs

    def logits(self, slot: Tensor) -> Tensor:
        """u [B, A] at slots [B]."""
        unit, inputs, memory = self.unit, self.inputs, self.parts["memory"]
        keys = unit.token_multiplier * memory + functional.embedding(self.strip_rows(self.centre), inputs.strip)
        # max, not amax: amax shares the gradient of a tie, and latents equal at the start would stay equal for ever
        score = (keys @ inputs.queries.T).max(dim=2).values.masked_fill(~self.parts["valid"], HIDE)
        alpha = torch.softmax(score, dim=1)
        context = torch.bmm(alpha[:, None], memory) * unit.value_scale
        if inputs.context_mask is not None:
            context = context * inputs.context_mask
        word = self.parts["features"][torch.arange(len(slot), device=slot.device), slot]
        return unit.output(torch.tanh(unit.hidden(torch.cat([word, context[:, 0]], dim=1))))

    def write(self, slot: Tensor, weights: Tensor) -> None:
        """Add weights [B, A] times E to slots [B], the centre of the next step."""
        here = functional.one_hot(slot, len(self.origin)).to(weights.dtype)
        self.parts["memory"] = self.parts["memory"] + here[:, :, None] * (weights @ self.unit.actions)[:, None]
        self.centre = slot


def _low_rank_tables(unit: SlotRecurrentUnit, inputs: _Inputs) -> tuple[Tensor, ...]:
    """The tables of the low-rank path, large products over all slots, in the order that `_LowRankMemory` takes."""
    word_half, context_half = unit.hidden.weight.split(unit.width, dim=1)
    linear, tau, mask = functional.linear, unit.token_multiplier, inputs.context_mask
    context_half = context_half * unit.value_scale
    own = linear(inputs.features, word_half, unit.hidden.bias)  # [B, Q, K]
    values = linear(inputs.memory if mask is None else inputs.memory * mask, context_half)  # [B, Q, K]
    scores = (tau * linear(inputs.memory, inputs.queries)).masked_fill(~inputs.valid[..., None], HIDE)  # [B, Q, J]
    strip = linear(inputs.strip, inputs.queries)  # [2Q, J]
    action_scores = tau * linear(unit.actions, inputs.queries)  # [A, J]
    action_values = linear(unit.actions if mask is None else unit.actions * mask, context_half)  # [A, K] or [B, A, K]
    return own, values, scores, strip, action_scores, action_values, unit.output.weight, unit.output.bias


class _LowRankMemory(_Memory):
    """The state of the low-rank path, without autograd. Takes the tables; changes values and scores in place."""

    def __init__(self, own: Tensor, values: Tensor, scores: Tensor, *others: Tensor) -> None:
        super().__init__(own=own, values=values, scores=scores)
        self.strip, self.action_scores, self.action_values, self.weight, self.bias = others
        self.own, self.values, self.scores = (part.flatten(0, 1) for part in (own, values, scores))  # views
        self.alpha = self.winner = self.activation = self.replaced = self.bias

    def logits(self, slot: Tensor) -> Tensor:
        """u [B, A] at slots [B]; leaves alpha [B, Q], winner [B, Q] (latent of the max), activation [B, K] behind."""
        score = functional.embedding(self.strip_rows(self.centre), self.strip).add_(self.parts["scores"])
        score, self.winner = score.max(dim=2)
        self.alpha = torch.softmax(score, dim=1)
        own = self.own.index_select(0, self.first + slot)
        self.activation = torch.baddbmm(own[:, None], self.alpha[:, None], self.parts["values"]).squeeze(1).tanh_()
        return torch.addmm(self.bias, self.activation, self.weight.T)

    def write(self, slot: Tensor, weights: Tensor) -> None:
        """Add weights [B, A] at slots [B], the centre of the next step; leaves the values before, `replaced`."""
        here = self.first + slot
        self.replaced = self.values.index_select(0, here)
        self.values.index_copy_(0, here, self.replaced + _combine(weights, self.action_values))
        self.scores.index_add_(0, here, weights @ self.action_scores)
        self.centre = slot


def _combine(weights: Tensor, table: Tensor) -> Tensor:
    """weights [B, A] times a table [A, K], or one table per sentence [B, A, K]."""
    return weights @ table if table.dim() == 2 else torch.bmm(weights[:, None], table).squeeze(1)


class _LowRankScan(torch.autograd.Function):
    """All training steps of the low-rank path: (walk, trainable, *tables) -> logits [B, T', A].

    The backward pass walks the tape from the end and puts the replaced values back. The state's gradient is needed only
    at the slot a step wrote: alpha of later steps there times their gradient, summed on demand. Gradients of tables are
    products over all steps, after the loop.
    """

    @staticmethod
    def forward(ctx: Any, walk: _GoldWalk, trainable: Tensor | None, *tables: Tensor) -> Tensor:
        memory = _LowRankMemory(tables[0], tables[1].clone(), tables[2].clone(), *tables[3:])
        tape = []
        while not walk.done:
            slot, centre = walk.slot, memory.centre
            logits = memory.logits(slot)
            weights = _feedback(logits)
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
        memory: _LowRankMemory = ctx.memory
        here = memory.first[:, None] + slot  # [B, T], rows of the flattened parts
        readers = alpha.transpose(1, 2).flatten(0, 1)[here]  # [B, T, T]: what step s (last) reads of the slot t wrote
        softmax, slope, n_steps = torch.softmax(logits, dim=2), 1 - activation * activation, grad.shape[1]
        d_logits, d_inner, d_score = grad.clone(), torch.zeros_like(activation), torch.zeros_like(alpha)
        values = memory.parts["values"].clone()  # the state after the last step; a copy: a graph may be walked twice
        d_scores, d_written_values = torch.zeros_like(memory.parts["scores"]), torch.zeros_like(d_inner)
        d_written_scores = alpha.new_zeros(*slot.shape, d_scores.shape[2])
        flat_values, flat_d_scores = values.flatten(0, 1), d_scores.flatten(0, 1)
        for t in range(n_steps - 1, -1, -1):
            if t < n_steps - 1:  # nothing reads what the last step wrote
                at_scores = flat_d_scores.index_select(0, here[:, t])
                at_values = torch.bmm(readers[:, t, None, t + 1 :], d_inner[:, t + 1 :]).squeeze(1)
                d_written_scores[:, t], d_written_values[:, t] = at_scores, at_values
                pull = at_scores @ memory.action_scores.T + _combine(at_values, memory.action_values.transpose(-1, -2))
                pull *= weights[:, t]
                back = torch.addcmul(pull, softmax[:, t], pull.sum(dim=1, keepdim=True), value=-1)
                d_logits[:, t] += back if ctx.trainable is None else back * ctx.trainable
            flat_values.index_copy_(0, here[:, t], replaced[:, t])
            d_inner[:, t] = d_z = (d_logits[:, t] @ memory.weight) * slope[:, t]
            # this order of the product is 10 times faster than values by a column
            d_alpha = torch.bmm(d_z[:, None], values.transpose(1, 2)).squeeze(1) * alpha[:, t]
            d_score[:, t] = at = torch.addcmul(d_alpha, alpha[:, t], d_alpha.sum(dim=1, keepdim=True), value=-1)
            d_scores.scatter_add_(2, winner[:, t, :, None], at[:, :, None])
        d_own = torch.zeros_like(flat_values).index_add_(0, here.flatten(), d_inner.flatten(0, 1)).view_as(values)
        d_values = torch.bmm(alpha.transpose(1, 2), d_inner)
        cells = memory.strip_rows(centre) * memory.strip.shape[1] + winner
        d_strip = torch.zeros_like(memory.strip).flatten().index_add_(0, cells.flatten(), d_score.flatten())
        d_action_scores = weights.flatten(0, 1).T @ d_written_scores.flatten(0, 1)
        d_action_values = torch.bmm(weights.transpose(1, 2), d_written_values)
        if memory.action_values.dim() == 2:
            d_action_values = d_action_values.sum(dim=0)
        d_tables = (d_own, d_values, d_scores, d_strip.view_as(memory.strip), d_action_scores, d_action_values)
        return None, None, *d_tables, d_logits.flatten(0, 1).T @ activation.flatten(0, 1), d_logits.sum(dim=(0, 1))
