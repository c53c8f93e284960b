"""``spacy-medmtl.TorchOptimizer.v1`` against torch's own optimizers on copies of the same modules."""

import copy
import math
from collections import defaultdict

import numpy
import pytest
import spacy
import torch
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config_from_str
from thinc.api import Config, Model, fix_random_seed, registry, warmup_linear
from toy import CASES, make_examples

from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.training.optimizers import torch_optimizer
from spacy_medmtl.training.torch_optimizer import group_of, layers_above, pending_gradients

HEADS = [case.factory for case in CASES]


def started(make_nlp, *heads):
    """An initialised pipeline, equal at each call."""
    fix_random_seed(0)
    nlp = make_nlp(*(heads or HEADS))
    nlp.initialize(lambda: all_gold(nlp))
    return nlp


def all_gold(nlp, *tasks):
    return make_examples(nlp, *(case.annotate for case in CASES if not tasks or case.factory in tasks))


def modules(nlp):
    """name of component -> its torch module; the shim's factors come along."""
    return {name: torch_shim(pipe.model) for name, pipe in nlp.pipeline if name == "encoder" or name in HEADS}


def finish(nlp, optimizer):
    """The end of a step, as spaCy's training loop does it."""
    for _, pipe in nlp.pipeline:
        if hasattr(pipe, "finish_update"):
            pipe.finish_update(optimizer)
    optimizer.step_schedules()


def copied_gradients(shims, twins):
    for name, shim in shims.items():
        for parameter, twin in zip(shim.module.parameters(), twins[name].parameters()):
            twin.grad = None if parameter.grad is None else parameter.grad.clone()


def reference_groups(shims, twins, decay):
    return [
        {"params": [p], "scale": shims[name].lr_scale(n), "weight_decay": decay if p.ndim > 1 else 0.0}
        for name, twin in twins.items()
        for n, p in twin.named_parameters()
    ]


@pytest.mark.parametrize("clip", [0.0, 0.05])
@pytest.mark.parametrize(("algorithm", "decay"), [("adamw", 0.1), ("adamw", 0.0), ("adamax", 0.0)])
def test_weights_are_those_of_torchs_own_optimizer(make_nlp, algorithm, decay, clip):
    """Over steps of changing tasks, with warm-up and decay; clipping is torch's up to its 1e-6."""
    nlp = started(make_nlp)
    shims = modules(nlp)
    twins = {name: copy.deepcopy(shim.module) for name, shim in shims.items()}
    own = torch_optimizer(warmup_linear(1e-3, 2, 6), algorithm, weight_decay=decay, grad_clip=clip)
    reference = {"adamw": torch.optim.AdamW, "adamax": torch.optim.Adamax}[algorithm](
        reference_groups(shims, twins, decay), lr=0.0
    )
    rates = warmup_linear(1e-3, 2, 6)
    for task in [*HEADS, HEADS[0], HEADS[1]]:
        nlp.update(all_gold(nlp, task), sgd=False)
        copied_gradients(shims, twins)
        everything = [p for twin in twins.values() for p in twin.parameters()]
        if clip:
            assert torch.nn.utils.clip_grad_norm_(everything, clip) > clip
        rate = next(rates)
        for group in reference.param_groups:
            group["lr"] = rate * group["scale"]
        reference.step()
        finish(nlp, own)
        for name, shim in shims.items():
            for (parameter_name, parameter), twin in zip(shim.module.named_parameters(), twins[name].parameters()):
                assert parameter.grad is None
                close = torch.allclose(parameter, twin, 1e-5, 1e-7)  # the fused kernel rounds in other places
                assert close, f"{name} {parameter_name}"


def test_decay_of_adamax_is_decoupled(make_nlp):
    """As MT-DNN's: weights shrink by rate * decay, then torch's Adamax without decay steps."""
    nlp = started(make_nlp, "sentence_intent")
    module = torch_shim(nlp.get_pipe("sentence_intent").model).module
    twin = copy.deepcopy(module)
    own = torch_optimizer(1e-3, "adamax", weight_decay=0.1, grad_clip=0.0)
    reference = torch.optim.Adamax(twin.parameters(), lr=1e-2)
    for _ in range(3):
        nlp.update(all_gold(nlp), sgd=False)
        copied_gradients({"": torch_shim(nlp.get_pipe("sentence_intent").model)}, {"": twin})
        with torch.no_grad():
            twin.linear.weight.mul_(1.0 - 1e-2 * 0.1)
        reference.step()
        finish(nlp, own)
        assert torch.equal(module.linear.weight, twin.linear.weight)
        assert torch.equal(module.linear.bias, twin.linear.bias), "a bias has no decay"


def snapshot(nlp, optimizer, name):
    """Weights of a component and its whole optimizer state."""
    module = torch_shim(nlp.get_pipe(name).model).module
    kept = optimizer._of_modules.get(module)
    state = {} if kept is None else {i: copy.deepcopy(s) for i, s in kept.state_dict()["state"].items()}
    return {n: p.detach().clone() for n, p in module.named_parameters()}, state


def equal(these, those):
    return these.keys() == those.keys() and all(
        torch.equal(these[key], those[key]) if torch.is_tensor(these[key]) else equal(these[key], those[key])
        for key in these
    )


@pytest.mark.parametrize("algorithm", ["adamw", "adamax"])
def test_what_takes_no_part_stands_still(make_nlp, algorithm):
    """Neither weights nor moments nor step counts of an idle head, and of the routes harder than the active one."""
    nlp, optimizer = started(make_nlp), torch_optimizer(1e-2, algorithm, weight_decay=0.1)
    for _ in range(2):
        nlp.update(all_gold(nlp), sgd=False)
        finish(nlp, optimizer)
    heads = {name: snapshot(nlp, optimizer, name) for name in HEADS[1:]}
    weights, state = snapshot(nlp, optimizer, "encoder")
    for _ in range(2):
        nlp.update(all_gold(nlp, HEADS[0]), sgd=False)
        finish(nlp, optimizer)
    for name, (before, state_before) in heads.items():
        after, state_after = snapshot(nlp, optimizer, name)
        assert state_before
        assert equal(before, after)
        assert equal(state_before, state_after)
    weights_after, state_after = snapshot(nlp, optimizer, "encoder")
    idle = [n for n in weights if ".cluster." in n and (".coefficients." in n or ".ffns.0." not in n)]
    assert idle
    assert equal({n: weights[n] for n in idle}, {n: weights_after[n] for n in idle})
    moved = [n for n in weights if not torch.equal(weights[n], weights_after[n])]
    assert any(".ffns.0." in n for n in moved)
    steps = [float(state_after[i]["step"]) - float(state[i]["step"]) for i in state]
    assert sorted(set(steps)) == [0.0, 2.0]
    assert steps.count(0.0) == len(idle)


def norm_of(models):
    gradients = [gradient for model in models for gradient in pending_gradients(model)]
    return math.sqrt(sum(float((gradient.double() ** 2).sum()) for gradient in gradients))


@pytest.mark.parametrize("tasks", [HEADS, HEADS[2:3]])
def test_one_norm_over_encoder_and_heads(make_nlp, tasks):
    """Before the first of them steps; a stock component that listens counts too. Clipping again changes nothing."""
    nlp = started(make_nlp)
    add_ner(nlp)
    nlp.update(with_ents(nlp, all_gold(nlp, *tasks)), sgd=False)
    models = [nlp.get_pipe(name).model for name in ["encoder", *HEADS, "ner"]]
    before = norm_of(models)
    optimizer = torch_optimizer(1e-3, grad_clip=before / 3)
    single = [gradient.clone() for model in models for gradient in pending_gradients(model)]
    nlp.get_pipe("encoder").prepare_step(optimizer)
    assert norm_of(models) == pytest.approx(before / 3, rel=1e-5)
    clipped = [gradient.clone() for model in models for gradient in pending_gradients(model)]
    for one, other in zip(single, clipped):
        assert torch.allclose(one / 3, other, rtol=1e-4, atol=1e-9)
    nlp.get_pipe("encoder").prepare_step(optimizer)
    for name in HEADS:
        optimizer.clip_gradients([nlp.get_pipe(name).model])
    again = [gradient for model in models for gradient in pending_gradients(model)]
    assert all(torch.equal(one, other) for one, other in zip(clipped, again))


def add_ner(nlp):
    """A stock component on the encoder: its own layers are thinc's, its gradients NumPy arrays."""
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "sru_nested_ner", "upstream": "encoder"}
    config = {"model": {"@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "tok2vec": listener}}
    config["model"].update(extra_state_tokens=False, hidden_width=16, maxout_pieces=2, use_upper=True, nO=None)
    ner = nlp.add_pipe("ner", config=config)
    ner.add_label("FINDING")
    ner.initialize(lambda: with_ents(nlp, all_gold(nlp)), nlp=nlp)


def with_ents(nlp, examples):
    for example in examples:
        doc = example.reference
        doc.ents = [spacy.tokens.Span(doc, 0, 1, label="FINDING")]
    return examples


@pytest.mark.parametrize("task", HEADS)
def test_short_update_clips_like_the_training_loop(make_nlp, task):
    """``nlp.update(sgd=...)``, where the head that had gold steps the encoder."""
    results = []
    for short in (True, False):
        nlp, optimizer = started(make_nlp), torch_optimizer(1e-2, grad_clip=0.01)
        for seed in range(3):
            fix_random_seed(seed)
            nlp.update(all_gold(nlp, task), sgd=optimizer if short else False)
            if not short:
                finish(nlp, optimizer)
        results.append({name: s.module.state_dict() for name, s in modules(nlp).items()})
    assert equal(*results)


def test_stock_components_learn_beside_ours(make_nlp):
    """Their arrays come one by one; one that is all zero (spaCy keeps it from an earlier step) moves nothing."""
    nlp, optimizer = started(make_nlp), torch_optimizer(1e-2, weight_decay=0.1)
    add_ner(nlp)
    arrays = lambda: {  # noqa: E731
        (node.id, name): node.get_param(name).copy()
        for node in nlp.get_pipe("ner").model.walk()
        for name in node.param_names
        if node.has_param(name)
    }
    start = arrays()
    losses = []
    for _ in range(30):
        losses.append(nlp.update(with_ents(nlp, all_gold(nlp)), sgd=False)["ner"])
        finish(nlp, optimizer)
    assert losses[-1] < losses[0] / 4
    before = arrays()
    assert any(not numpy.array_equal(start[key], before[key]) for key in start)
    nlp.update(all_gold(nlp, HEADS[0]), sgd=False)
    finish(nlp, optimizer)
    after = arrays()
    assert all(numpy.array_equal(before[key], after[key]) for key in before)


def test_a_tagger_without_tags_moves_nothing(make_nlp):
    """It back-propagates zeros into the encoder then."""
    nlp, optimizer = started(make_nlp, "sentence_intent"), torch_optimizer(1e-2, weight_decay=0.1)
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "sentence_intent", "upstream": "encoder"}
    tagger = nlp.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}})

    def tagged():
        examples = make_examples(nlp)
        for example in examples:
            for i, token in enumerate(example.reference):
                token.tag_ = "NN" if i % 2 else "DT"
        return examples

    tagger.initialize(tagged, nlp=nlp)
    for _ in range(2):
        nlp.update(tagged(), sgd=False)
        finish(nlp, optimizer)
    before = [nlp.get_pipe(name).to_bytes() for name in ("encoder", "tagger")]
    assert nlp.update(make_examples(nlp), sgd=False)["tagger"] == 0.0
    finish(nlp, optimizer)
    assert [nlp.get_pipe(name).to_bytes() for name in ("encoder", "tagger")] == before
    nlp.update(tagged(), sgd=False)
    finish(nlp, optimizer)
    after = [nlp.get_pipe(name).to_bytes() for name in ("encoder", "tagger")]
    assert all(one != other for one, other in zip(before, after))


def test_an_array_is_stepped_as_torch_would():
    for shape in ((3, 4), (4,)):
        values = numpy.arange(numpy.prod(shape), dtype="float32").reshape(shape) / 10
        weights, twin = values.copy(), torch.nn.Parameter(torch.tensor(values))
        own = torch_optimizer(0.01, weight_decay=0.1, grad_clip=0.5, groups={"heads": {"lr_scale": 2.0}})
        reference = torch.optim.AdamW([twin], lr=0.02, weight_decay=0.1 if len(shape) > 1 else 0.0)
        for step in range(4):
            gradient = numpy.full(shape, 0.1 * (step + 1), dtype="float32")
            twin.grad = torch.tensor(gradient)
            torch.nn.utils.clip_grad_norm_([twin], 0.5)
            reference.step()
            weights, gradient = own((7, "W"), weights, gradient)
            assert not gradient.any()
            numpy.testing.assert_allclose(weights, twin.detach().numpy(), rtol=1e-5)


def test_groups_have_their_own_rates_and_decay(make_nlp):
    groups = {"encoder": {"lr_scale": 0.5}, "routes": {"lr_scale": 2.0, "weight_decay": 0.3}}
    groups.update(W={"lr_scale": 3.0}, heads={"weight_decay": 0.0})
    nlp = started(make_nlp)
    optimizer = torch_optimizer(1e-3, weight_decay=0.1, layer_decay=0.5, groups=groups)
    nlp.update(all_gold(nlp), sgd=False)
    finish(nlp, optimizer)
    shims, seen = modules(nlp), defaultdict(set)
    for component, shim in shims.items():
        names = {id(p): n for n, p in shim.module.named_parameters()}
        for group in optimizer._of_modules[shim.module].param_groups:
            for parameter in group["params"]:
                name = names[id(parameter)]
                layer = 0 if ".layers.0." in name else 1 if ".layers.1." in name else -1
                factor = 0.5 ** (1 - layer) if component == "encoder" else 1.0
                factor *= groups[group_of(name)].get("lr_scale", 1.0) * shim.lr_scale(name)
                assert group["lr"] == pytest.approx(1e-3 * factor)
                decay = groups[group_of(name)].get("weight_decay", 0.1)
                assert group["decay"] == (decay if parameter.ndim > 1 else 0.0), name
                seen[group_of(name)].add(name)
    assert set(seen) == {"encoder", "routes", "W", "heads"}
    assert any("norm" in name for name in seen["encoder"])


def test_layers_above_the_embeddings_and_of_other_modules():
    names = ["encoder.embeddings.w", "encoder.layers.0.w", "encoder.layers.11.w"]
    assert layers_above([*names, "linear.weight"]) == dict(zip([*names, "linear.weight"], [12, 11, 0, 0]))


def test_averages_are_thincs(make_nlp):
    """Keyed as ``nlp.use_params`` looks them up, for torch modules and arrays, moved by thinc's own rule."""
    nlp, optimizer = started(make_nlp), torch_optimizer(1e-2, use_averages=True)
    add_ner(nlp)
    expected = {}
    for step in range(1, 4):
        nlp.update(with_ents(nlp, all_gold(nlp)), sgd=False)
        finish(nlp, optimizer)
        for shim in modules(nlp).values():
            for name, parameter in shim.module.named_parameters():
                ema = expected.setdefault((shim.id, name), torch.zeros_like(parameter).numpy())
                Model("", lambda *_: None).ops.update_averages(ema, parameter.detach().numpy(), step)
    trained = {key for key in expected if key in optimizer.averages}
    assert len(trained) > 50
    for key in trained:
        numpy.testing.assert_array_equal(optimizer.averages[key], expected[key])
    node = next(node for node in nlp.get_pipe("ner").model.walk() if node.has_param("W"))
    assert (node.id, "W") in optimizer.averages
    own = {name: copy.deepcopy(shim.module.state_dict()) for name, shim in modules(nlp).items()}
    with nlp.use_params(optimizer.averages):
        for shim in modules(nlp).values():
            for name, parameter in shim.module.named_parameters():
                if (shim.id, name) in trained:
                    numpy.testing.assert_array_equal(parameter.detach().numpy(), expected[(shim.id, name)])
    assert equal(own, {name: shim.module.state_dict() for name, shim in modules(nlp).items()})


OPTIMIZER = """
[training]

[training.optimizer]
@optimizers = "spacy-medmtl.TorchOptimizer.v1"
algorithm = "adamax"
weight_decay = 0.01
grad_clip = 1.0
use_averages = true

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
warmup_steps = 2
total_steps = 8
initial_rate = 0.001

[training.optimizer.groups]

[training.optimizer.groups.heads]
lr_scale = 2.0
"""


def test_in_spacys_training_loop(make_nlp, tmp_path):
    """With a schedule, averages, loss summation and saving; twice with the same seed: the same bytes."""

    def run(output):
        nlp = make_nlp(*HEADS)
        DocBin(docs=[example.reference for example in all_gold(nlp)]).to_disk(tmp_path / "gold.spacy")
        config = Config(nlp.config).copy()
        entries = {f"for_{name}": {"path": str(tmp_path / "gold.spacy"), "tasks": [name]} for name in HEADS}
        reader = {"@readers": "spacy-medmtl.MultitaskCorpus.v1", "corpora": entries}
        config["corpora"] = {"train": reader, "dev": reader}
        config["training"]["optimizer"] = load_config_from_str(OPTIMIZER)["training"]["optimizer"]
        batcher = {"@batchers": "spacy-medmtl.task_batcher.v1", "size": 20}
        config["training"]["batcher"] = {**batcher, "schedule": {"@misc": "spacy-medmtl.loss_sum.v1"}}
        config["training"].update(max_steps=6, eval_frequency=3, logger={"@loggers": "spacy-medmtl.ConsoleLogger.v1"})
        (tmp_path / output).mkdir()
        started_nlp = init_nlp(config)
        before = copy.deepcopy(torch_shim(started_nlp.get_pipe("encoder").model).module.state_dict())
        trained, _ = train(started_nlp, tmp_path / output)
        after = torch_shim(trained.get_pipe("encoder").model).module.state_dict()
        assert not equal(before, after)
        return (tmp_path / output / "model-last" / "encoder" / "encoder.safetensors").read_bytes()

    assert run("one") == run("two")


def test_found_in_the_registry():
    found = registry.resolve(load_config_from_str(OPTIMIZER)["training"])["optimizer"]
    assert (found.algorithm, found.learn_rate) == ("adamax", 0.0)
    found.step_schedules()
    assert found.learn_rate == 0.0005
