"""Schedules: which corpora give a batch to which step. Each is a function of the number of batches per corpus.

What is random is drawn from Python's ``random``, which ``[training] seed`` seeds: the same seed gives the same order.
"""

import math
import random
from collections.abc import Callable, Iterator

from ..errors import MedmtlError

Step = tuple[str, ...]  # the corpora that give one batch each to one step of the optimizer
Schedule = Callable[[dict[str, int]], Iterator[Step]]
Weights = dict[str, float]


def round_robin() -> Schedule:
    """``spacy-medmtl.round_robin.v1``: MT-Clinical BERT, Algorithm 1. Each round takes one batch of every corpus, one
    step each; an epoch ends when the largest is through; smaller ones start again. ``T * max(n)`` steps."""

    def order(n_batches: dict[str, int]) -> Iterator[Step]:
        for together in rounds(n_batches):
            yield from ((name,) for name in together)

    return order


def loss_sum() -> Schedule:
    """``spacy-medmtl.loss_sum.v1``: MT-Clinical BERT, loss summation. As round robin, but a round is one step, which
    follows the sum of the tasks' losses. ``max(n)`` steps."""
    return rounds


def proportional() -> Schedule:
    """``spacy-medmtl.proportional.v1``: MT-DNN, Algorithm 1. All batches of all corpora once, in random order."""

    def order(n_batches: dict[str, int]) -> Iterator[Step]:
        names = [name for name, n in n_batches.items() for _ in range(n)]
        # MT-DNN, Algorithm 1: mini-batches of all tasks are merged and shuffled
        random.shuffle(names)
        yield from ((name,) for name in names)

    return order


def temperature(alpha: float = 0.5, weights: Weights | None = None) -> Schedule:
    """``spacy-medmtl.temperature.v1``: each step is of a corpus drawn with ``p_t`` in proportion to ``w_t n_t^alpha``.

    alpha: 1 draws in proportion to the number of batches n, 0 draws all corpora alike, -1 the smallest most often.
    weights: w, factors by corpus; 1 where left out. An epoch has as many steps as there are batches.
    Raises MedmtlError E320 for an alpha that is no number; its schedule E321 for weights that do not fit the corpora.
    """
    check_alpha(alpha)
    return lambda n_batches: draw(n_batches, alpha, weights or {})


def rounds(n_batches: dict[str, int]) -> Iterator[Step]:
    """All corpora together, as often as the largest has batches."""
    for _ in range(max(n_batches.values(), default=0)):
        yield tuple(n_batches)


def draw(n_batches: dict[str, int], alpha: float, weights: Weights) -> Iterator[Step]:
    """As many corpora as there are batches, drawn with replacement. Raises MedmtlError E321."""
    chances = probabilities(n_batches, alpha, weights)
    for name in random.choices(list(chances), list(chances.values()), k=sum(n_batches.values())) if chances else ():
        yield (name,)


def probabilities(n_batches: dict[str, int], alpha: float, weights: Weights) -> dict[str, float]:
    """``p_t = w_t n_t^alpha / sum``, of corpora that have batches. Raises MedmtlError E321 for a weight of an unknown
    corpus, one that is no positive number, or where it is 0 for all."""
    odd = {name: weight for name, weight in weights.items() if name not in n_batches or not 0 <= weight < math.inf}
    # a corpus without batches has no share: 0 ** -1 is no number
    shares = {name: weights.get(name, 1.0) * n**alpha for name, n in n_batches.items() if n}
    total = sum(shares.values())
    if odd or (shares and not total):
        raise MedmtlError("E321", received=odd or weights, expected=list(n_batches))
    return {name: share / total for name, share in shares.items()}


def check_alpha(alpha: float) -> None:
    if not math.isfinite(alpha):
        raise MedmtlError("E320", received=alpha)
