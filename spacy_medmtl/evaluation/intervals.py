"""Precision, recall and F1 with 95 % intervals: a bootstrap over documents, since what stands in one hangs together."""

from collections.abc import Sequence
from typing import Any

import numpy

N_SAMPLES = 1000
SEED = 0
ALL = "all"
Counts = dict[str, tuple[int, int, int]]  # of one document: label -> right, spurious, missed


def scores_with_intervals(documents: Sequence[Counts]) -> dict[str, dict[str, Any]]:
    """For ``all`` (micro) and each label: ``p``, ``r``, ``f`` in [0, 1], ``f_low`` and ``f_high`` (percentiles 2.5 and
    97.5 of 1,000 samples of as many documents), ``support`` (gold items), and ``n_docs`` with such an item, gold or
    predicted.

    Intervals are None where one document has them all: nothing is known of how documents differ.
    """
    labels = sorted({label for counts in documents for label in counts})
    table = numpy.zeros((len(documents), len(labels) + 1, 3))
    for number, counts in enumerate(documents):
        for label, values in counts.items():
            table[number, labels.index(label)] = values
    table[:, -1] = table[:, :-1].sum(axis=1)
    draws = bootstrap_counts(numpy.random.default_rng(SEED), len(documents)) if documents else None
    scores = {}
    for column, label in [(len(labels), ALL), *enumerate(labels)]:
        of_label = table[:, column]
        n_docs = int((of_label.sum(axis=1) > 0).sum())
        p, r, f = _prf(of_label.sum(axis=0))
        low = high = None
        if draws is not None and n_docs > 1:
            sampled = f1(draws @ of_label)
            low, high = (float(value) for value in numpy.percentile(sampled, [2.5, 97.5]))
        support = int(of_label[:, 0].sum() + of_label[:, 2].sum())
        scores[label] = {"p": p, "r": r, "f": f, "f_low": low, "f_high": high, "support": support, "n_docs": n_docs}
    return scores


def bootstrap_counts(random: numpy.random.Generator, n_docs: int) -> numpy.ndarray:
    """How often each document stands in each of 1,000 samples of as many documents, [1000, n_docs]."""
    return random.multinomial(n_docs, [1 / n_docs] * n_docs, N_SAMPLES)


def _prf(counts: numpy.ndarray) -> tuple[float, float, float]:
    right, spurious, missed = (float(value) for value in counts)
    p = right / (right + spurious) if right + spurious else 0.0
    r = right / (right + missed) if right + missed else 0.0
    return p, r, float(f1(counts[None])[0])


def f1(counts: numpy.ndarray) -> numpy.ndarray:
    """F1 of (right, spurious, missed), [n, 3] -> [n]; 0 where there is nothing."""
    right, wrong = counts[:, 0], counts[:, 1] + counts[:, 2]
    return numpy.divide(2 * right, 2 * right + wrong, out=numpy.zeros(len(right)), where=(right + wrong) > 0)
