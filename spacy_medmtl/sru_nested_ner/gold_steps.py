"""Along gold rows: which slot each step reads, what its targets are, and which of its entries bear a loss.

Source: Ruano et al., "Effective Multi-Task Learning for Biomedical NER", BioNLP 2025, multi-task training.
B sentences, T gold rows, A actions.
"""

import torch
from torch import Tensor

from .transitions import EOA, SHIFT


class GoldWalk:
    """A walk of B sentences, step by step, until all have passed their EOA row.

    gold: bool [B, T, A], padded rows of the oracle. gold_lengths [B] >= 1: rows of each, with the EOA row. foreign:
    bool [B, A], actions of the labels that a sentence's corpus does not annotate. lengths [B]: words.

    Without foreign actions all is known beforehand. With them (``dynamic``) a gold SHIFT that a foreign action outranks
    is postponed by one step, at most once; that step has targets 0 for own actions and the model's own probability for
    SHIFT. So the way depends on the logits, and once T steps are done, one flag is read back per step: have all ended?

    paper_compat: rows as the authors' code has them. Foreign actions count with their own probability as target (0 in
    an EOA row), rows behind a sentence's EOA bear loss until the longest sentence ends, and the pointer moves on there.
    """

    def __init__(
        self, gold: Tensor, gold_lengths: Tensor, foreign: Tensor, lengths: Tensor, *, paper_compat: bool = False
    ) -> None:
        self.gold, self.foreign, self.dynamic = gold, foreign, bool(foreign.any())
        self.compat = paper_compat and self.dynamic
        self.n_steps = int(gold_lengths.max())
        # the authors' index runs on through padded rows, which are all zero
        self.last = torch.full_like(gold_lengths, self.n_steps - 1) if self.compat else gold_lengths - 1
        self.final = torch.full_like(lengths, int(lengths.max()) + 1) if self.compat else lengths + 1
        # q(t) is 1 + the number of SHIFTs before step t, at most the slot of [SEP]: [B, T]
        shifts = gold[:, :, SHIFT].long()
        self.slots = torch.minimum(1 + shifts.cumsum(dim=1) - shifts, lengths[:, None] + 1)
        self.sentence, self.row = torch.arange(len(gold), device=gold.device), torch.zeros_like(lengths)
        self.position = torch.ones_like(lengths)
        self.postponed = self.ended = torch.zeros_like(lengths, dtype=torch.bool)
        self.t, self.done = 0, False
        self.taken: list[tuple[Tensor, Tensor]] = []

    @property
    def slot(self) -> Tensor:
        """q of this step, [B]."""
        return self.position if self.dynamic else self.slots[:, self.t]

    def advance(self, logits: Tensor) -> None:
        """Take the detached logits [B, A] of this step and go to the next."""
        self.t += 1
        if not self.dynamic:
            self.done = self.t >= self.n_steps
            return
        row, shift = self.gold[self.sentence, self.row], logits[:, SHIFT]
        # a foreign action that the model itself prefers to the SHIFT [B]
        outranked = ((logits > shift[:, None]) & self.foreign).any(dim=1)
        # not twice in a row, so a walk has at most twice as many steps as gold rows
        self.postponed = row[:, SHIFT] & outranked & ~self.postponed
        target = row.to(logits.dtype)
        target[:, SHIFT] = torch.where(self.postponed, torch.sigmoid(shift), target[:, SHIFT])
        # rows that bear a loss [B]: none behind the end of a sentence
        kept = ~self.ended
        moved = row[:, SHIFT] & ~self.postponed
        if self.compat:
            target = target + torch.sigmoid(logits) * (self.foreign & ~row[:, EOA, None])
            kept = target.any(dim=1)
            moved = moved | row[:, EOA]
        self.taken.append((target, kept))
        self.ended = self.ended | (self.row >= self.last)  # the last row is EOA, which is never postponed
        self.row = torch.where(self.postponed, self.row, torch.minimum(self.row + 1, self.last))
        self.position = torch.minimum(self.position + moved, self.final)
        self.done = self.t >= self.n_steps and bool(self.ended.all())

    def targets(self) -> tuple[Tensor, Tensor]:
        """(targets, mask) [B, T', A] of all steps taken."""
        if not self.dynamic:
            targets, steps = self.gold[:, : self.n_steps], torch.arange(self.n_steps, device=self.gold.device)
            return targets, (steps <= self.last[:, None])[:, :, None].expand_as(targets)
        # of each step [B, A] and [B], now [B, T', A] and [B, T']
        targets, kept = (torch.stack(parts, dim=1) for parts in zip(*self.taken, strict=True))
        judged = torch.ones_like(self.foreign) if self.compat else ~self.foreign
        return targets, kept[:, :, None] & judged[:, None]
