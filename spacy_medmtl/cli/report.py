"""``medmtl report``: the scores of ``medmtl evaluate`` as Markdown."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..corpora.outputs import check_apart, write_atomically
from ..evaluation.scores_file import asking_scores_of, read_scores
from ..training.report import write_report


def report(
    metrics: Annotated[Path, typer.Argument(help="JSON that 'medmtl evaluate' wrote.")],
    output: Annotated[Path, typer.Argument(help="Where the report goes (.md).")],
) -> None:
    """Write a report of a pipeline's scores: per corpus, task and label, with floors, settings and versions.

    Example: medmtl report metrics/own.json metrics/own.md"""
    check_apart([output], [metrics])
    scores = read_scores(metrics)
    with asking_scores_of(metrics):
        text = write_report(scores)
    write_atomically(output, text.encode())
    msg.good(f"Wrote {output}")
