"""``medmtl export``: Docs in the formats of other tools, with an account of what these cannot hold."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from ..corpora.exports.run import export_docs


class ExportFormat(str, Enum):
    """What to write."""

    brat = "brat"
    jsonl = "jsonl"
    conll = "conll"


def export(
    form: Annotated[
        ExportFormat,
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

    Example: medmtl export brat corpus/test/notes.spacy -o out

    The readers 'brat', 'prodigy' (for jsonl) and 'conll' read the result, with '--set group=both' where it has findings
    (group=findings where it has nothing else). What the format cannot hold is counted.
    """
    told = export_docs(form.value, source, output, force=force, progress=_show_progress)
    for what, n in sorted(told.items()):
        msg.warn(f"not in the export: {n} x {what}")
    msg.good(f"Wrote {output}")


def _show_progress(docs: Iterator[Doc]) -> Iterator[Doc]:
    """A bar on terminals, nothing in logs."""
    return iter(tqdm(docs, desc="Exporting", unit=" docs", disable=None, leave=False))
