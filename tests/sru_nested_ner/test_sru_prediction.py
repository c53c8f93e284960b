"""Prediction of the slot recurrent unit: alone or in a batch, where it stops, what it does with numbers that are none;
and that it learns."""

import math
import random

import numpy
import pytest
import torch
from sru_helpers import ACTIONS, LABELS, WIDTH, action_loss, make_batch, make_unit

from spacy_medmtl.sru_nested_ner.recurrent import SlotRecurrentUnit
from spacy_medmtl.sru_nested_ner.transitions import EOA, SHIFT, decode, oracle, transition


def wandering_unit(*, scale=0.6, **settings):
    """A unit whose sentences end at different steps, some at the cap."""
    unit = make_unit(scale=scale, seed=3, **settings)
    with torch.no_grad():
        unit.output.bias[[EOA, SHIFT]] = torch.tensor([-2.0, 3.0], dtype=unit.output.bias.dtype)
    return unit


LENGTHS = (9, 3, 1, 0, 12, 7, 2, 5, 11, 4, 8, 1)


@pytest.mark.parametrize("path", ["plain", "low_rank"])
@pytest.mark.parametrize(("dtype", "scale"), [(torch.float64, 0.6), (torch.float32, 0.4)])
def test_prediction_does_not_depend_on_the_batch(path, dtype, scale):
    unit = wandering_unit(dtype=dtype, path=path, scale=scale).train()  # no dropout in prediction, whatever the mode
    words, lengths = make_batch(dtype=dtype, lengths=LENGTHS)[:2]
    together = unit.greedy(words, lengths)
    assert len({len(rows) for rows in together}) > 4  # they leave at different times
    for i, n in enumerate(LENGTHS):
        alone = unit.greedy(words[i : i + 1, :n], lengths[i : i + 1])[0]
        assert together[i].dtype == numpy.float32
        assert alone.shape == together[i].shape
        assert numpy.abs(alone - together[i]).max() <= 1e-6


def test_prediction_stops_at_its_own_eoa_or_cap():
    unit = wandering_unit()
    words, lengths = make_batch(lengths=LENGTHS)[:2]
    at_cap = 0
    for rows, n in zip(unit.greedy(words, lengths), LENGTHS, strict=True):
        leaders = rows.argmax(axis=1)
        assert not (leaders[:-1] == EOA).any()
        if leaders[-1] != EOA:
            assert len(rows) == math.ceil(1.5 * (n + 2))
            at_cap += 1
    assert 0 < at_cap < len(LENGTHS)
    shortest = unit.greedy(words, lengths, max_steps_per_slot=0.0)
    assert max(len(rows) - n for rows, n in zip(shortest, LENGTHS, strict=True)) == 1


def test_prediction_paths_agree_and_ignore_padding():
    unit = wandering_unit()
    words, lengths = make_batch(lengths=LENGTHS)[:2]
    low_rank = unit.greedy(words, lengths)
    unit.path = "plain"
    for i, n in enumerate(LENGTHS):
        words[i, n:] = math.nan
    for one, other in zip(low_rank, unit.greedy(words, lengths), strict=True):
        assert one.shape == other.shape
        assert numpy.abs(one - other).max() <= 1e-6


def test_prediction_agrees_with_training_on_its_own_path():
    """The greedy walk fed back as gold gives the same probabilities."""
    unit = wandering_unit()
    words, lengths = make_batch(lengths=LENGTHS)[:2]
    predicted = unit.greedy(words, lengths)
    leaders = numpy.concatenate(predicted).argmax(axis=1)
    assert {EOA, SHIFT, transition(0)} < set(leaders.tolist())
    for i, rows in enumerate(predicted):
        gold = torch.zeros(1, len(rows), ACTIONS, dtype=torch.bool)
        gold[0, torch.arange(len(rows)), torch.from_numpy(rows.argmax(axis=1))] = True
        n = lengths[i : i + 1]
        logits = unit.forward_gold(
            words[i : i + 1], n, gold, torch.tensor([len(rows)]), torch.zeros(1, ACTIONS).bool()
        )[0]
        assert numpy.abs(torch.sigmoid(logits[0]).detach().numpy() - rows).max() <= 1e-6


def test_empty_batches():
    unit = make_unit()
    assert unit.greedy(torch.zeros(0, 4, WIDTH).double(), torch.zeros(0, dtype=torch.long)) == []
    assert unit.greedy(torch.zeros(2, 0, WIDTH).double(), torch.zeros(2, dtype=torch.long))[0].shape[1] == ACTIONS
    logits, targets, mask = unit.forward_gold(*make_batch(lengths=(0,)))
    assert logits.shape == (1, 1, ACTIONS)
    assert mask.all()
    assert targets.argmax().item() == EOA


@pytest.mark.parametrize("path", ["plain", "low_rank"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_non_finite_logits_name_the_step(path, value):
    unit = make_unit(path=path)
    batch = make_batch(lengths=(6, 2))
    with torch.no_grad():
        unit.output.bias[3] = value
    with pytest.raises(FloatingPointError, match="at step 0"):
        unit.forward_gold(*batch)
    with pytest.raises(FloatingPointError, match="at step 0"):
        unit.greedy(*batch[:2])
    unit = make_unit(path=path)
    with torch.no_grad():
        unit.latents.zero_()  # attention is even, so the first non-finite step is the first to write
        unit.actions[:] = value
    with pytest.raises(FloatingPointError, match="at step 1"):
        unit.forward_gold(*batch)


def nested_task(n_sentences, seed=0):
    """Sentences of a closed vocabulary: label 0 is 'a ... b', 1 the word after 'a', 2 the last word 'z'."""
    generator = random.Random(seed)
    sentences = []
    for _ in range(n_sentences):
        n, spans = generator.randint(6, 9), []
        words = [generator.randrange(4, 8) for _ in range(n)]
        start = generator.randint(0, n - 5)
        words[start], words[start + 3], words[-1] = 0, 1, 2
        spans = [(start, start + 4, 0), (start + 1, start + 2, 1), (n - 1, n, 2), (start, n, 0)]
        sentences.append((words, spans))
    return sentences


def test_learns_nested_spans():
    torch.manual_seed(0)
    sentences = nested_task(8)
    unit = SlotRecurrentUnit(24, LABELS, dropout=0.0, latent_dropout=0.0, position_dropout=0.0, half_context=8)
    table = torch.randn(8, 24)
    lengths = torch.tensor([len(words) for words, _ in sentences])
    words = torch.zeros(len(sentences), int(lengths.max()), 24)
    rows = [oracle(spans, len(tokens), LABELS) for tokens, spans in sentences]
    gold_lengths = torch.tensor([len(row) for row in rows])
    gold = torch.zeros(len(rows), int(gold_lengths.max()), ACTIONS, dtype=torch.bool)
    for i, ((tokens, _), row) in enumerate(zip(sentences, rows, strict=True)):
        words[i, : len(tokens)] = table[tokens]
        gold[i, : len(row)] = torch.from_numpy(row)
    optimizer = torch.optim.Adam(unit.parameters(), lr=1e-2)
    foreign = torch.zeros(len(rows), ACTIONS, dtype=torch.bool)
    found = []
    for step in range(200):
        optimizer.zero_grad()
        action_loss(*unit.forward_gold(words, lengths, gold, gold_lengths, foreign)).backward()
        torch.nn.utils.clip_grad_norm_(unit.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 19:
            predicted = unit.greedy(words, lengths, max_steps_per_slot=3.0)
            found = [
                {span[:3] for span in decode(p, len(tokens))}
                for p, (tokens, _) in zip(predicted, sentences, strict=True)
            ]
            if found == [set(spans) for _, spans in sentences]:
                break
    assert found == [set(spans) for _, spans in sentences]  # F1 is 1
