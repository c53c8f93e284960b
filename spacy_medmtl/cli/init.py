"""``medmtl init``: a project of one's own, ready to run."""

import shlex
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from wasabi import msg

from ..starting.answers import MINILM, SAMPLE, SAMPLE_FOLDER, SHARING, TASKS, Answers, read_sources
from ..starting.project import write_project

Answer = TypeVar("Answer", str, int)


def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder, new or empty.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            help="'sample', or FORMAT=PATH of your own (brat=notes/). Repeat for more.",
            metavar="DATA",
        ),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--task", "-t", help="A task to train. Repeat for more; by default all of DATA."),
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", "-l", help="spaCy language of the texts.")] = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", "-e", help="'minilm', an encoder's folder, or a model's name on the hub.")
    ] = None,
    sharing: Annotated[str | None, typer.Option(help=f"How tasks share the encoder: {', '.join(SHARING)}.")] = None,
    gpu_id: Annotated[int | None, typer.Option("--gpu-id", "-g", help="GPU to train on; -1 for the CPU.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: defaults for what is not given.")] = False,
) -> None:
    """Write a project: a config, project.yml, a README. What no option says is asked for.

    Example: medmtl init my_project --data brat=notes/ --data csv_sentences=sentences.csv --yes

    Then: cd my_project && python -m spacy project run all
    """

    def answer(question: str, given: Answer | None, default: Answer) -> Answer:
        if given is not None or yes:
            return default if given is None else given
        try:
            typed: Answer = typer.prompt(question, default=default)  # of the kind of the default
            return typed
        except typer.Abort:
            msg.text("Nothing was written. Without a terminal, give options and '--yes': see medmtl init --help")
            raise

    default = SAMPLE if SAMPLE_FOLDER.is_dir() else ""
    asked = answer(
        "Data: 'sample', or FORMAT=PATH of your own, parted by blanks", " ".join(data or ()) or None, default
    )
    sources = read_sources(data or asked.split())
    language = answer("Language of the texts", lang, "en")
    trainable = Answers(language, sources, ()).trainable()
    chosen = answer(
        f"Tasks, parted by blanks: {', '.join(trainable)}", " ".join(tasks or ()) or None, " ".join(trainable)
    )
    answers = Answers(
        lang=language,
        sources=sources,
        tasks=tuple(sorted(dict.fromkeys(chosen.split()), key=lambda task: [*TASKS, task].index(task))),
        encoder=answer("Encoder: 'minilm', a folder, or a model's name on the hub", encoder, MINILM),
        sharing=answer(f"How tasks share the encoder: {', '.join(SHARING)}", sharing, SHARING[0]),
        gpu_id=answer("GPU, -1 for the CPU", gpu_id, -1),
    ).checked()
    written = write_project(folder, answers)
    msg.good(f"Wrote {', '.join(map(str, written))}")
    msg.text(f"Next: cd {shlex.quote(str(folder))} && python -m spacy project run all")
