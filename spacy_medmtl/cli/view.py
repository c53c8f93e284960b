"""``medmtl view``: a page that shows what a pipeline finds in notes."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..corpora.outputs import write_atomically
from ..displacy import render
from ..errors import MedmtlError
from ..notes.annotating import annotate_notes
from ..notes.row_inputs import Note
from .loading import Code, GpuId, Pipeline, load_pipeline, use_device
from .note_options import UTF_8, NoteEncoding, NoteIdColumn, NoteTextColumn, notes_of
from .show import EXAMPLE


def view(
    pipeline: Pipeline,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(help="Notes, as for 'medmtl annotate'; an invented visit if left out.", metavar="INPUT"),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("view.html"),
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Tell why findings have their status (a reading for each word around).")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Notes shown at most.")] = 100,
    text_column: NoteTextColumn = None,
    id_column: NoteIdColumn = None,
    encoding: NoteEncoding = UTF_8,
    code: Code = None,
    gpu_id: GpuId = -1,
) -> None:
    """Show notes with findings, their status, nested entities, intents and relations, as one page for a browser.

    Example: medmtl view en_medmtl note.txt -o note.html

    The page holds the text of the notes and loads nothing from elsewhere.
    """
    use_device(gpu_id)
    notes = [Note("an invented visit", EXAMPLE)]
    if inputs:
        notes = [
            note for note, _ in zip(notes_of(inputs, text_column, id_column, encoding, output=output), range(limit))
        ]
    nlp = load_pipeline(pipeline, code)
    docs = []
    for note, outcome in annotate_notes(nlp, notes, batch_size=16):
        if isinstance(outcome, MedmtlError):
            msg.warn(f"{note.id}: {outcome}")
        else:
            docs.append(outcome)
    if not docs:
        raise MedmtlError("E521")
    write_atomically(output, render(docs, page=True, evidence=evidence, jupyter=False).encode())
    msg.good(f"Wrote {output}")
