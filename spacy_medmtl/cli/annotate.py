"""``medmtl annotate``: from files of notes to tables of what a pipeline finds in them."""

import multiprocessing
from collections.abc import Iterator
from dataclasses import asdict
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import srsly
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from spacy.language import Language
from wasabi import msg

from ..errors import MedmtlError
from ..notes.annotating import Annotated as AnnotatedNote
from ..notes.annotating import annotate_in_zones
from ..notes.formats import open_output
from ..notes.row_inputs import Note
from ..notes.run import NO_TEXT, Account, annotate_into, failures_path
from .loading import Code, GpuId, Pipeline, load_pipeline, use_device
from .note_options import UTF_8, NoteEncoding, NoteIdColumn, NoteTextColumn, notes_of

SOME_FAILED = 3  # exit status


class OutputFormat(str, Enum):
    """What to write."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    docbin = "docbin"
    html = "html"
    brat = "brat"


class Engine(str, Enum):
    """What runs the pipeline."""

    local = "local"
    ray = "ray"


def annotate(
    pipeline: Pipeline,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Text files, CSV, JSON lines or Parquet files, folders of them, or '-' for standard input (JSON lines "
            "or one text).",
            metavar="INPUT",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file or folder to write.")],
    form: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="jsonl: a line a note. csv, parquet: a row for each finding, entity, sentence and relation. docbin: "
            "spaCy Docs. html, brat: a folder with a page, or .txt and .ann, for each note. By default what OUTPUT "
            "ends in; parquet and docbin write a folder where it has no ending.",
        ),
    ] = None,
    text_column: NoteTextColumn = None,
    id_column: NoteIdColumn = None,
    encoding: NoteEncoding = UTF_8,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes that run the pipeline.")] = 1,
    batch_size: Annotated[int, typer.Option("--batch-size", "-b", min=1, help="Notes in a batch.")] = 64,
    code: Code = None,
    gpu_id: GpuId = -1,
    engine: Annotated[
        Engine,
        typer.Option(
            help="local: this machine. ray: Ray Data (extra 'ray'), each worker an actor with the pipeline; the "
            "environment variable RAY_ADDRESS names a cluster that can load PIPELINE by the same path."
        ),
    ] = Engine.local,
    force: Annotated[bool, typer.Option("--force", help="Begin anew where there is an output.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Annotate notes: findings with their status, entities, intents and relations, as rows with character offsets.

    Example: medmtl annotate en_medmtl notes/ more.csv -o findings.csv

    Notes that OUTPUT holds already are skipped, so the same command goes on after an interruption. Notes that could not
    be annotated are listed in OUTPUT.failures.jsonl by id and reason. Exit status: 0 all notes with text are annotated,
    1 nothing could be done, 3 some notes failed. Columns: docs/tables.md.
    """
    if workers > 1 and gpu_id >= 0 and engine is Engine.local:
        raise MedmtlError("E404", option="--workers", received=workers, expected="1 on a GPU, or '--engine ray'")
    if workers > 1 and code is not None and engine is Engine.local and multiprocessing.get_start_method() != "fork":
        expected = "1 with '--code' here, where worker processes would not know that code, or '--engine ray'"
        raise MedmtlError("E404", option="--workers", received=workers, expected=expected)
    written = open_output(output, None if form is None else form.value)
    notes = notes_of(inputs, text_column, id_column, encoding, output=output)
    if engine is Engine.ray:
        from ..notes.ray_engine import ray_annotate

        load = partial(_load, pipeline, gpu_id, code)
        run = ray_annotate(load, workers=workers, batch_size=batch_size, has_gpu=gpu_id >= 0)
    else:
        nlp = _load(pipeline, gpu_id, code)

        def run(some: Iterator[Note]) -> Iterator[AnnotatedNote]:
            return annotate_in_zones(nlp, some, batch_size=batch_size, n_process=workers)

    if force:  # not before all else has turned out well
        written.remove()
    console = Console(stderr=True)
    with _progress(console) as progress:
        task = progress.add_task("Annotating", total=notes.total, notes=0, speed=0)

        def tell(account: Account) -> None:
            elapsed = progress.tasks[task].elapsed or 1e-9
            n_notes = account.annotated + account.failed + account.without_text
            progress.update(task, completed=notes.consumed, notes=n_notes, speed=account.words / elapsed)

        account = annotate_into(written, output, notes, run, tell=tell)
    if as_json:
        typer.echo(srsly.json_dumps(asdict(account)))
    else:
        _summary(account, output)
    if account.failed:
        raise typer.Exit(SOME_FAILED)


def _load(pipeline: str, gpu_id: int, code: Path | None) -> Language:
    use_device(gpu_id)
    return load_pipeline(pipeline, code)


def _progress(console: Console) -> Progress:
    """A bar over the bytes of the input on terminals, nothing in logs."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %, {task.fields[notes]} notes, {task.fields[speed]:.0f} words/s"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _summary(account: Account, output: Path) -> None:
    if account.known:
        msg.info(f"{account.known} note(s) were there already")
    if account.without_text:
        msg.warn(f"{account.without_text} note(s) without text")
    if account.failed:
        msg.fail(f"{account.failed} note(s) could not be annotated")
        for code, n in sorted(account.codes.items()):
            if code != NO_TEXT:
                msg.text(f"{n} x {account.reasons[code]}")
    if account.failed or account.without_text:
        msg.text(f"Listed by id, with reasons: {failures_path(output)}")
    speed = account.words / account.seconds if account.seconds else 0.0
    told = f"{account.annotated} note(s), {account.words} words, {speed:.0f} words/s"
    msg.good(f"Wrote {output}: {told}")
