"""``medmtl debug-data``: what is in the corpora of a config for each head, and what will not work."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.training import Example
from tqdm import tqdm
from wasabi import msg

from ..additional_code import import_code
from ..training.checks import PARTS, Report, check_config
from .loading import Code, config_overrides


def debug_data(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The config to train with. Overrides may follow: --paths.train FILE.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")] = False,
    code: Code = None,
) -> None:
    """Check what 'spacy debug data' ignores, before training.

    Example: medmtl debug-data configs/own.cfg --paths.encoder assets/encoder/minilm

    Per component: labels, examples that are annotated, empty or missing, gold that the head cannot express, tasks
    without dev data, labels of the dev part only. Over all: sentences over the encoder's window, texts with conflicting
    gold, dev texts that are trained on. Exit status 1 if there are errors. No text is shown.
    """
    import_code(code)
    report = check_config(config, config_overrides(context.args), _progress)
    if as_json:
        typer.echo(srsly.json_dumps(report.as_dict(), indent=2))
    else:
        _print(report)
    if report.errors:
        raise typer.Exit(1)


def _progress(examples: Iterable[Example], part: str) -> Iterable[Example]:
    """A bar on terminals, nothing in logs."""
    return tqdm(examples, desc=f"Reading {part}", unit=" docs", disable=None, leave=False)


def _print(report: Report) -> None:
    for name, parts in report.data.items():
        msg.divider(name)
        states: list[tuple[Any, ...]] = [
            (part, corpus, counts["annotated"], counts["empty"])
            for part in PARTS
            for corpus, counts in parts[part].by_corpus.items()
        ]
        states += [(part, "(missing)", parts[part].missing, "") for part in PARTS if parts[part].missing]
        header = ("part", "corpus", "annotated", "annotated, nothing there")
        msg.table(states, header=header, divider=True, aligns=("l", "l", "r", "r"))
        labels = sorted(parts["train"].labels.keys() | parts["dev"].labels.keys())
        rows = [(label, *(parts[part].labels[label] for part in PARTS)) for label in labels]
        if rows:
            msg.table(rows, header=("label", *PARTS), divider=True, aligns=("l", "r", "r"))
    msg.divider("findings")
    for error in report.errors:
        msg.fail(error)
    for warning in report.warnings:
        msg.warn(warning)
    if not report.errors and not report.warnings:
        msg.good("Nothing to complain about")
