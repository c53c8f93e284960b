"""``paper_compat``: what the authors' code does beside its paper, by worked examples taken from running that code."""

import numpy
import pytest
import torch
from toy import CASE, make_examples

from spacy_medmtl.sru_nested_ner.gold_steps import GoldWalk
from spacy_medmtl.sru_nested_ner.inputs import ActionScores, WordSequence
from spacy_medmtl.sru_nested_ner.memory import Inputs
from spacy_medmtl.sru_nested_ner.recurrent import SlotRecurrentUnit, _prepare
from spacy_medmtl.sru_nested_ner.transitions import (
    EOA,
    SHIFT,
    decode,
    flushed,
    foreign_actions,
    n_actions,
    oracle,
    transition,
)

A = n_actions(2)
OPEN, FOREIGN = transition(0), transition(1)
ONLY_FIRST = torch.from_numpy(foreign_actions([0], 2))


def logit(probability):
    return float(numpy.log(probability / (1 - probability)))


def test_no_span_ends_with_the_sentence():
    rows = oracle([(1, 3, 0), (0, 2, 1)], 3, 2).astype(numpy.float32)
    assert [span[:3] for span in decode(rows, 3)] == [(0, 2, 1), (1, 3, 0)]
    assert [span[:3] for span in decode(rows, 3, paper_compat=True)] == [(0, 2, 1)]


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(1, 3, 0)], []),  # open at the end of the sentence
        ([(0, 1, 0), (1, 2, 0)], [(1, 2, 0)]),  # a B- flushes the mention before it
        ([(0, 1, 0), (1, 2, 1)], [(1, 2, 1)]),  # of whatever label
        ([(0, 1, 0), (2, 3, 0)], [(0, 1, 0)]),
        ([], []),
    ],
)
def test_gold_that_the_authors_converter_loses(spans, kept):
    assert flushed(spans, 3) == kept


def strip_of(**settings) -> Inputs:
    """The prepared inputs of a unit with half context 3 whose row r of R is filled with r."""
    unit = SlotRecurrentUnit(4, 2, half_context=3, **settings).eval()
    with torch.no_grad():
        unit.positions.copy_(torch.arange(9.0)[:, None].expand(9, 4))
    return unit, _prepare(unit, torch.zeros(1, 6, 4), torch.tensor([6]), drop=False)


@pytest.mark.parametrize(
    ("compat", "expected"),
    #  offsets   -7 .. -4    -3 -2 -1  0  1  2  3   4 .. 7   [CLS]
    [
        (False, [7, 7, 7, 7, 0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 8]),
        (True, [7, 7, 7, 7, 0, 1, 2, 3, 4, 5, 0, 8, 7, 7, 7, 8]),  # 3: a row of zeros; H + 1 = 4: that of [CLS]
    ],
)
def test_rows_of_relative_positions(compat, expected):
    unit, inputs = strip_of(paper_compat=compat)
    assert inputs.strip[:, 0].tolist() == expected
    inputs.strip.sum().backward()
    assert unit.positions.grad[6].abs().sum().item() == (0.0 if compat else 4.0)  # the row of 3 is frozen


def test_a_half_context_without_the_offset_3_is_refused():
    with pytest.raises(ValueError, match="at least 3"):
        SlotRecurrentUnit(4, 2, half_context=2, paper_compat=True)


def walked(gold_rows, steps, lengths, foreign):
    """(targets, mask, slots) of sentences that walk along gold rows while the model gives these logits."""
    n_rows = [len(rows) for rows in gold_rows]
    gold = torch.zeros(len(gold_rows), max(n_rows), A, dtype=torch.bool)
    for i, rows in enumerate(gold_rows):
        gold[i, : len(rows)] = torch.from_numpy(rows)
    walk = GoldWalk(gold, torch.tensor(n_rows), foreign, torch.tensor(lengths), paper_compat=True)
    slots = []
    for step in steps:
        slots.append(walk.slot.tolist())
        walk.advance(step)
    assert walk.done
    return *walk.targets(), slots


def test_targets_of_foreign_actions_and_of_a_postponed_shift():
    """A gold SHIFT, the foreign action at .65 and SHIFT at .486: the target of SHIFT is .486, and 1 in the next row."""
    step = torch.full((1, A), -9.0)
    step[0, SHIFT], step[0, FOREIGN] = logit(0.486), logit(0.65)
    last = torch.full((1, A), -9.0)
    targets, mask, _ = walked([oracle([], 1, 2)], [step, step, last], [1], ONLY_FIRST[None])
    assert targets[0, :, SHIFT].tolist() == pytest.approx([0.486, 1, 0])
    assert targets[0, :, FOREIGN].tolist() == pytest.approx([0.65, 0.65, 0])  # 0 in the EOA row: pushed down
    assert targets[0, :, EOA].tolist() == [0, 0, 1]
    assert mask.all()  # the mean is over foreign actions too


def test_rows_behind_a_sentence_bear_loss_until_the_longest_ends():
    step = torch.zeros(2, A)
    step[:, SHIFT] = 1.0
    gold = [oracle([], 3, 2), oracle([], 1, 2)]
    targets, mask, slots = walked(gold, [step] * 4, [3, 1], ONLY_FIRST.expand(2, -1))
    assert mask.all()
    own = ~ONLY_FIRST
    assert targets[1, 2:, own].sum() == 0  # all own actions, SHIFT and EOA: "nothing here"
    assert [slot[1] for slot in slots] == [1, 2, 3, 3]  # EOA moves the pointer on, into padding; rows of zeros do not


def test_a_corpus_with_all_labels_has_plain_targets():
    gold = oracle([(0, 1, 0), (0, 1, 1)], 1, 2)
    foreign = torch.stack([torch.zeros(A, dtype=torch.bool), ONLY_FIRST])
    steps = [torch.full((2, A), -9.0)] * 4
    targets, mask, _ = walked([gold, oracle([], 1, 2)], steps, [1, 1], foreign)
    assert targets[0].bool().equal(torch.from_numpy(gold))
    assert mask[0].all()


def impatient(unit, cutoff):
    """Let a unit always SHIFT, with EOA just above or below one half."""
    with torch.no_grad():
        unit.output.weight.zero_()
        unit.output.bias.fill_(-9.0)
        unit.output.bias[SHIFT], unit.output.bias[EOA] = 2.0, cutoff
    return unit


@pytest.mark.parametrize("path", ["plain", "low_rank"])
def test_a_batch_ends_together(path):
    words, lengths = torch.zeros(2, 4, 6), torch.tensor([4, 1])
    unit = impatient(SlotRecurrentUnit(6, 2, path=path).eval(), -1.0)
    assert [len(rows) for rows in unit.greedy(words, lengths)] == [9, 5]  # each at its own cap, ceil(1.5 (N + 2))
    unit = impatient(SlotRecurrentUnit(6, 2, path=path, paper_compat=True).eval(), -1.0)
    assert [len(rows) for rows in unit.greedy(words, lengths)] == [9, 9]  # at the cap of the longest
    unit = impatient(SlotRecurrentUnit(6, 2, path=path, paper_compat=True).eval(), 1.0)
    assert [len(rows) for rows in unit.greedy(words, lengths)] == [1, 1]  # EOA above one half ends, though SHIFT leads


def make_compat(make_nlp):
    model = {"@architectures": "spacy-medmtl.SruNestedNer.v1", "paper_compat": True}
    model["tok2vec"] = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "sru_nested_ner", "pooling": "max"}
    return make_nlp(("sru_nested_ner", "sru_nested_ner", {"model": model}))


def test_the_loss_is_the_mean_over_actions_and_rewards_a_decided_shift(make_nlp):
    nlp = make_compat(make_nlp)
    nlp.initialize(lambda: make_examples(nlp, CASE["sru_nested_ner"].annotate))
    pipe = nlp.get_pipe("sru_nested_ner")
    foreign = foreign_actions({0}, 2)
    sentence = WordSequence(0, numpy.arange(4), oracle([], 4, 2), foreign)
    logits = torch.randn(6, A, dtype=torch.float64).clamp(-2, 2)
    logits[:, SHIFT] = 3.0
    logits[1, numpy.flatnonzero(foreign)[0]] = 4.0  # outranks the SHIFT of the second word
    logits.requires_grad_()
    targets = torch.zeros(6, A, dtype=torch.float64)
    targets[[0, 2, 3, 4], SHIFT] = 1.0
    targets[5, EOA] = 1.0
    targets[:5, foreign] = torch.sigmoid(logits.detach())[:5, foreign]
    targets[1, SHIFT] = torch.sigmoid(logits[1, SHIFT])  # postponed: its own probability, not detached
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    loss.backward()
    given = pipe.loss([sentence], ActionScores(logits.detach().numpy(), [([0], 6)]))
    assert given[0] == pytest.approx(float(loss.detach()))
    assert numpy.allclose(given[1].logits, logits.grad.numpy(), atol=1e-12)


def test_learns_and_survives_saving(make_nlp):
    nlp = make_compat(make_nlp)
    examples = make_examples(nlp, CASE["sru_nested_ner"].annotate)
    optimizer = nlp.initialize(lambda: examples)
    losses = [nlp.update(examples, sgd=optimizer)["sru_nested_ner"] for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    twin = make_compat(make_nlp).from_bytes(nlp.to_bytes())
    assert twin.get_pipe("sru_nested_ner").paper_compat
    for example in examples:
        assert [str(s) for s in twin(example.text).spans["medmtl_ner"]] == [
            str(s) for s in nlp(example.text).spans["medmtl_ner"]
        ]
