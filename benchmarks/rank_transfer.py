"""Do gradients tell which tasks help each other? Ranks of ``medmtl lab gradients`` against those of ``pairwise``.

For each layer of the encoder, before and after training: Spearman's rank correlation, over pairs of tasks, between the
cosine of their gradients and the points that the two gain together on learning apart (mean of both directions, and of
seeds). In brackets the share of 10,000 random orders that correlate as much or more, in either direction.

    medmtl lab pairwise --config configs/lab/clinical8.cfg
    medmtl lab gradients --config configs/lab/clinical8.cfg
    python benchmarks/rank_transfer.py
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated

import numpy
import typer

from spacy_medmtl.lab.tables import SEPARATOR, Stat, cosine_table, read_results, transfer_table
from spacy_medmtl.pair_relation.scorer import correlation, ranks
from spacy_medmtl.training.report import table

N_ORDERS = 10_000


def gains(folder: Path) -> dict[frozenset[str], float]:
    """By pair of tasks, the points that they gain by learning together; only of pairs that were run."""
    results = list(read_results(folder / "cells").values())
    tasks = sorted({task for result in results for task in result["cell"].split("+")})
    rows = {str(row[0]): row[1:] for row in transfer_table(results, [], tasks).rows}
    found = {}
    for i, first in enumerate(tasks):
        for j, second in enumerate(tasks[:i]):
            deltas = [delta.mean for delta in (rows[first][j], rows[second][i]) if isinstance(delta, Stat)]
            if deltas:
                found[frozenset((first, second))] = mean(deltas)
    return found


def spearman(a: Sequence[float], b: Sequence[float]) -> str:
    """Rank correlation, and the share of random orders that correlate as much or more; empty where there is none."""
    first, second = (ranks(numpy.asarray(values)) for values in (a, b))
    found = correlation(first, second)
    if found is None:
        return ""
    random = numpy.random.default_rng(0)
    others = [numpy.corrcoef(random.permutation(first), second)[0, 1] for _ in range(N_ORDERS)]
    return f"{found:+.2f} ({numpy.mean(numpy.abs(others) >= abs(found) - 1e-9):.2f})"


def main(
    pairwise: Annotated[Path, typer.Option(help="Results of 'medmtl lab pairwise'.")] = Path("metrics/lab/pairwise"),
    gradients: Annotated[Path, typer.Option(help="Of 'medmtl lab gradients'.")] = Path("metrics/lab/gradients"),
) -> None:
    """Print the table of correlations."""
    gained = gains(pairwise)
    found = cosine_table(list(read_results(gradients / "cells").values()), ["fresh", "trained"], [])
    layers = found.header[2:]
    rows = []
    for state in dict.fromkeys(row[0] for row in found.rows):
        of_pairs = {frozenset(str(row[1]).split(SEPARATOR)): row[2:] for row in found.rows if row[0] == state}
        pairs = [pair for pair in gained if pair in of_pairs]
        cells = []
        for number in range(len(layers)):
            known = [(value.mean, gained[p]) for p in pairs if isinstance(value := of_pairs[p][number], Stat)]
            cells.append(spearman([cosine for cosine, _ in known], [gain for _, gain in known]))
        rows.append([str(state), str(len(pairs)), *cells])
    typer.echo("\n".join(table(["encoder", "pairs", *layers], rows)))
    best = sorted(gained, key=lambda pair: -gained[pair])
    typer.echo("\n".join(f"{SEPARATOR.join(sorted(pair))}: {gained[pair]:+.1f}" for pair in best))


if __name__ == "__main__":
    typer.run(main)
