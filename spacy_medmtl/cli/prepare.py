"""``medmtl prepare``: all corpora of a data set, converted and split, ready to train on."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..corpora.audit import OUTCOMES
from ..corpora.prepare import leakage_path, prepare_jobs, write_leakage
from ..corpora.prepare import prepare as run_jobs
from ..corpora.run import audit_path
from .convert import MISALIGNED_HELP, OnMisaligned, print_leaks, show_progress

_SETS = (
    "sample: the bundled corpus. public: BC5CDR, RQE, PIBOSO and NegEx. ner: GENIA, JNLPBA, BC2GM, NCBI-disease, "
    "linnaeus and BC5CDR. bc5cdr_split: BC5CDR as two corpora, one with diseases and one with chemicals. "
    "status: NegEx, E3C and Healthsea, all open English corpora of status; status_es: NUBes and IULA+ (Spanish). "
    "findings: NegEx, E3C and CHIP-MDCFNPC (Chinese), findings with their status. "
    "progressive: KUAKE-QIC, CHIP-STS, CMeEE and CHIP-MDCFNPC, a task each (Chinese). imcs21: the same four tasks from "
    "the dialogues of IMCS21 (Chinese). clinical8: PIBOSO, BIOSSES, MQP, RQE, BC5CDR, GENIA, NegEx and DDI 2013, a "
    "task each, and QUAERO (French)."
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
    on_misaligned: Annotated[OnMisaligned, typer.Option(help=MISALIGNED_HELP)] = OnMisaligned.expand,
) -> None:
    """Convert a whole data set into OUTPUT/train, OUTPUT/dev and OUTPUT/test, one file per corpus.

    Example: medmtl prepare sample assets/sample corpus/sample

    Losses do not end it; each is listed with file, line and reason in an audit beside the output. Texts of a part that
    stand in another part too, of whatever corpus, are counted and listed in OUTPUT/leakage.json.
    """
    jobs = prepare_jobs(name, source, output, lang=lang, seed=seed, on_misaligned=on_misaligned.value)
    audits = run_jobs(jobs, progress=show_progress)
    leaks = write_leakage(audits, output)
    rows = [
        (path, counts.documents, counts.sentences, sum(sum(labels.values()) for labels in counts.spans.values()))
        for audit in audits.values()
        for path, counts in audit.outputs.items()
    ]
    msg.table(rows, header=("file", "documents", "sentences", "spans"), divider=True, aligns=("l", "r", "r", "r"))
    for path, audit in audits.items():
        tally = {outcome: sum(change.outcome == outcome for change in audit.changes) for outcome in OUTCOMES}
        if any(tally.values()):
            parts = ", ".join(f"{n} {outcome}" for outcome, n in tally.items() if n)
            msg.warn(f"{path}: {parts}; each is listed in {audit_path(Path(path))}")
    print_leaks(leaks, leakage_path(output))
    msg.good(f"Prepared '{name}' in {output}")
