"""Copies of a pipeline with other settings, measured beside it: words a second, and each head's score."""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.util import load_model_from_config

from ..encoder.pipe import ProgressiveTok2Vec
from ..encoder.precision import has_bfloat16
from ..errors import MedmtlError
from ..heads.head import Head
from .architectures import INT8

Setting = Callable[[dict[str, Any]], dict[str, Any]]  # the config block of an encoder's model -> another
MEASURES = ("f", "pearson")  # a head's score is the first of these that it has


@dataclass(frozen=True)
class Measured:
    """A pipeline on dev texts. speed: words per CPU second. scores: by head, 0 to 1."""

    speed: float
    scores: Mapping[str, float]

    def loss(self, before: "Measured") -> float:
        """The points that the head which lost most has lost."""
        return max((100 * (score - self.scores[name]) for name, score in before.scores.items()), default=0.0)


def settings() -> dict[str, Setting]:
    """What can be changed after training, by name, as far as this machine gains by it.

    Routed layers and sharing cannot: the weights were trained for them.
    """
    available: dict[str, Setting] = {"int8": in_int8}
    if has_bfloat16(torch.device("cpu")):
        available["bfloat16"] = in_bfloat16
    return available


def in_int8(model: dict[str, Any]) -> dict[str, Any]:
    return model if model["@architectures"] == INT8 else {"@architectures": INT8, "encoder": model}


def in_bfloat16(model: dict[str, Any]) -> dict[str, Any]:
    plain = model["encoder"] if model["@architectures"] == INT8 else model
    return {**plain, "mixed_precision": True}


def write_copy(nlp: Language, setting: Setting, folder: Path) -> Language:
    """Write a pipeline with other encoders into a folder, and load it from there. nlp: loaded from disk.

    Raises MedmtlError E355 for one that has no encoder of this package.
    """
    config = nlp.config.copy()
    encoders = [name for name, pipe in nlp.components if isinstance(pipe, ProgressiveTok2Vec)]
    if not encoders:
        raise MedmtlError("E355", problem=f"none of the components {nlp.component_names} is an encoder of this package")
    for name in encoders:
        config["components"][name]["model"] = setting(deepcopy(config["components"][name]["model"]))
    made = load_model_from_config(config, meta=nlp.meta, disable=nlp.disabled)
    made.from_disk(nlp.path)
    made.to_disk(folder)
    return spacy.load(folder)


def measure(pipelines: Mapping[str, Language], examples: Sequence[Example], repeats: int = 3) -> dict[str, Measured]:
    """Speed of annotating the texts, in turns, the median of CPU seconds (all threads together); and scores."""
    texts = [example.reference.text for example in examples]
    n_words = sum(len(example.reference) for example in examples)
    seconds: dict[str, list[float]] = {name: [] for name in pipelines}
    for _ in range(repeats):
        for name, nlp in pipelines.items():
            start = time.process_time()
            for _doc in nlp.pipe(texts):
                pass
            seconds[name].append(time.process_time() - start)
    return {
        name: Measured(n_words / max(median(seconds[name]), 1e-9), head_scores(nlp, examples))
        for name, nlp in pipelines.items()
    }


def head_scores(nlp: Language, examples: Sequence[Example]) -> dict[str, float]:
    """The score of each head that the examples have gold for."""
    fresh = [Example(example.predicted.copy(), example.reference) for example in examples]
    scores = nlp.evaluate(fresh)
    of_heads: dict[str, float] = {}
    for name, pipe in nlp.pipeline:
        if isinstance(pipe, Head):
            values = [scores[f"{name}_{part}"] for part in MEASURES if scores.get(f"{name}_{part}") is not None]
            if values:
                of_heads[name] = values[0]
    return of_heads


def fastest(measured: Mapping[str, Measured], before: Measured, max_loss: float) -> str | None:
    """The name of the fastest that is faster than before and has lost no more than ``max_loss`` points in any head."""
    fit = [
        name
        for name, measurement in measured.items()
        if measurement.speed > before.speed and measurement.loss(before) <= max_loss
    ]
    return max(fit, key=lambda name: measured[name].speed, default=None)
