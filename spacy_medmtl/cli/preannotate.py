"""``medmtl preannotate``: notes with what a pipeline finds in them, for people to correct."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..errors import MedmtlError
from ..notes.annotating import annotate_notes
from ..notes.file_outputs import BratFolder
from ..notes.run import NO_TEXT
from ..notes.tasks import write_tasks
from .annotate import SOME_FAILED
from .loading import Code, GpuId, Pipeline, load_pipeline, use_device
from .note_options import UTF_8, NoteEncoding, NoteIdColumn, NoteTextColumn, notes_of


class Tool(str, Enum):
    """What people annotate with."""

    prodigy = "prodigy"
    label_studio = "label_studio"
    doccano = "doccano"
    brat = "brat"


def preannotate(
    pipeline: Pipeline,
    inputs: Annotated[list[Path], typer.Argument(help="Notes, as for 'medmtl annotate'.", metavar="INPUT")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file, or for brat the folder, to write.")],
    tool: Annotated[Tool, typer.Option("--for", help="The tool that people annotate with.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    text_column: NoteTextColumn = None,
    id_column: NoteIdColumn = None,
    encoding: NoteEncoding = UTF_8,
    code: Code = None,
    gpu_id: GpuId = -1,
) -> None:
    """Write tasks for Prodigy, Label Studio, doccano or brat: what a pipeline is least sure of first, scores beside it.

    Example: medmtl preannotate en_medmtl notes/ --for label_studio -o tasks.json

    For Label Studio, OUTPUT.xml is the labelling interface. The corrected export comes back by 'medmtl convert NAME'
    with the same name, with '--set group=both' where there are findings. Exit status 3 if some notes failed.
    """
    n_failed = 0
    if output.exists() and output.is_dir() != (tool is Tool.brat):
        problem = "is a file, expected a folder" if tool is Tool.brat else "is a folder, expected a file"
        raise MedmtlError("E407", path=output, problem=problem)
    if tool is Tool.brat and output.resolve() in [path.resolve() for path in inputs]:
        raise MedmtlError("E407", path=output, problem="is one of the inputs: name another folder")
    if output.exists() and not (output.is_dir() and not any(output.iterdir())) and not force:
        raise MedmtlError("E413", path=output)
    if tool is Tool.brat:
        BratFolder(output).own_files()  # before any note is read: it may hold what is not to be replaced
    use_device(gpu_id)
    notes = notes_of(inputs, text_column, id_column, encoding, output=output)
    nlp = load_pipeline(pipeline, code)
    docs = []
    for note, outcome in annotate_notes(nlp, notes, batch_size=64):
        if isinstance(outcome, MedmtlError):
            n_failed += outcome.code != NO_TEXT
            msg.warn(f"{note.id}: {outcome}")
        else:
            docs.append(outcome)
    if not docs:
        raise MedmtlError("E521")
    model = f"{nlp.meta['lang']}_{nlp.meta['name']}-{nlp.meta['version']}"
    n_written, told = write_tasks(docs, tool.value, output, model=model)
    for what, n in sorted(told.items()):
        msg.warn(f"not in the tasks: {n} x {what}")
    msg.good(f"Wrote {output}: {n_written} task(s)")
    if n_failed:
        raise typer.Exit(SOME_FAILED)
