"""What can be found wrong before the first training starts."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import srsly
from spacy import registry, util
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_model_from_config, resolve_dot_names
from thinc.api import Config, ConfigValidationError

from ..errors import MedmtlError
from ..heads.head import Head
from ..training.corpus import CorpusEntry, read_entry
from .cells import ENCODER, Budget, doc_limits
from .experiments import is_head, routes_of, rules_of
from .runner import Planned

PARTS = ("train", "dev", "test")
Progress = Callable[[Iterable[Any], str], Iterable[Any]]


def read_base(path: Path, overrides: dict[str, Any]) -> Config:
    """The base config of an experiment, its variables not filled in.

    Raises MedmtlError E340 where it is none, E343 where routes, heads and corpora do not belong together.
    """
    try:
        base = util.load_config(path, overrides=overrides, interpolate=False)
        base.interpolate()
        routes, rules = routes_of(base), rules_of(base)
        heads = {
            name: component["model"]["tok2vec"]["route"]
            for name, component in base["components"].items()
            if is_head(component)
        }
        covered = {part: [task for entry in _entries(base, part) for task in entry["tasks"]] for part in PARTS}
        rate = base["training"]["optimizer"]["learn_rate"]["initial_rate"]
        loader = base["initialize"]["components"][ENCODER]["loader"]
    except (ConfigValidationError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise MedmtlError("E340", path=path, problem=problem) from error
    if not rules or not loader or not isinstance(rate, (int, float)):
        raise MedmtlError("E340", path=path, problem="has no [lab.sharing], no loader, or no initial_rate")
    unread, unknown = set(routes) - set(heads.values()), set(heads.values()) - set(routes)
    if unread or unknown or len(set(heads.values())) != len(heads) or len(set(routes)) != len(routes):
        problem = f"the encoder has the routes {routes}, and the heads read {heads}"
        raise MedmtlError("E343", problem=problem, expected="a head for each route, and each route once")
    for part, tasks in covered.items():
        if set(tasks) != set(heads):
            problem = f"the corpora in [corpora.{part}.corpora] are for the tasks {sorted(set(tasks))}"
            raise MedmtlError("E343", problem=problem, expected=f"corpora for {sorted(heads)}")
    if any(name != route for name, route in heads.items()):
        raise MedmtlError("E343", problem=f"the heads read {heads}", expected="routes of the heads' own names")
    return base


def _entries(base: Config, part: str) -> list[dict[str, Any]]:
    return list(base["corpora"][part]["corpora"].values())


def check(base: Config, planned: Sequence[Planned], budget: Budget, progress: Progress) -> None:
    """Raises MedmtlError for whatever would stop a cell: a rule's, route's, weight's or setting's own code, E301 for a
    missing corpus, E342 for one without gold, E340 for a config that spaCy refuses."""
    limits = doc_limits(base, budget)
    nlp = build(base, "the base config")
    corpora = [(part, name) for part in PARTS for name in base["corpora"][part]["corpora"]]
    settings = base.interpolate()["corpora"]
    for part, name in progress(corpora, "Checking corpora"):
        check_gold(nlp, name, settings[part]["corpora"][name], limits[part][name])
    blocks = ("components", "initialize", "training")
    trained = [plan for plan in planned if not plan.cell.after and plan.cell.seed == planned[0].cell.seed]
    different = {srsly.json_dumps([plan.config[name] for name in blocks]): plan for plan in trained}
    for plan in progress(list(different.values()), "Checking cells"):
        nlp = build(plan.config, plan.cell.name)
        for name, settings_of in plan.config.interpolate()["initialize"]["components"].items():
            if "loader" in settings_of:
                loader = registry.resolve({"loader": settings_of["loader"]})["loader"]
                nlp.get_pipe(name).initialize(list, nlp=nlp, loader=loader)  # type: ignore[attr-defined]


def build(config: Config, name: str) -> Language:
    """The untrained pipeline of a config, all blocks of which can be resolved. Raises MedmtlError E340 where spaCy
    refuses one, or an own error's code."""
    try:
        nlp = load_model_from_config(Config(config).interpolate(), auto_fill=True)
        filled = nlp.config.interpolate()
        resolve_dot_names(filled, [f"corpora.{part}" for part in PARTS])
        registry.resolve(filled["training"], schema=ConfigSchemaTraining)
        return nlp
    except MedmtlError:
        raise
    except (ConfigValidationError, ValueError, KeyError) as error:
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise MedmtlError("E340", path=name, problem=problem) from error


def check_gold(nlp: Language, name: str, settings: dict[str, Any], limit: int) -> None:
    """Raises MedmtlError E342 where a corpus has no gold at all for one of its tasks, E301 where it is not there."""
    missing = set(settings["tasks"])
    entry = CorpusEntry(name, Path(settings["path"]), list(settings["tasks"]), limit)
    for example in read_entry(entry, nlp, gold_sents=False):
        for task in list(missing):
            head = nlp.get_pipe(task)
            if isinstance(head, Head) and head.items(example.reference):
                missing.remove(task)
        if not missing:
            return
    raise MedmtlError("E342", name=name, path=entry.path, tasks=sorted(missing))
