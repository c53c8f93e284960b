"""``medmtl export``: Docs in the formats of other tools, with an account of what these cannot hold."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..corpora.exports.run import export_docs
from .convert import show_progress
from .failing import coded_errors


class Format(str, Enum):
    """What to write."""

    brat = "brat"
    jsonl = "jsonl"
    conll = "conll"


def export(
    form: Annotated[
        Format,
        typer.Argument(
            help="brat: a folder of .txt and .ann files. jsonl: JSON lines as Prodigy reads them. conll: CoNLL-U Plus, "
            "a word a line.",
            metavar="FORMAT",
        ),
    ],
    source: Annotated[Path, typer.Argument(help="Docs, as 'medmtl convert' writes them.", metavar="INPUT.spacy")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder (brat) or file to write.")],
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace an export that is there.")] = False,
) -> None:
    """Write entities, findings and, where the format can, relations, intents and sentences of a .spacy file.

    The converters 'brat', 'prodigy' (for jsonl) and 'conll' read the result, with '--set group=both' where it has
    findings. What the format cannot hold is counted.
    """
    with coded_errors():
        told = export_docs(form.value, source, output, force=force, progress=show_progress)
    for what, n in sorted(told.items()):
        msg.warn(f"not in the export: {n} x {what}")
    msg.good(f"Wrote {output}")
