"""Schedules: in which order the corpora give their batches. Each is a function of the number of batches per corpus."""

import random
from typing import Callable, Dict, Iterator

Schedule = Callable[[Dict[str, int]], Iterator[str]]


def round_robin() -> Schedule:
    """``spacy-medmtl.round_robin.v1``: MT-Clinical BERT, Algorithm 1. Each round takes one batch of every corpus; an
    epoch ends when the largest is through; smaller ones start again."""
    return order_round_robin


def proportional() -> Schedule:
    """``spacy-medmtl.proportional.v1``: MT-DNN, Algorithm 1. All batches of all corpora once, in random order."""
    return order_proportional


def order_round_robin(n_batches: Dict[str, int]) -> Iterator[str]:
    for _ in range(max(n_batches.values(), default=0)):
        yield from n_batches


def order_proportional(n_batches: Dict[str, int]) -> Iterator[str]:
    names = [name for name, n in n_batches.items() for _ in range(n)]
    random.shuffle(names)
    yield from names
