"""What an experiment consists of: cells, each one training with one seed, told as changes of a base config.

A cell's config is a whole spaCy config; nothing of it depends on other cells, but where a cell goes on from another's
pipeline (``after``).
"""

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.training.corpus import walk_corpus
from thinc.api import Config

from ..training.provenance import file_sha256

Changes = dict[str, Any]  # "section.setting" -> what stands there; a dict replaces a whole section
WARM_UP_SHARE = 0.1  # of the steps
ENCODER = "encoder"  # the component
ENCODER_FILES = ("*.safetensors", "config.json", "tokenizer*.json")


@dataclass(frozen=True)
class Budget:
    """What an experiment may cost. steps: for each task. Docs: of each corpus that are read; 0 for all."""

    steps: int
    seeds: tuple[int, ...]
    train_docs: int
    dev_docs: int
    test_docs: int


PROFILES = {
    "cpu-short": Budget(steps=60, seeds=(0,), train_docs=400, dev_docs=20, test_docs=60),
    "cpu": Budget(steps=300, seeds=(0, 1), train_docs=1000, dev_docs=50, test_docs=200),
    "gpu-short": Budget(steps=300, seeds=(0, 1, 2), train_docs=1000, dev_docs=50, test_docs=200),
    "gpu": Budget(steps=2500, seeds=(0, 1, 2), train_docs=0, dev_docs=0, test_docs=0),
}


@dataclass(frozen=True)
class Cell:
    """One training and what is measured on it.

    name: unique but for the seed. row: the line of the table that it belongs to. steps: those of the optimizer, all
    tasks together. after: name of the cell of the same seed from whose pipeline it starts. keeps: leave the trained
    pipeline on disk. gradients, costs: measure these instead of scores. shots: examples of each label that it learns
    from; 0 for whole corpora. share: of the training documents of the task ``limited``.
    """

    name: str
    changes: Changes
    steps: int
    row: str = ""
    seed: int = 0
    after: str = ""
    keeps: bool = False
    gradients: bool = False
    costs: bool = False
    shots: int = 0
    share: float = 1.0
    limited: str = ""

    @property
    def title(self) -> str:
        return self.row or self.name


def with_seeds(cells: Iterable[Cell], seeds: Iterable[int]) -> list[Cell]:
    """Each cell once for each seed, all cells of the first seed first."""
    cells = list(cells)
    return [replace(cell, seed=seed) for seed in seeds for cell in cells]


def change(config: Config, changes: Changes) -> None:
    """Put changes into a config, in place. Sections that are not there are made."""
    for address, value in changes.items():
        *sections, name = address.split(".")
        place: Any = config
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = copy.deepcopy(value)


def cell_config(base: Config, cell: Cell, budget: Budget) -> Config:
    """The training config of a cell: its changes, seed and steps; nothing is selected on dev, the last weights count.

    spaCy scores the dev corpus before the first step, so training sees a single document of it.
    """
    config = Config(copy.deepcopy(dict(base)))
    config.pop("lab", None)
    change(config, cell.changes)
    config["system"]["seed"] = cell.seed
    training = config["training"]
    if not isinstance(training.get("seed", ""), str):  # a number; else it refers to that of [system]
        training["seed"] = cell.seed
    training.update(max_steps=cell.steps, eval_frequency=cell.steps + 1, score_weights={})
    if "total_steps" in training["optimizer"].get("learn_rate", {}):
        warm_up = max(1, round(WARM_UP_SHARE * cell.steps))
        training["optimizer"]["learn_rate"].update(warmup_steps=warm_up, total_steps=cell.steps)
    for part, limits in doc_limits(config, budget).items():
        for name, entry in config["corpora"][part]["corpora"].items():
            entry["limit"] = 1 if part == "dev" else limits[name]
    return config


def doc_limits(config: Config, budget: Budget) -> dict[str, dict[str, int]]:
    """Part -> corpus -> documents that are read, 0 for all: the budget's, or the config's own where that is less."""
    given = {"train": budget.train_docs, "dev": budget.dev_docs, "test": budget.test_docs}
    return {
        part: {
            name: min((n_docs for n_docs in (limit, entry.get("limit", 0)) if n_docs), default=0)
            for name, entry in config["corpora"][part]["corpora"].items()
        }
        for part, limit in given.items()
    }


def fingerprint(config: Config, measured: dict[str, Any], files: dict[str, str]) -> str:
    """Tells cells apart that would measure something else: by config, what is measured, and the files that are read.

    files: path -> digest.
    """
    content = [config.to_str(interpolate=False), measured, sorted(files.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def file_digests(config: Config, known: dict[str, str]) -> dict[str, str]:
    """The corpora that a config names (files, or all in a folder) and its encoder's weights and settings: path ->
    sha256, where not ``known``."""
    settings = config.interpolate()
    parts = settings["corpora"].values()
    paths = {Path(entry["path"]) for part in parts for entry in part["corpora"].values()}
    loaders = settings["initialize"]["components"].values()
    paths |= {file for folder in paths if folder.is_dir() for file in walk_corpus(folder, ".spacy")}
    for folder in {Path(component["loader"].get("path", "")) for component in loaders if "loader" in component}:
        paths |= {file for pattern in ENCODER_FILES for file in folder.glob(pattern)}
    files = sorted(str(path) for path in paths if path.is_file())
    return {path: known.get(path) or file_sha256(Path(path)) for path in files}
