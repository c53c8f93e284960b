"""Do tasks pull an encoder the same way? The cosine of their gradients, in each of its layers."""

import random
from itertools import combinations
from statistics import mean
from typing import Any

import torch
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed, resolve_dot_names
from torch import Tensor

from ..annotations.scoring import corpus_of
from ..encoder.pipe import ProgressiveTok2Vec
from ..encoder.shims import torch_shim
from ..heads.head import Head
from ..training.batching import shuffled
from ..training.torch_optimizer import LAYER

N_BATCHES = 20  # of each task
N_TOKENS = 640  # in a batch
DROPOUT = 0.1
BELOW = "embeddings"
Gradients = dict[str, Tensor]  # layer -> gradient of all of its parameters, flat


def layer_cosines(nlp: Language, seed: int) -> dict[str, dict[str, float]]:
    """ "task task" -> layer -> mean cosine of the two gradients, over batches of the training corpora.

    The pipeline's encoder must be one that all tasks share (``shared``); dropout is on, as in training. A cosine of 1
    is agreement, below 0 conflict; between batches of one task (the pair of a task with itself) it shows the noise.
    """
    fix_random_seed(seed)
    (reader,) = resolve_dot_names(nlp.config.interpolate(), ["corpora.train"])
    examples: dict[str, list[Example]] = {}
    entries = nlp.config.interpolate()["corpora"]["train"]["corpora"]
    for example in reader(nlp):
        for task in entries[corpus_of(example.reference) or ""]["tasks"]:
            examples.setdefault(task, []).append(example)
    encoder = next(pipe for _, pipe in nlp.pipeline if isinstance(pipe, ProgressiveTok2Vec))
    of_tasks = {
        task: [task_gradients(nlp, encoder, task, batch) for batch in batches_of(given)]
        for task, given in examples.items()
    }
    # a batch may hold nothing to learn, such as sentences without a pair
    return mean_cosines({task: [layers for layers in batches if layers] for task, batches in of_tasks.items()})


def batches_of(examples: list[Example]) -> list[list[Example]]:
    batches: list[list[Example]] = []
    while len(batches) < N_BATCHES:
        batches += shuffled(examples, N_TOKENS)
    return random.sample(batches, N_BATCHES)


def task_gradients(nlp: Language, encoder: ProgressiveTok2Vec, task: str, batch: list[Example]) -> Gradients:
    """The encoder's gradient of one task's loss on a batch, by layer. None of it stays behind."""
    other_heads = [name for name, pipe in nlp.pipeline if isinstance(pipe, Head) and name != task]
    fresh = [Example(example.predicted.copy(), example.reference) for example in batch]
    nlp.update(fresh, sgd=False, drop=DROPOUT, exclude=other_heads)  # type: ignore[arg-type]
    module: Any = torch_shim(encoder.model).module
    of_layers: dict[str, list[Tensor]] = {}
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            number = LAYER.search(name)
            layer = f"layer {number.group(1)}" if number else BELOW
            of_layers.setdefault(layer, []).append(parameter.grad.detach().flatten().cpu())
    for name in (task, encoder.name):
        torch_shim(nlp.get_pipe(name).model).module.zero_grad(set_to_none=True)  # type: ignore[attr-defined]
    return {layer: torch.cat(parts) for layer, parts in of_layers.items()}


def mean_cosines(gradients: dict[str, list[Gradients]]) -> dict[str, dict[str, float]]:
    """Over all batches: of two tasks the first with the first, and so on; of one task each with the next. Pairs for
    which there are no two batches are left out."""
    result: dict[str, dict[str, float]] = {}
    pairs = [*combinations(gradients, 2), *((task, task) for task in gradients)]
    for first, second in pairs:
        first_batches, second_batches = gradients[first], gradients[second]
        if first == second:
            second_batches = second_batches[1:] + second_batches[:1]
        if not first_batches or not second_batches or (first == second and len(first_batches) < 2):
            continue
        layers = [layer for layer in first_batches[0] if layer in second_batches[0]]
        result[f"{first} {second}"] = {
            layer: mean(cosine(a[layer], b[layer]) for a, b in zip(first_batches, second_batches)) for layer in layers
        }
    return result


def cosine(a: Tensor, b: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))
