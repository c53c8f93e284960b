"""Do gradients tell which tasks help each other? Ranks of ``medmtl lab gradients`` against those of ``pairwise``.

For each layer of the encoder, before and after training: Spearman's rank correlation, over pairs of tasks, between the
cosine of their gradients and the points that the two gain together on learning apart (mean of both directions, and of
seeds). In brackets the share of 10,000 random orders that correlate as much or more, in either direction.

    medmtl lab pairwise --config configs/lab/clinical8.cfg
    medmtl lab gradients --config configs/lab/clinical8.cfg
    python benchmarks/rank_transfer.py
"""

from pathlib import Path
from statistics import mean
from typing import Annotated

import numpy
import typer

from spacy_medmtl.lab.tables import SEPARATOR, Stat, cosine_table, read_results, transfer_table
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


def ranks(values: list[float]) -> numpy.ndarray:
    """From 0 on; equal values share the mean of their ranks."""
    given = numpy.asarray(values)
    below, not_above = (given[:, None] > given).sum(1), (given[:, None] >= given).sum(1)
    return (below + not_above - 1) / 2


def spearman(a: list[float], b: list[float]) -> tuple[float, float]:
    """Rank correlation, and the share of random orders that correlate as much or more."""
    first, second = ranks(a), ranks(b)
    found = float(numpy.corrcoef(first, second)[0, 1])
    random = numpy.random.default_rng(0)
    others = [numpy.corrcoef(random.permutation(first), second)[0, 1] for _ in range(N_ORDERS)]
    return found, float(numpy.mean(numpy.abs(others) >= abs(found) - 1e-9))


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
            cells.append("{:+.2f} ({:.2f})".format(*spearman(*map(list, zip(*known)))))
        rows.append([str(state), str(len(pairs)), *cells])
    typer.echo("\n".join(table(["encoder", "pairs", *layers], rows)))
    best = sorted(gained, key=lambda pair: -gained[pair])
    typer.echo("\n".join(f"{SEPARATOR.join(sorted(pair))}: {gained[pair]:+.1f}" for pair in best))


if __name__ == "__main__":
    typer.run(main)
