"""The batcher: every batch is of the corpora that the schedule names, of one task where that is one that trains one."""

import random
from collections.abc import Callable, Iterable, Iterator

from spacy.training import Example

from ..annotations.scoring import corpus_of
from ..errors import MedmtlError
from .schedules import Schedule

Batcher = Callable[[Iterable[Example]], Iterator[list[Example]]]


def task_batcher(schedule: Schedule, size: int = 1000) -> Batcher:
    """``spacy-medmtl.task_batcher.v1``: batches in the order that ``schedule`` gives, of one corpus each or, where it
    names several for one step, of all of these together.

    size: tokens that a corpus gives to a batch, at least one Doc. Shuffling is Python's ``random``, which
        ``[training] seed`` seeds.
    Raises MedmtlError E303 for examples that name no corpus.
    """

    def batch(examples: Iterable[Example]) -> Iterator[list[Example]]:
        corpora: dict[str, list[Example]] = {}
        for example in examples:
            name = corpus_of(example.reference)
            if name is None:
                raise MedmtlError("E303")
            corpora.setdefault(name, []).append(example)
        # sorted, as the order of the corpora in a config must not change what a seed gives
        passes = {name: shuffled(corpora[name], size) for name in sorted(corpora)}
        n_batches = {name: len(batches) for name, batches in passes.items()}
        streams = {name: endless(batches, corpora[name], size) for name, batches in passes.items()}
        for names in schedule(n_batches):
            yield [example for name in names for example in next(streams[name])]

    return batch


def endless(batches: list[list[Example]], examples: list[Example], size: int) -> Iterator[list[Example]]:
    """The first pass over a corpus, which is given because its batches had to be counted, and then further ones."""
    while True:
        yield from batches
        batches = shuffled(examples, size)


def shuffled(examples: list[Example], size: int) -> list[list[Example]]:
    """One pass over a corpus in random order. How many batches that makes depends on the order."""
    return cut(random.sample(examples, len(examples)), size)


def cut(examples: list[Example], size: int) -> list[list[Example]]:
    """Consecutive batches of at most ``size`` tokens, or one longer Doc."""
    batches: list[list[Example]] = []
    n_tokens = 0
    for example in examples:
        if not batches or n_tokens + len(example.predicted) > size:
            batches.append([])
            n_tokens = 0
        batches[-1].append(example)
        n_tokens += len(example.predicted)
    return batches
