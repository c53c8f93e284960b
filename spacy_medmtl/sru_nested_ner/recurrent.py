"""The slot recurrent unit of SRU-NER: a memory with a slot per word, into which the model writes its own predictions.

Source: Ruano et al., "Effective Multi-Task Learning for Biomedical NER", BioNLP 2025: model and multi-task training.

B sentences, N words, Q = N + 2 slots (0 [CLS], 1..N words, N+1 [SEP]), d width, K = 2d hidden units, A actions, J
latents, T steps, H half context. At a step, with q the slot of the word and c that of the step before (0 at first):

    score_i = max_j (L_j o D1) . (tau C_i + R[i - c]);   alpha = softmax_i(score);   h = sum_i alpha_i (D2 o C_i)
    u = W2 tanh(W1 [S_q ; h] + b1) + b2;   w = softmax(u) o [u >= u_SHIFT];   C_q += w E

C starts as S, with a learned start vector added to slot 0. w is the model's own prediction in training too, with
gradient: gold only moves q. Its mask is the paper's sigmoid(u) >= sigmoid(u_SHIFT), where rounding makes no ties.

Two paths give the same numbers (`memory`). `plain` forms C and follows the lines above. `low_rank` never forms C: every
update is a combination of the A rows of E, so it keeps the products that C is read through. Its training pass is one
autograd function (`low_rank_steps`) whose tape holds O(Q + K) numbers a step, not O(Q d).

Dropout (training only): the paper draws new masks every step. Here, to keep the low-rank form exact, once per call:
latents [J, d] and position rows [2Q, d], shared by the batch; the perceptron's word half per slot, its context half per
sentence. Both paths draw the same masks from the same generator state.
"""

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from .gold_steps import GoldWalk
from .low_rank_steps import LowRankScan
from .memory import Inputs, LowRankMemory, PlainMemory, feedback, low_rank_tables
from .transitions import EOA, SHIFT
from .unit_weights import UnitWeights


class SlotRecurrentUnit(UnitWeights):
    """The head: word vectors -> action logits, a row per step.

    `path` may be changed at any time. paper_compat: what the authors' code does where the paper says otherwise or
    nothing. Beside what ``UnitWeights`` says, the offset H + 1 has the row of [CLS]; the row of the offset 3 is 0 and
    stays so; losses reach foreign logits through the memory; rows behind a sentence's end count (see `GoldWalk`);
    prediction goes on until all sentences of a batch have ended or its longest reaches the cap. What is left of their
    list: they pool vectors of padding into the [SEP] of some sentences, which no tok2vec layer passes on.
    """

    def forward_gold(
        self, words: Tensor, lengths: Tensor, gold: Tensor, gold_lengths: Tensor, foreign: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run along gold rows: (logits, targets, mask), each [B, T', A].

        words [B, N, d] padded; lengths [B]; gold bool [B, T, A], padded rows of the oracle; gold_lengths [B] >= 1, with
        the EOA row; foreign bool [B, A], actions of the labels that the sentence's corpus does not annotate.

        Without foreign actions targets are the gold rows. With them (multi-task target rule) a gold SHIFT that a
        foreign action outranks is postponed by one step, at most once; that step has targets 0 for own actions and the
        model's own probability, detached, for SHIFT. mask is False after a sentence's EOA and for foreign actions.

        The loss is the mean binary cross-entropy over the entries of mask. None is taken on a sentence's foreign
        logits, and (unless paper_compat) later losses do not reach them through the memory either: from it their rows
        of `output` get exactly no gradient. What is written still uses all actions, so their rows of `actions` get
        gradient when the model itself writes them.

        Raises ValueError for a foreign SHIFT, EOA or gold action, FloatingPointError naming the first step not finite.
        """
        if bool(foreign[:, [EOA, SHIFT]].any()) or bool((gold & foreign[:, None]).any()):
            raise ValueError("SHIFT and EOA cannot be foreign, and gold rows cannot hold foreign actions.")
        walk = GoldWalk(gold, gold_lengths, foreign, lengths, paper_compat=self.paper_compat)
        trainable = None if self.paper_compat or not walk.dynamic else ~foreign
        inputs = _prepare(self, words, lengths, drop=self.training)
        if self.path == "low_rank":
            logits = LowRankScan.apply(walk, trainable, *low_rank_tables(self, inputs))
        else:
            memory, steps = PlainMemory(self, inputs), []
            while not walk.done:
                slot = walk.slot
                steps.append(memory.logits(slot))
                memory.write(slot, feedback(steps[-1], trainable))
                walk.advance(steps[-1].detach())
            logits = torch.stack(steps, dim=1)
        targets, mask = walk.targets()
        _check_finite(logits.detach(), mask[:, :, EOA])
        return logits, targets.to(logits.dtype), mask

    @torch.no_grad()
    def greedy(self, words: Tensor, lengths: Tensor, *, max_steps_per_slot: float = 1.5) -> list[numpy.ndarray]:
        """Predict, without dropout: float32 probabilities [T_i, A] of each sentence, with the EOA row.

        words [B, N, d] padded, lengths [B], 0 allowed. A sentence ends at its own row led by EOA, or after
        ceil(max_steps_per_slot * (N_i + 2)) rows, at least N_i + 1, whatever its batch; dense spans need a larger cap.
        Ended sentences leave when they are a quarter. Raises FloatingPointError naming the first step not finite.
        """
        if not len(words):
            return []
        caps = torch.maximum(torch.ceil(max_steps_per_slot * (lengths + 2.0)).long(), lengths + 1)
        final = lengths + 1
        if self.paper_compat:
            caps, final = torch.full_like(caps, int(caps.max())), torch.full_like(final, int(final.max()))
        # Q is that of the longest sentence; shorter ones have slots that are hidden from attention
        inputs, low_rank = _prepare(self, words, lengths, drop=False), self.path == "low_rank"
        memory = LowRankMemory(*low_rank_tables(self, inputs)) if low_rank else PlainMemory(self, inputs)
        history = words.new_zeros(len(words), int(caps.max()), len(self.actions))
        n_rows, rows = caps.clone(), torch.arange(len(words), device=words.device)
        slot, alive = torch.ones_like(lengths), torch.ones_like(lengths, dtype=torch.bool)
        patience = 1 if words.device.type == "cpu" else 16  # to ask a GPU who is alive is to wait for it
        for t in range(history.shape[1]):
            logits = memory.logits(slot)
            history[rows, t] = logits
            leader = logits.argmax(dim=1)
            # the authors' loop ends on a probability above 0.5, whatever leads; what they decode ends where EOA leads
            ends = (leader == EOA) if not self.paper_compat else logits[:, EOA] > 0
            ended = alive & (ends | (t + 1 >= caps))
            # by the number that a sentence had at first, as others may have left since
            n_rows[rows] = torch.where(ended, t + 1, n_rows[rows])
            alive = alive & ~ended
            memory.write(slot, feedback(logits))
            slot = torch.minimum(slot + (leader <= SHIFT if self.paper_compat else leader == SHIFT), final)
            if (t + 1) % patience and t + 1 < history.shape[1]:
                continue
            n_alive = int(alive.sum())
            if not n_alive:
                break
            if n_alive <= 0.75 * len(alive) and not self.paper_compat:
                keep = torch.arange(n_alive, device=words.device)  # those alive at the end move into the gaps before
                keep[~alive[:n_alive]] = n_alive + alive[n_alive:].nonzero().squeeze(1)
                rows, slot, final, caps, alive = rows[keep], slot[keep], final[keep], caps[keep], alive[keep]
                memory.keep(keep, int(final.max()) + 1)
        if self.paper_compat:
            n_rows.fill_(t + 1)
        _check_finite(history, torch.arange(history.shape[1], device=words.device) < n_rows[:, None])
        probabilities = torch.sigmoid(history).float().cpu().numpy()
        return [row[:n].copy() for row, n in zip(probabilities, n_rows.tolist(), strict=True)]


def _check_finite(logits: Tensor, kept: Tensor) -> None:  # [B, T, A], [B, T]
    """Raise FloatingPointError for the first step at which a kept row of logits is not finite."""
    bad = ~torch.isfinite(logits).all(dim=2) & kept
    if bool(bad.any()):
        raise FloatingPointError(f"The logits became NaN or infinite at step {int(bad.any(dim=0).nonzero()[0])}.")


def _prepare(unit: SlotRecurrentUnit, words: Tensor, lengths: Tensor, *, drop: bool) -> Inputs:
    """Lay the words into slots, whatever the padding holds, and draw the dropout masks of this call."""
    n_slots, far, border = words.shape[1] + 2, 2 * unit.half_context + 1, words.new_zeros(len(words), 1, unit.width)
    slots = torch.arange(n_slots, device=words.device)
    # padding is whatever a tok2vec layer left there; here it must not be NaN, which would spread through 0 * NaN
    words = words.masked_fill((slots[:-2] >= lengths[:, None])[:, :, None], 0.0)
    # [B, N, d] to [B, Q, d]: slot 0 is [CLS], words follow, [SEP] comes right behind each sentence's last word
    spread = torch.cat([border + unit.cls, words, border], dim=1)
    spread = spread + (slots == lengths[:, None] + 1)[:, :, None] * unit.sep
    offsets = torch.arange(1 - n_slots, n_slots, device=words.device)
    # the row of R for each offset 1-Q..Q-1: -H..H have their own, all farther ones share one [2Q - 1]
    rows = torch.where(offsets.abs() <= unit.half_context, offsets + unit.half_context, far)
    if unit.paper_compat:
        rows[offsets == unit.half_context + 1] = far + 1
    strip = unit.positions[functional.pad(rows, (0, 1), value=far + 1)]
    if unit.paper_compat:
        strip = strip.masked_fill(functional.pad(offsets == 3, (0, 1))[:, None], 0.0)
    # L o D1 [J, d]; all masks of a call are drawn from here on, so that both paths draw the same
    queries = functional.dropout(unit.latents, unit.latent_dropout, training=drop) * unit.latent_scale
    strip = functional.dropout(strip, unit.position_dropout, training=drop)
    mask = functional.dropout(torch.ones_like(border), unit.dropout) if drop and unit.dropout else None
    features = functional.dropout(spread, unit.dropout, training=drop)
    memory, valid = spread + (slots == 0)[:, None] * unit.start, slots <= lengths[:, None] + 1
    return Inputs(memory, features, valid, queries, strip, mask)
