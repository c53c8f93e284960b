"""``medmtl prepare``: all corpora of a data set, converted and split, ready to train on."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..corpora.audit import DROPPED, EXPANDED, MERGED, RESHAPED
from ..corpora.prepare import prepare as run_jobs
from ..corpora.prepare import prepare_jobs
from ..corpora.run import audit_path
from .convert import show_progress
from .failing import coded_errors

_SETS = (
    "sample: the bundled corpus. public: BC5CDR, RQE, PIBOSO and NegEx. ner: GENIA, JNLPBA, BC2GM, NCBI-disease, "
    "linnaeus and BC5CDR. bc5cdr_split: BC5CDR as two corpora, one with diseases and one with chemicals. "
    "findings: NegEx, E3C and CHIP-MDCFNPC (Chinese), findings with their status."
)


def prepare(
    name: Annotated[
        str,
        typer.Argument(help=_SETS, metavar="SET"),
    ],
    source: Annotated[Path, typer.Argument(help="The folder with the corpora as published.")],
    output: Annotated[Path, typer.Argument(help="Where train/, dev/ and test/ go.")],
    lang: Annotated[str, typer.Option("--lang", "-l", help="spaCy language whose tokenizer reads the texts.")] = "en",
    seed: Annotated[int, typer.Option("--seed", "-s", help="For what is drawn: substituted answers, the parts.")] = 0,
) -> None:
    """Convert a whole data set into OUTPUT/train, OUTPUT/dev and OUTPUT/test, one file per corpus.

    Losses do not end it; each is listed with file, line and reason in an audit beside the output.
    """
    with coded_errors():
        audits = run_jobs(prepare_jobs(name, source, output, lang=lang, seed=seed), progress=show_progress)
    rows = [
        (path, counts.documents, counts.sentences, sum(sum(labels.values()) for labels in counts.spans.values()))
        for audit in audits.values()
        for path, counts in audit.outputs.items()
    ]
    msg.table(rows, header=("file", "documents", "sentences", "spans"), divider=True, aligns=("l", "r", "r", "r"))
    for path, audit in audits.items():
        tally = {
            outcome: sum(change.outcome == outcome for change in audit.changes)
            for outcome in (EXPANDED, MERGED, RESHAPED, DROPPED)
        }
        if any(tally.values()):
            parts = ", ".join(f"{n} {outcome}" for outcome, n in tally.items() if n)
            msg.warn(f"{path}: {parts}; each is listed in {audit_path(Path(path))}")
    msg.good(f"Prepared '{name}' in {output}")
