"""``medmtl convert``: a public corpus to spaCy's training format, with an account of what was lost on the way."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm
from wasabi import msg

from ..corpora.audit import DROPPED, OUTCOMES, Audit
from ..corpora.leakage import Shared
from ..corpora.options import read_pairs_of
from ..corpora.reader import get_reader
from ..corpora.run import Job, audit_path, convert_corpus


class OnError(str, Enum):
    """What to do about a loss."""

    stop = "stop"
    skip = "skip"
    report = "report"


class OnMisaligned(str, Enum):
    """What to do about a span with an edge inside a token."""

    expand = "expand"
    contract = "contract"
    error = "error"


MISALIGNED_HELP = (
    "A span with an edge inside a token - expand: widen it to whole tokens. contract: narrow it. error: it is a loss."
)


def convert(
    name: Annotated[str, typer.Argument(help="The format or corpus: 'medmtl corpora' lists them.", metavar="NAME")],
    inputs: Annotated[list[Path], typer.Argument(help="Files of one split, as published.", metavar="INPUT")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the Docs go (.spacy). The audits go beside it.")
    ],
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang", "-l", help="spaCy language whose tokenizer reads the texts. By default the corpus's own."
        ),
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option(
            help="stop: nothing is ever lost, the first loss ends it. report: go on, and list every loss. skip: go on, "
            "list every loss, and leave out each document with one (found since the document before it)."
        ),
    ] = OnError.stop,
    on_misaligned: Annotated[OnMisaligned, typer.Option(help=MISALIGNED_HELP)] = OnMisaligned.expand,
    seed: Annotated[
        int, typer.Option("--seed", "-s", help="For what is drawn: substituted answers, the dev part.")
    ] = 0,
    dev_share: Annotated[
        float | None,
        typer.Option(help="Share of the texts that goes to a part of its own (between 0 and 1)."),
    ] = None,
    dev_output: Annotated[
        Path | None, typer.Option(help="Where the dev part goes; by default OUTPUT with '_dev' before .spacy.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Converted files (or folders of them) whose texts must not occur again. May be repeated."),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="Encoder folder, to count sentences over its window; by default assets/encoder/minilm."),
    ] = None,
    encoding: Annotated[
        str,
        typer.Option(help="Of files without a byte order mark that are not UTF-8; of Excel on Windows it is cp1252."),
    ] = "utf-8",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A setting of the format, more than once for more: 'medmtl corpora --about NAME' lists them.",
            metavar="KEY=VALUE",
        ),
    ] = None,
) -> None:
    """Convert a corpus, or data of your own, to spaCy's binary format.

    Example: medmtl convert brat notes/ -o corpus/train/notes.spacy --dev-share 0.2 --set group=both

    Each span is kept, widened to whole tokens, merged with an equal one, or lost. All but the first are counted in the
    table and listed with file, line and reason in OUTPUT.audit.json and, to be read, OUTPUT.audit.html.
    """
    given = read_pairs_of(settings or [])
    job = Job(
        name,
        inputs,
        output,
        lang or get_reader(name).lang,
        on_error.value,
        seed,
        dev_share,
        dev_output,
        on_misaligned=on_misaligned.value,
        against=against or (),
        tokenizer=tokenizer,
        settings=given,
        encoding=encoding,
    )
    audit = convert_corpus(job, progress=show_progress)
    _print_summary(audit)
    n_lost = sum(change.outcome == DROPPED for change in audit.changes)
    written = ", ".join(str(path) for path in audit.outputs)
    if n_lost:
        msg.warn(f"{n_lost} loss(es), each with its line and reason in {audit_path(output)}")
    if audit.left_out:
        parts = ", ".join(f"{n} x {what}" for what, n in sorted(audit.left_out.items()))
        msg.warn(f"Left out, for the settings have no use for it: {parts}")
    if not n_lost and not audit.left_out:
        msg.info(f"Nothing lost. Reports: {audit_path(output)}, {audit_path(output, 'html')}")
    print_leaks(audit.leaks, audit_path(output))
    msg.good(f"Wrote {written}")


@contextmanager
def show_progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar of the bytes read, with the time that is left, on terminals; nothing in logs."""
    with tqdm(total=total, desc="Converting", unit="B", unit_scale=True, disable=None, leave=False) as bar:
        yield lambda n_bytes: bar.update(min(n_bytes, total) - bar.n) and None


def print_leaks(leaks: Sequence[Shared], listed_in: Path) -> None:
    """A line for each two outputs that share texts."""
    for leak in leaks:
        count = f"{len(leak.positions)} document(s) of {leak.other} have a text of {leak.file}"
        msg.warn(f"{count}; their numbers are in {listed_in}")


def _print_summary(audit: Audit) -> None:
    for output, counts in audit.outputs.items():
        msg.divider(output)
        msg.text(f"{counts.documents} documents, {counts.sentences} sentences, {counts.tokens} tokens")
        rows: list[tuple[str, str, int]] = [
            (key, label, n) for key, labels in sorted(counts.spans.items()) for label, n in sorted(labels.items())
        ]
        msg.table(rows, header=("group", "label", "written"), divider=True, aligns=("l", "l", "r"))
    changes = [(outcome, *key, n) for outcome in OUTCOMES for key, n in audit.tally(outcome).items()]
    if changes:
        msg.divider("not as in the input")
        header = ("outcome", "what", "label", "count")
        msg.table(sorted(changes), header=header, divider=True, aligns=("l", "l", "l", "r"))
        for reason, n in audit.as_dict()["change_counts"].items():
            msg.text(f"{n} x {reason}")
    for note, n in sorted(audit.notes.items()):
        if n:
            msg.text(f"note: {note}: {n}")
