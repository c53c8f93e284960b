"""Weights of tasks, learned or given, and projected gradients: what reaches the heads and the encoder."""

import math
import random

import numpy
import pytest
import torch
from thinc.api import Adam, fix_random_seed
from toy import CASES, make_examples

from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.balancing import LogVariances, balance_tasks
from spacy_medmtl.training.pcgrad import ProjectConflicts, projected

HEADS = [case.factory for case in CASES]
STEP = {"step": 0, "epoch": 0}


def started(make_nlp):
    """Equal weights at each call, and no dropout, so that only what is tested differs."""
    fix_random_seed(0)
    nlp = make_nlp(*HEADS)
    nlp.initialize(lambda: gold(nlp))
    for _, pipe in nlp.pipeline[1:]:
        for module in torch_shim(pipe.model).module.modules():
            for rate in ("p", "dropout_prob", "dropout", "latent_dropout", "position_dropout"):
                if isinstance(getattr(module, rate, None), float):
                    setattr(module, rate, 0.0)
    return nlp


def gold(nlp, *tasks):
    return make_examples(nlp, *(case.annotate for case in CASES if not tasks or case.factory in tasks))


def gradients(nlp, name):
    module = torch_shim(nlp.get_pipe(name).model).module
    return {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("task", HEADS)
def test_a_weight_is_a_factor_on_the_gradient_and_not_on_the_loss_shown(make_nlp, task):
    """In the head and in the encoder, for every kind of gradient."""
    found = []
    for callback in (None, balance_tasks({task: 3.0})):
        nlp = started(make_nlp)
        if callback:
            callback(nlp, STEP)
        losses = nlp.update(gold(nlp, task), sgd=False)
        found.append((losses[task], gradients(nlp, task), gradients(nlp, "encoder")))
    assert found[0][0] == found[1][0] > 0
    for plain, weighted in zip(found[0][1:], found[1][1:]):
        assert plain.keys() == weighted.keys()
        assert max(float(g.abs().max()) for g in plain.values()) > 1e-4
        for name in plain:
            assert torch.allclose(3.0 * plain[name], weighted[name], rtol=1e-4, atol=1e-6)


def test_log_variances_descend_the_weighted_loss():
    """Their gradient against finite differences of ``exp(-s) L + s / 2``; at rest exp(s) = 2 L, each task its own."""
    s, loss, h = 0.3, 1.7, 1e-6
    objective = lambda s: math.exp(-s) * loss + s / 2  # noqa: E731
    slope = (objective(s + h) - objective(s - h)) / (2 * h)
    learned = LogVariances(0.1)
    learned.values["a"] = s
    assert learned.factor("a", loss) == pytest.approx(math.exp(-s))
    assert learned.values["a"] == pytest.approx(s - 0.1 * slope)
    for _ in range(500):
        learned.factor("a", loss)
        learned.factor("b", 0.2)
    assert math.exp(learned.values["a"]) == pytest.approx(2 * loss, rel=1e-3)
    assert math.exp(learned.values["b"]) == pytest.approx(2 * 0.2, rel=1e-3)


def test_uncertainty_weighting_in_training(make_nlp):
    """Only tasks that learn move their own; the next update is weighted by it; the pipeline keeps a record, no more."""
    nlp, callback = started(make_nlp), balance_tasks({HEADS[0]: 2.0}, uncertainty_rate=0.5)
    callback(nlp, STEP)
    loss = nlp.update(gold(nlp, HEADS[0]), sgd=False)[HEADS[0]]
    callback(nlp, STEP)
    s = -0.5 * (0.5 - loss)
    assert nlp.meta["log_variances"] == {HEADS[0]: pytest.approx(s)}
    first = gradients(nlp, HEADS[0])
    for parameter in torch_shim(nlp.get_pipe(HEADS[0]).model).module.parameters():
        parameter.grad = None
    nlp.update(gold(nlp, HEADS[0]), sgd=False)
    second = gradients(nlp, HEADS[0])
    for name in first:
        assert torch.allclose(math.exp(-s) * first[name], second[name], rtol=1e-4, atol=1e-6)
    again = make_nlp(*HEADS).from_bytes(nlp.to_bytes())
    assert again.get_pipe(HEADS[0]).weigh is None
    assert again.meta["log_variances"].keys() == {HEADS[0]}


@pytest.mark.parametrize("weights", [{"ner": 1.0}, {"encoder": 1.0}, {HEADS[0]: 0.0}, {HEADS[0]: math.nan}])
def test_weights_that_fit_no_head(make_nlp, weights):
    with pytest.raises(MedmtlError, match="MEDMTL-E323.*'sentence_intent'"):
        balance_tasks(weights)(make_nlp(*HEADS), STEP)
    with pytest.raises(MedmtlError, match="MEDMTL-E323.*uncertainty_rate -1.0"):
        balance_tasks(uncertainty_rate=-1.0)


def as_gradient(*values):
    return {"w": torch.tensor(values)}


def test_projection_by_hand():
    """g1 = (1, 0), g2 = (-1, 1): g1 - (-1/2) g2 = (1/2, 1/2), g2 - (-1) g1 = (0, 1); the sum is (1/2, 3/2)."""
    one, two = projected([as_gradient(1.0, 0.0), as_gradient(-1.0, 1.0)])
    assert one["w"].tolist() == [0.5, 0.5]
    assert two["w"].tolist() == [0.0, 1.0]
    one, two = projected([as_gradient(1.0, 0.0), as_gradient(1.0, 1.0)])
    assert one["w"].tolist() == [1.0, 0.0], "no conflict, no change"
    assert two["w"].tolist() == [1.0, 1.0]


def test_projection_of_three_goes_on_from_what_is_left(monkeypatch):
    """g1 = (1, 1), g2 = (-1, 0), g3 = (0, -2), in this order: (1, 1) -> (0, 1) -> (0, 0). In the other order the same;
    g2 meets a conflict with g1 only: (-1, 0) + 1/2 (1, 1) = (-1/2, 1/2), then with g3: (-1/2, 0)."""
    monkeypatch.setattr(random, "shuffle", lambda order: None)
    one, two, three = projected([as_gradient(1.0, 1.0), as_gradient(-1.0, 0.0), as_gradient(0.0, -2.0)])
    assert one["w"].tolist() == [0.0, 0.0]
    assert two["w"].tolist() == [-0.5, 0.0]
    assert three["w"].tolist() == [0.0, -1.0]  # + (1, 1) is (1, -1); then + (-1, 0)


def test_tasks_are_compared_on_what_both_reach():
    """The route of one alone neither counts in the projection nor receives any of it."""
    harder = {"w": torch.tensor([-1.0, 1.0]), "route": torch.tensor([100.0])}
    one, two = projected([as_gradient(1.0, 0.0), harder])
    assert one.keys() == {"w"}
    assert one["w"].tolist() == [0.5, 0.5]
    assert two["w"].tolist() == [0.0, 1.0]
    assert two["route"].tolist() == [100.0]


def test_surgery_adds_up_what_a_task_has_in_a_step():
    module = torch.nn.Linear(2, 1)
    surgery = ProjectConflicts()
    for task, values in ((1, [2.0, 0.0]), (2, [-1.0, 1.0]), (1, [-1.0, 0.0])):
        module.weight.grad = torch.tensor([values])
        surgery.keep(task, module)
        assert module.weight.grad is None
    surgery.put_back(module)
    assert module.weight.grad.tolist() == [[0.5, 1.5]]
    assert module.bias.grad is None
    surgery.put_back(module)
    assert module.weight.grad.tolist() == [[0.5, 1.5]], "nothing kept, nothing changed"


def test_the_encoder_steps_along_the_projected_sum(make_nlp):
    """The gradient that is clipped and stepped is that of the algorithm on the gradients of each head alone."""
    alone = []
    for task in HEADS:
        nlp = started(make_nlp)
        nlp.update(gold(nlp, task), sgd=False)
        alone.append(gradients(nlp, "encoder"))
    fix_random_seed(3)
    expected = {}
    for gradient in projected(alone):
        for name, part in gradient.items():
            expected[name] = expected.get(name, 0.0) + part
    nlp = started(make_nlp)
    balance_tasks(pcgrad=True)(nlp, STEP)
    nlp.update(gold(nlp), sgd=False)
    assert gradients(nlp, "encoder") == {}
    fix_random_seed(3)
    nlp.get_pipe("encoder").prepare_step(Adam(1e-3))
    found = gradients(nlp, "encoder")
    assert found.keys() == expected.keys()
    plain = {name: sum(one[name] for one in alone if name in one) for name in expected}
    assert any(not torch.allclose(found[name], plain[name], atol=1e-5) for name in found), "some tasks do conflict"
    for name in found:
        assert torch.allclose(found[name], expected[name], rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("short", [True, False])
def test_pcgrad_with_one_task_in_a_step_is_plain_training(make_nlp, short):
    """``nlp.update(sgd=...)`` steps head by head, so there it never finds two."""
    results = []
    for callback in (None, balance_tasks(pcgrad=True)):
        nlp, optimizer = started(make_nlp), Adam(1e-2)
        for task in HEADS:
            if callback:
                callback(nlp, STEP)
            nlp.update(gold(nlp, task), sgd=optimizer if short else False)
            for _, pipe in nlp.pipeline[1:]:
                pipe.finish_update(optimizer)
        results.append([p.detach().numpy() for p in torch_shim(nlp.get_pipe("encoder").model).module.parameters()])
    assert all(numpy.array_equal(one, two) for one, two in zip(*results))
