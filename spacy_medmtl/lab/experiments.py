"""The experiments of the papers, as cells on a base config. To add one: a function here, and its line in EXPERIMENTS.

Tables and figures are those of the progressive paper (OpenReview f4OM3Mn2wb), where no other is named.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from thinc.api import Config

from ..errors import MedmtlError
from .cells import ENCODER, Cell, Changes, change

RULE = f"components.{ENCODER}.model.sharing"
ROUTES = f"components.{ENCODER}.model.routes"
SCHEDULE = "training.batcher.schedule"
LISTENER = "spacy-medmtl.RouteListener.v1"
N_FFNS = 4  # Figure 3
SHOTS = (8, 16)  # Table 3
SHOTS_SHARE = 3  # a sample of a few texts is seen dozens of times anyway
ORDERS = ((1, 2, 3, 4), (1, 3, 2, 4), (3, 4, 1, 2), (2, 1, 4, 3), (4, 3, 2, 1))  # Table 5
PERCENTS = (5, 10, 25, 50, 100)  # of a task's training documents
FINE_TUNE_RATE = 0.2  # of that of the refinement: MT-BERT's is 1e-5 after 5e-5


@dataclass(frozen=True)
class Experiment:
    """cells: base config, steps for each task -> its cells, without seeds. kind: of table and plot (``tables.py``)."""

    help: str
    cells: Callable[[Config, int], Iterator[Cell]]
    kind: str = "scores"


def routes_of(base: Config) -> list[str]:
    """The tasks, easy to hard: routes of the encoder."""
    return list(base["components"][ENCODER]["model"]["routes"])


def rules_of(base: Config) -> dict[str, Any]:
    """The systems that share an encoder, by name: ``[lab.sharing]``."""
    return dict(base["lab"]["sharing"])


def rule_of(base: Config, name: str) -> Any:
    """One of them. Raises MedmtlError E340 where it is not there."""
    rules = rules_of(base)
    if name not in rules:
        raise MedmtlError("E340", path="[lab.sharing]", problem=f"has no block '{name}', which this experiment needs")
    return rules[name]


def need_tasks(base: Config, experiment: str, expected: Sequence[int]) -> list[str]:
    """The tasks. Raises MedmtlError E344 for another number of them."""
    routes = routes_of(base)
    if len(routes) not in expected:
        wanted = f"{expected[0]} tasks" if len(expected) == 1 else f"{expected[0]} tasks or more"
        raise MedmtlError("E344", experiment=experiment, expected=wanted, received=routes)
    return routes


def alone(base: Config) -> Changes:
    """Vanilla: an encoder for each task, with the weights and settings of the one that they share otherwise."""
    routes, components, loaders = routes_of(base), base["components"], base["initialize"]["components"]
    pipeline = list(base["nlp"]["pipeline"])
    place = pipeline.index(ENCODER)
    pipeline[place : place + 1] = [f"{route}_{ENCODER}" for route in routes]
    kept = {name: component for name, component in copy.deepcopy(dict(components)).items() if name != ENCODER}
    changes: Changes = {"nlp.pipeline": pipeline, "components": kept, "initialize.components": {}}
    for settings in changes["components"].values():
        listener = settings.get("model", {}).get("tok2vec", {})
        if "route" in listener:
            listener["upstream"] = f"{listener['route']}_{ENCODER}"
    for route in routes:
        own = copy.deepcopy(dict(components[ENCODER]))
        own["model"].update(routes=[route], sharing={"@misc": "spacy-medmtl.shared_rule.v1"})
        changes["components"][f"{route}_{ENCODER}"] = own
        changes["initialize.components"][f"{route}_{ENCODER}"] = loaders[ENCODER]
    return changes


def with_tasks(base: Config, tasks: Sequence[str]) -> Config:
    """The base config with these of its tasks alone, their routes in this order. Raises MedmtlError E404 for what is
    no task of it, or is named twice."""
    known = routes_of(base)
    if set(tasks) - set(known) or len(set(tasks)) < len(tasks):
        raise MedmtlError("E404", option="--task", received=list(tasks), expected=f"some of {known}, each once")
    config, dropped = Config(copy.deepcopy(dict(base))), _others(base, tasks)
    kept = {name: component for name, component in config["components"].items() if name not in dropped}
    change(config, {**only(base, tasks), ROUTES: list(tasks), "components": kept})
    return config


def _others(base: Config, kept: Sequence[str]) -> set[str]:
    """The heads of the other tasks."""
    components = base["components"].items()
    return {name for name, one in components if is_head(one) and one["model"]["tok2vec"]["route"] not in kept}


def only(base: Config, kept: Sequence[str]) -> Changes:
    """A pipeline of some of the tasks, in their order, and their corpora."""
    dropped = _others(base, kept)
    changes: Changes = {
        "nlp.pipeline": [name for name in base["nlp"]["pipeline"] if name not in dropped],
        ROUTES: [route for route in routes_of(base) if route in kept],
    }
    for part in ("train", "dev", "test"):
        corpora = base["corpora"][part]["corpora"]
        left = {
            name: {**copy.deepcopy(dict(settings)), "tasks": tasks}
            for name, settings in corpora.items()
            if (tasks := [task for task in settings["tasks"] if task not in dropped])
        }
        changes[f"corpora.{part}.corpora"] = left
    return changes


def is_head(component: Any) -> bool:
    return "route" in component.get("model", {}).get("tok2vec", {})


def systems(base: Config, steps: int) -> Iterator[Cell]:
    """Table 2."""
    n_steps = steps * len(routes_of(base))
    yield Cell("vanilla", alone(base), n_steps)
    for name, rule in rules_of(base).items():
        yield Cell(name, {RULE: rule}, n_steps)


def kshot(base: Config, steps: int) -> Iterator[Cell]:
    """Table 3, in a third of the steps. The corpora are cut to samples before anything starts (``kshot.py``)."""
    for k in SHOTS:
        for cell in systems(base, max(1, steps // SHOTS_SHARE)):
            yield Cell(f"{k}-shot_{cell.name}", cell.changes, cell.steps, f"{k}-shot, {cell.name}", shots=k)


def remove(base: Config, steps: int) -> Iterator[Cell]:
    """Table 4: progressive without tasks from the middle of the order."""
    routes = need_tasks(base, "remove", range(3, 100))
    rule = rule_of(base, "progressive")
    middle = routes[1:-1]
    for n in range(len(middle) + 1):
        for out in combinations(middle, n):
            kept = [route for route in routes if route not in out]
            row = f"without {', '.join(out)}" if out else "full"
            yield Cell("-".join(["full", *out]), {**only(base, kept), RULE: rule}, steps * len(kept), row)


def orders(base: Config, steps: int) -> Iterator[Cell]:
    """Table 5: progressive in other orders of the four tasks."""
    routes = need_tasks(base, "orders", [4])
    for order in ORDERS:
        changes = {RULE: rule_of(base, "progressive"), ROUTES: [routes[i - 1] for i in order]}
        yield Cell("".join(map(str, order)), changes, steps * 4, "→".join(map(str, order)))


def parameters(base: Config, steps: int) -> Iterator[Cell]:
    """Figure 3: the hardest task alone, with 1 to 4 FFNs in each routed layer, and among all tasks."""
    hardest = routes_of(base)[-1]
    for n in range(1, N_FFNS + 1):
        rule = {"@misc": "spacy-medmtl.n_ffn_rule.v1", "n_ffn": n}
        rule.update({k: v for k, v in rule_of(base, "progressive").items() if k in ("init", "coefficient_lr_scale")})
        yield Cell(f"{n}-ffn", {**only(base, [hardest]), RULE: rule}, steps, f"{hardest} alone, {n} FFN")
    changes = {RULE: rule_of(base, "progressive")}
    yield Cell("progressive", changes, steps * len(routes_of(base)), "progressive, all tasks")


def pairwise(base: Config, steps: int) -> Iterator[Cell]:
    """MT-BERT, Figure 2: each task alone, and each pair of tasks on one shared encoder."""
    routes, rule = need_tasks(base, "pairwise", range(2, 100)), rule_of(base, "shared")
    for n in (1, 2):
        for kept in combinations(routes, n):
            yield Cell("+".join(kept), {**only(base, kept), RULE: rule}, steps * n)


def stages(base: Config, steps: int) -> Iterator[Cell]:
    """MT-BERT, Tables 2 and 3: a model for each task, all refined on one encoder, and each fine-tuned from there."""
    routes, rule = routes_of(base), rule_of(base, "shared")
    yield Cell("single", alone(base), steps * len(routes))
    proportional = {SCHEDULE: {"@misc": "spacy-medmtl.proportional.v1"}}
    yield Cell("refined", {RULE: rule, **proportional}, steps * len(routes), keeps=True)
    yield from fine_tuned(base, steps, "refined")


def fine_tuned(base: Config, steps: int, after: str) -> Iterator[Cell]:
    """Each task by itself, on the encoder of another cell and at a part of its rate."""
    rate = base["training"]["optimizer"]["learn_rate"]["initial_rate"]
    for route in routes_of(base):
        changes = only(base, [route])
        del changes[ROUTES]  # the encoder comes with all of its routes
        changes["initialize.components"] = {}
        changes["training.optimizer.learn_rate.initial_rate"] = rate * FINE_TUNE_RATE
        yield Cell(f"fine-tuned_{route}", changes, steps, "fine-tuned", after=after)


def schedules(base: Config, steps: int) -> Iterator[Cell]:
    """MT-Clinical BERT, round robin against loss summation, on one shared encoder and on the same batches: a step of
    the second is a round of the first."""
    rule = rule_of(base, "shared")
    for name, n_steps in (("round_robin", steps * len(routes_of(base))), ("loss_sum", steps)):
        yield Cell(name, {RULE: rule, SCHEDULE: {"@misc": f"spacy-medmtl.{name}.v1"}}, n_steps)


def gradients(base: Config, steps: int) -> Iterator[Cell]:
    """How far tasks agree: cosines of their gradients on a shared encoder, in each layer, before and after training."""
    need_tasks(base, "gradients", range(2, 100))
    for name, n_steps in (("fresh", 0), ("trained", steps * len(routes_of(base)))):
        yield Cell(name, {RULE: rule_of(base, "shared")}, n_steps, gradients=True)


def clinical(base: Config, steps: int) -> Iterator[Cell]:
    """MT-Clinical BERT, Table 2: a model for each task, and all tasks on one encoder, by round robin (Algorithm 1) and
    by loss summation. With progressive sharing, fine-tuning from the shared encoder (MT-BERT), and what the paper
    proposes: masked words beside the tasks, and relations of entities that the pipeline itself finds."""
    routes, rule = need_tasks(base, "clinical", range(2, 100)), rule_of(base, "shared")
    for route in routes:
        yield Cell(f"single_{route}", {**only(base, [route]), RULE: rule}, steps, "a model for each task")
    for cell in schedules(base, steps):
        yield replace(cell, keeps=cell.name == "round_robin")
    n_steps = steps * len(routes)
    yield Cell("progressive", {RULE: rule_of(base, "progressive")}, n_steps)
    yield from fine_tuned(base, steps, "round_robin")
    yield Cell("masked_words", {RULE: rule, **masked_words(base)}, n_steps, "with masked words")
    for name in routes:
        if "spans_key" in base["components"][name].get("candidates", {}):
            changes = {RULE: rule, **found_entities(base, name)}
            yield Cell(f"found_entities_{name}", changes, n_steps, f"{name} on found entities")


def masked_words(base: Config) -> Changes:
    """Masked words of every batch, which the easiest route learns beside the task of the batch."""
    listener = {"@architectures": LISTENER, "route": routes_of(base)[0], "view": "tokens", "upstream": "*"}
    model = {"@architectures": "spacy-medmtl.MaskedLm.v1", "tok2vec": listener}
    return {
        "components.masked_words": {"factory": "medmtl_masked_lm", "corpora": [], "model": model},
        "nlp.pipeline": [*base["nlp"]["pipeline"], "masked_words"],
    }


def found_entities(base: Config, name: str) -> Changes:
    """A component that finds the entities that the task ``name`` relates, and learns from the same documents; else
    they are given."""
    finder = f"{name}_entities"
    listener = {"@architectures": LISTENER, "route": name, "view": "document", "upstream": "*", "pooling": "max"}
    model = {"@architectures": "spacy-medmtl.SruNestedNer.v1", "tok2vec": listener}
    key = base["components"][name]["candidates"]["spans_key"]
    pipeline = list(base["nlp"]["pipeline"])
    pipeline.insert(pipeline.index(name), finder)
    changes: Changes = {
        f"components.{finder}": {"factory": "sru_nested_ner", "spans_key": key, "set_ents": False, "model": model},
        "nlp.pipeline": pipeline,
    }
    for part in ("train", "dev", "test"):
        for corpus, settings in base["corpora"][part]["corpora"].items():
            if name in settings["tasks"]:
                changes[f"corpora.{part}.corpora.{corpus}.tasks"] = [*settings["tasks"], finder]
    return changes


def costs(base: Config, steps: int) -> Iterator[Cell]:
    """MT-Clinical BERT's claim, one encoder at a part of the cost: what pipelines take to keep and to run. They are not
    trained."""
    yield Cell("vanilla", alone(base), 0, "an encoder for each task", costs=True)
    for name in ("shared", "progressive"):
        yield Cell(name, {RULE: rule_of(base, name)}, 0, costs=True)


def limited(base: Config, steps: int) -> Iterator[Cell]:
    """Shares of the hardest task's training documents, alone and beside the other tasks, whose data are whole: a study
    that MT-Clinical BERT proposes."""
    routes, rule = need_tasks(base, "limited", range(2, 100)), rule_of(base, "shared")
    hardest = routes[-1]
    for percent in PERCENTS:
        for where, changes, n_steps in (
            ("alone", {**only(base, [hardest]), RULE: rule}, steps),
            ("beside", {RULE: rule}, steps * len(routes)),
        ):
            row = f"{percent} % of {hardest}, {where}"
            yield Cell(f"{percent}_{where}", changes, n_steps, row, share=percent / 100, limited=hardest)


EXPERIMENTS = {
    "systems": Experiment("Vanilla, shared (MT-DNN), MMoE, skills and progressive on all tasks (Table 2).", systems),
    "kshot": Experiment("The same systems on 8 and 16 examples of each label (Table 3).", kshot),
    "remove": Experiment("Progressive sharing without tasks from the middle of the order (Table 4).", remove),
    "orders": Experiment("Progressive sharing in five orders of the tasks (Table 5).", orders),
    "parameters": Experiment("The hardest task alone with 1 to 4 FFNs, and with all tasks (Figure 3).", parameters),
    "pairwise": Experiment("Which task helps which, on one shared encoder (MT-BERT, Figure 2).", pairwise, "pairwise"),
    "stages": Experiment("Single-task, refined and fine-tuned models (MT-BERT, Tables 2 and 3).", stages),
    "schedules": Experiment("Round robin against loss summation: scores, time, memory (MT-Clinical BERT).", schedules),
    "clinical": Experiment("One model or a model for each task (MT-Clinical BERT), and what it proposes.", clinical),
    "costs": Experiment("Parameters, disk, memory and speed of one encoder and of many.", costs, "costs"),
    "limited": Experiment("The hardest task on 5 to 100 % of its data, alone and beside the others.", limited),
    "gradients": Experiment("Cosine of tasks' gradients in each layer of a shared encoder.", gradients, "gradients"),
}
