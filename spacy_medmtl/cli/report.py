"""``medmtl report``: the scores of ``medmtl evaluate`` as Markdown."""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from wasabi import msg

from ..corpora.outputs import write_atomically
from ..errors import MedmtlError
from ..training.report import write_report


def report(
    metrics: Annotated[Path, typer.Argument(help="JSON that 'medmtl evaluate' wrote.")],
    output: Annotated[Path, typer.Argument(help="Where the report goes (.md).")],
) -> None:
    """Write a report of a pipeline's scores: per corpus, task and label, with floors, settings and versions.

    Example: medmtl report metrics/own.json metrics/own.md"""
    try:
        text = write_report(srsly.read_json(metrics))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MedmtlError("E502", path=metrics, problem=type(error).__name__) from error
    write_atomically(output, text.encode())
    msg.good(f"Wrote {output}")
