"""A small slot recurrent unit and batches for it, of random spans."""

import random

import torch

from spacy_medmtl.sru_nested_ner.recurrent import SlotRecurrentUnit
from spacy_medmtl.sru_nested_ner.transitions import foreign_actions, n_actions, oracle

WIDTH, LABELS = 10, 3
ACTIONS = n_actions(LABELS)


def make_unit(*, dtype=torch.float64, seed=0, scale=0.5, **settings):
    torch.manual_seed(seed)
    unit = SlotRecurrentUnit(WIDTH, LABELS, **{"half_context": 2, "train_token_multiplier": True, **settings}).to(dtype)
    for name, parameter in unit.named_parameters():
        shift = 1.0 if name in ("latent_scale", "value_scale", "token_multiplier") else 0.0
        torch.nn.init.normal_(parameter, shift, scale)
    return unit.eval()


def make_batch(*, dtype=torch.float64, seed=0, foreign=False, lengths=(7, 1, 4, 0)):
    """(words, lengths, gold, gold_lengths, foreign); with foreign, odd sentences are annotated with label 0 only."""
    random.seed(seed)
    torch.manual_seed(seed)
    rows = []
    for i, n in enumerate(lengths):
        own = 1 if foreign and i % 2 == 0 else LABELS
        spans = []
        for _ in range(n):
            start = random.randrange(n)
            spans.append((start, random.randint(start + 1, n), random.randrange(own)))
        rows.append(oracle(spans, n, LABELS))
    gold = torch.zeros(len(rows), max(map(len, rows)), ACTIONS, dtype=torch.bool)
    for i, row in enumerate(rows):
        gold[i, : len(row)] = torch.from_numpy(row)
    mask = torch.zeros(len(rows), ACTIONS, dtype=torch.bool)
    if foreign:
        mask[::2] = torch.from_numpy(foreign_actions([0], LABELS))
    words = torch.randn(len(rows), max(lengths), WIDTH, dtype=dtype)
    return words, torch.tensor(lengths), gold, torch.tensor([len(row) for row in rows]), mask


def action_loss(logits, targets, mask):
    """Mean binary cross-entropy over the entries of mask, as the component's loss before its factor."""
    weight = mask.to(logits.dtype)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, weight, reduction="sum")
    return loss / mask.sum().clamp(min=1)
