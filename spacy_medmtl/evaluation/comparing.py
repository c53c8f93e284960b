"""Two pipelines on the same documents: the difference of their micro-F1, how sure it is, whether it could be chance.

Both tests keep documents whole, since what stands in one hangs together, and pair the two pipelines by document.
"""

from collections.abc import Iterator
from typing import Any

import numpy

from .intervals import SEED, bootstrap_counts, f1

N_SHUFFLES = 9999
_CHUNK = 256  # shuffles at once


def compared_scores(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each corpus and task that both hold scores of, of the same texts: ``corpus``, ``task``, ``n_docs``,
    ``f``, ``other_f``, ``difference`` with its 95 % interval ``low`` to ``high``, and ``p``.

    ours, theirs: the JSON of ``medmtl evaluate``.
    """
    for corpus, result in ours["corpora"].items():
        their_result = theirs["corpora"].get(corpus)
        if their_result is None or result["details"]["texts"] != their_result["details"]["texts"]:
            continue
        their_tasks = their_result["details"]["tasks"]
        for task, task_details in result["details"]["tasks"].items():
            if task in their_tasks:
                our_counts, their_counts = (
                    numpy.asarray(side["documents"], dtype=float) for side in (task_details, their_tasks[task])
                )
                yield {"corpus": corpus, "task": task, **paired(our_counts, their_counts)}


def paired(ours: numpy.ndarray, theirs: numpy.ndarray) -> dict[str, Any]:
    """The comparison of two pipelines by their (right, spurious, missed) [n_docs, 3] of the same documents.

    ``low`` and ``high``: percentiles of the difference over 1,000 bootstrap samples of documents. ``p``: two-sided, by
    approximate randomisation (Yeh, 2000): how often the documents' results, swapped by chance between the two, differ
    by as much.
    """
    random = numpy.random.default_rng(SEED)
    draws = bootstrap_counts(random, len(ours))
    low, high = numpy.percentile(f1(draws @ ours) - f1(draws @ theirs), [2.5, 97.5])
    f, other_f = (float(f1(counts.sum(axis=0)[None])[0]) for counts in (ours, theirs))
    gap, n_as_far = theirs - ours, 0
    for start in range(0, N_SHUFFLES, _CHUNK):
        n = min(_CHUNK, N_SHUFFLES - start)
        moved = random.integers(0, 2, (n, len(ours))) @ gap
        differences = numpy.abs(f1(ours.sum(axis=0) + moved) - f1(theirs.sum(axis=0) - moved))
        n_as_far += int((differences >= abs(f - other_f) - 1e-12).sum())
    return {
        "n_docs": len(ours),
        "f": f,
        "other_f": other_f,
        "difference": f - other_f,
        "low": float(low),
        "high": float(high),
        "p": (n_as_far + 1) / (N_SHUFFLES + 1),
    }
