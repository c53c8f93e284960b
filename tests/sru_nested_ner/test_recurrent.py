"""The slot recurrent unit in training: plain path == low-rank path, exact gradients, the multi-task target rule."""

import math

import pytest
import torch
from sru_helpers import ACTIONS, LABELS, WIDTH, action_loss, make_batch, make_unit

from spacy_medmtl.sru_nested_ner.gold_steps import GoldWalk
from spacy_medmtl.sru_nested_ner.memory import feedback
from spacy_medmtl.sru_nested_ner.recurrent import SlotRecurrentUnit
from spacy_medmtl.sru_nested_ner.transitions import (
    EOA,
    SHIFT,
    foreign_actions,
    oracle,
    reduce,
    transition,
)


def run(unit, batch, path, seed=1):
    """Outputs and all gradients of a loss that weighs every entry differently."""
    unit.path = path
    unit.zero_grad()
    torch.manual_seed(seed)
    words = batch[0].clone().requires_grad_()
    logits, targets, mask = unit.forward_gold(words, *batch[1:])
    action_loss(logits, targets, mask).backward()
    gradients = {name: parameter.grad.clone() for name, parameter in unit.named_parameters()}
    return {"logits": logits.detach(), "targets": targets, "mask": mask, "words": words.grad, **gradients}


def assert_same(one, other, tolerance):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].shape == other[name].shape, name
        assert (one[name].double() - other[name].double()).abs().max().item() <= tolerance, name


@pytest.mark.parametrize("paper_compat", [False, True])
@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_paths_agree_in_float64(train, foreign, paper_compat):
    unit = make_unit(paper_compat=paper_compat, half_context=3).train(train)
    batch = make_batch(foreign=foreign)
    plain, low_rank = run(unit, batch, "plain"), run(unit, batch, "low_rank")
    assert_same(plain, low_rank, 1e-10)
    for name, value in low_rank.items():
        assert value.count_nonzero() > 0, name  # or the comparison says nothing


def test_paths_agree_at_the_paper_initialisation_where_all_scores_tie():
    torch.manual_seed(0)
    unit = SlotRecurrentUnit(WIDTH, LABELS, train_token_multiplier=True, paper_compat=True).double().eval()
    plain, low_rank = run(unit, make_batch(), "plain"), run(unit, make_batch(), "low_rank")
    assert_same(plain, low_rank, 1e-10)
    woken = (low_rank["latents"].abs().sum(dim=1) > 0).sum().item()
    assert 0 < woken < len(unit.latents)  # the gradient of the tie is not shared


@pytest.mark.parametrize("path", ["plain", "low_rank"])
def test_at_the_start_a_unit_shifts_and_attends_to_what_it_wrote_last(path):
    torch.manual_seed(0)
    unit = SlotRecurrentUnit(64, LABELS, path=path).eval()
    words, lengths = torch.randn(1, 20, 64), torch.tensor([20])
    (rows,) = unit.greedy(words, lengths)
    assert len(rows) == 33  # the cap: nothing ends a sentence yet
    assert (rows.argmax(axis=1) == SHIFT).all()
    positions = unit.positions[unit.half_context - 3 : unit.half_context + 4]
    scores = ((unit.latents * unit.latent_scale) @ positions.T).max(dim=0).values
    assert torch.softmax(scores, dim=0)[3] > 0.9  # the offset 0


def test_paths_agree_in_float32():
    unit, batch = make_unit(dtype=torch.float32, scale=0.3), make_batch(dtype=torch.float32)
    assert_same(run(unit, batch, "plain"), run(unit, batch, "low_rank"), 1e-5)


def test_dropout_acts_and_only_in_training():
    unit, batch = make_unit(), make_batch()
    still, again = run(unit, batch, "low_rank", 1), run(unit, batch, "low_rank", 2)
    assert torch.equal(still["logits"], again["logits"])
    unit.train()
    assert not torch.allclose(still["logits"], run(unit, batch, "low_rank", 1)["logits"])


def slots_of(rows):
    """q of each gold row: the word it reads, which every SHIFT before it has moved on."""
    shifts = rows[:, SHIFT].long()
    return (1 + shifts.cumsum(0) - shifts).tolist()


def test_logits_are_the_written_equations():
    """An independent loop over single sentences and slots, straight from sections 2.2 and 2.3 of the method notes."""
    unit, batch = make_unit(), make_batch()
    logits = unit.forward_gold(*batch)[0]
    h = unit.half_context
    for b, n in enumerate(batch[1].tolist()):
        s = torch.stack([unit.cls, *batch[0][b, :n], unit.sep])
        memory = s.clone()
        memory[0] = memory[0] + unit.start
        centre = 0
        for t, q in enumerate(slots_of(batch[2][b, : batch[3][b]])):
            score = []
            for i in range(n + 2):
                row = 2 * h + 2 if i == 0 else (i - centre + h if abs(i - centre) <= h else 2 * h + 1)
                key = unit.token_multiplier * memory[i] + unit.positions[row]
                score.append(((unit.latents * unit.latent_scale) @ key).max())
            alpha = torch.softmax(torch.stack(score), dim=0)
            context = (alpha[:, None] * memory * unit.value_scale).sum(dim=0)
            u = unit.output(torch.tanh(unit.hidden(torch.cat([s[q], context]))))
            assert torch.allclose(u, logits[b, t], atol=1e-10)
            p = torch.sigmoid(u)
            memory = memory.clone()
            memory[q] = memory[q] + (torch.softmax(u, dim=0) * (p >= p[SHIFT])) @ unit.actions
            centre = q


@pytest.mark.parametrize("path", ["plain", "low_rank"])
def test_gradients_are_those_of_finite_differences(path):
    unit = make_unit(path=path, scale=0.4)
    batch = make_batch(lengths=(3, 2))
    names = [name for name, _ in unit.named_parameters()]

    def loss(words, *values):
        outputs = torch.func.functional_call(
            Wrapper(unit),
            {f"unit.{name}": value for name, value in zip(names, values, strict=True)},
            (words, *batch[1:]),
        )
        return action_loss(*outputs)

    values = [parameter.detach().clone().requires_grad_() for parameter in unit.parameters()]
    words = batch[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, (words, *values), fast_mode=True, eps=1e-6, atol=1e-6)


class Wrapper(torch.nn.Module):
    """`functional_call` needs forward."""

    def __init__(self, unit):
        super().__init__()
        self.unit = unit

    def forward(self, *arguments):
        return self.unit.forward_gold(*arguments)


def test_a_graph_may_be_walked_twice():
    unit, batch = make_unit(), make_batch()
    loss = action_loss(*unit.forward_gold(*batch))
    first = torch.autograd.grad(loss, unit.actions, retain_graph=True)[0]
    second = torch.autograd.grad(loss, unit.actions)[0]
    assert first.abs().max() > 0
    assert torch.equal(first, second)


def test_own_predictions_are_fed_back_with_gradient():
    unit, batch = make_unit(), make_batch(lengths=(5,))
    logits = unit.forward_gold(*batch)[0]
    gradient = torch.autograd.grad(logits[0, -1].sum(), unit.actions)[0]
    assert gradient.abs().max() > 0


def test_feedback_masks_below_shift_without_renormalising():
    logits = torch.tensor([[0.0, 1.0, 2.0, 0.5], [3.0, 1.0, 1.0, -1.0]])
    expected = torch.softmax(logits, dim=1) * torch.tensor([[0.0, 1, 1, 0], [1, 1, 1, 0]])
    assert torch.equal(feedback(logits), expected)


def test_single_task_targets_are_the_gold_rows():
    unit, batch = make_unit(), make_batch()
    gold, gold_lengths = batch[2], batch[3]
    logits, targets, mask = unit.forward_gold(*batch)
    assert torch.equal(targets.bool(), gold)
    rows = torch.arange(gold.shape[1]) < gold_lengths[:, None]
    assert torch.equal(mask, rows[:, :, None].expand_as(gold))
    expected = torch.nn.functional.multilabel_soft_margin_loss(logits[rows], gold[rows].double())
    assert torch.allclose(action_loss(logits, targets, mask), expected, atol=1e-12)
    grad = torch.autograd.grad(action_loss(logits, targets, mask), logits)[0]
    assert grad[~rows].abs().max() == 0


# one sentence of one word, labels D (own) and C (foreign)
D_OPEN, D_CLOSE, C_OPEN = transition(0), reduce(0), transition(1)
LOW, MID, HIGH = -1.0, 0.0, 1.0


def walk_of(spans, n_words, logits):
    """Targets, mask and slots when each step has the logits {action: value} over MID for SHIFT and LOW for the rest."""
    rows = torch.from_numpy(oracle(spans, n_words, LABELS))[None]
    foreign = torch.from_numpy(foreign_actions([0], LABELS))[None]
    walk = GoldWalk(rows, torch.tensor([rows.shape[1]]), foreign, torch.tensor([n_words]))
    slots = []
    for step in logits:
        assert not walk.done
        u = torch.full((1, ACTIONS), LOW, dtype=torch.float64)
        u[0, SHIFT] = MID
        for action, value in step.items():
            u[0, action] = value
        slots.append(walk.slot.item())
        walk.advance(u)
    assert walk.done
    targets, mask = walk.targets()
    return targets[0], mask[0], slots


@pytest.mark.parametrize(
    ("steps", "shift_targets", "slots"),
    [
        ([{}, {}, {}], [1, 1, 0], [1, 2, 3]),  # nothing outranks SHIFT
        ([{C_OPEN: MID}, {}, {}], [1, 1, 0], [1, 2, 3]),  # a tie does not
        ([{C_OPEN: HIGH}, {}, {}, {}], [0.5, 1, 1, 0], [1, 1, 2, 3]),  # postponed
        ([{C_OPEN: HIGH}, {C_OPEN: HIGH}, {}, {}], [0.5, 1, 1, 0], [1, 1, 2, 3]),  # at most once
        ([{C_OPEN: HIGH}, {C_OPEN: HIGH}, {C_OPEN: HIGH}, {}, {}], [0.5, 1, 0.5, 1, 0], [1, 1, 2, 2, 3]),  # per SHIFT
        ([{D_OPEN: HIGH}, {}, {}], [1, 1, 0], [1, 2, 3]),  # an own action does not postpone
        ([{EOA: HIGH}, {}, {}], [1, 1, 0], [1, 2, 3]),  # nor does EOA
        ([{}, {}, {C_OPEN: HIGH}], [1, 1, 0], [1, 2, 3]),  # nor is EOA postponed
    ],
)
def test_postponed_shift(steps, shift_targets, slots):
    targets, mask, walked = walk_of([], 2, steps)
    assert targets[:, SHIFT].tolist() == shift_targets
    assert walked == slots
    foreign = torch.from_numpy(foreign_actions([0], LABELS))
    assert not mask[:, foreign].any()
    assert mask[:, ~foreign].all()
    own = ~foreign
    own[[EOA, SHIFT]] = False
    assert targets[:, own].sum() == 0
    assert targets[:, EOA].tolist() == [0] * (len(steps) - 1) + [1]


def test_rows_of_own_actions_are_not_postponed():
    targets, _, slots = walk_of([(0, 1, 0)], 1, [{C_OPEN: HIGH}, {}, {C_OPEN: HIGH}, {}])
    assert targets[0, D_OPEN] == targets[2, D_CLOSE] == 1
    assert targets[:, SHIFT].tolist() == [0, 1, 0, 0]
    assert slots == [1, 1, 2, 2]


def test_target_of_a_postponed_shift_is_the_models_own_probability():
    targets, _, _ = walk_of([], 1, [{SHIFT: 0.3, C_OPEN: HIGH}, {}, {}])
    assert targets[0, SHIFT].item() == pytest.approx(1 / (1 + math.exp(-0.3)))


def eager_foreign_unit(**settings):
    """A unit that keeps predicting the foreign C above SHIFT, so that it postpones and writes C into the memory."""
    unit = make_unit(**settings)
    with torch.no_grad():
        unit.output.bias[[SHIFT, C_OPEN]] = torch.tensor([1.0, 4.0], dtype=torch.float64)
    return unit


@pytest.mark.parametrize("path", ["plain", "low_rank"])
def test_postponing_in_the_recurrence(path):
    unit, batch = eager_foreign_unit(path=path), make_batch(foreign=True, lengths=(4, 6, 3))
    logits, targets, mask = unit.forward_gold(*batch)
    assert not targets.requires_grad
    assert logits.shape == targets.shape == mask.shape
    gold_lengths = batch[3].tolist()
    outranked = mask[0, :, EOA].sum().item(), mask[2, :, EOA].sum().item()
    assert outranked == (gold_lengths[0] + 4, gold_lengths[2] + 3)  # every SHIFT postponed once
    assert mask[1, :, EOA].sum() == gold_lengths[1]  # nothing foreign there
    assert mask[1].sum() == gold_lengths[1] * ACTIONS
    kept = mask[..., EOA]
    assert (targets[kept][:, EOA] == 1).sum() == 3


@pytest.mark.parametrize("path", ["plain", "low_rank"])
def test_no_gradient_reaches_foreign_logits(path):
    unit = eager_foreign_unit(path=path)
    words, lengths, gold, gold_lengths, _ = make_batch(foreign=True, lengths=(5, 0, 4, 0))
    keep = torch.tensor([0, 2])  # both of the corpus that annotates label 0 only
    foreign = torch.from_numpy(foreign_actions([0], LABELS))
    batch = words[keep], lengths[keep], gold[keep], gold_lengths[keep], foreign.expand(2, -1)
    action_loss(*unit.forward_gold(*batch)).backward()
    assert unit.output.weight.grad[foreign].abs().max() == 0
    assert unit.output.bias.grad[foreign].abs().max() == 0
    assert unit.output.weight.grad[~foreign].abs().max() > 0
    assert unit.actions.grad[C_OPEN].abs().max() > 0  # what the model writes of its own accord is still used
    unit.zero_grad()
    unit.paper_compat = True  # the paper's code: later losses come back through the memory
    action_loss(*unit.forward_gold(*batch)).backward()
    assert unit.output.weight.grad[foreign].abs().max() > 0


def test_foreign_logits_get_no_loss():
    unit = eager_foreign_unit()
    batch = make_batch(foreign=True, lengths=(4,))
    logits, targets, mask = unit.forward_gold(*batch)
    gradient = torch.autograd.grad(action_loss(logits, targets, mask), logits)[0]
    assert gradient[~mask].abs().max() == 0
    assert gradient[0, 0, SHIFT] == 0  # postponed: its target is its own probability
    assert gradient[0, 1, SHIFT] != 0


def test_foreign_shift_eoa_or_gold_is_refused():
    unit, (words, lengths, gold, gold_lengths, foreign) = make_unit(), make_batch()
    for action in (EOA, SHIFT, transition(0)):
        wrong = foreign.clone()
        wrong[:, action] = True
        with pytest.raises(ValueError, match="cannot be foreign"):
            unit.forward_gold(words, lengths, gold, gold_lengths, wrong)
    with pytest.raises(ValueError, match="path is"):
        SlotRecurrentUnit(4, 1, path="fast")  # type: ignore[arg-type]


def numbers_kept(path, n_words, n_sentences=2, width=24):
    """How many numbers a forward pass of training keeps for the backward pass."""
    torch.manual_seed(0)
    unit = SlotRecurrentUnit(width, LABELS, path=path)
    rows = torch.from_numpy(oracle([], n_words, LABELS)).expand(n_sentences, -1, -1)
    batch = torch.randn(n_sentences, n_words, width), torch.full((n_sentences,), n_words), rows
    foreign = torch.zeros(n_sentences, ACTIONS, dtype=torch.bool)
    kept, alive = {}, []

    def note(tensor):
        alive.append(tensor)
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        unit.forward_gold(*batch, torch.full((n_sentences,), rows.shape[1]), foreign)
    return sum(kept.values())


def test_a_step_of_the_low_rank_path_keeps_no_slots_times_width():
    """Per step it keeps some numbers per slot and some per hidden unit, and never their product."""
    n_words, width = 60, 24
    steps, slots = n_words + 1, n_words + 2
    tables = 4 * slots * (2 * width + 2 * ACTIONS) + 8 * slots * width + 100 * width * width
    per_step = 3 * slots + 3 * 2 * width + 4 * ACTIONS + 10
    assert numbers_kept("low_rank", n_words) <= 2 * (steps * per_step + tables)
    assert numbers_kept("plain", n_words) > 2 * steps * slots * width
