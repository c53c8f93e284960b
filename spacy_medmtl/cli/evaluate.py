"""``medmtl evaluate``: scores of a pipeline on each corpus, with all that ``spacy evaluate`` does not show."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.language import Language
from spacy.training import Example
from wasabi import msg

from ..corpora.outputs import check_apart, write_atomically
from ..errors import MedmtlError
from ..evaluation.comparing import compared_scores
from ..evaluation.curves import read_curves
from ..evaluation.details import corpus_details
from ..evaluation.page import evaluation_page
from ..evaluation.scores_file import asking_scores_of, read_scores
from ..heads.head import Head
from ..training.evaluation import evaluate_corpora
from ..training.provenance import SCORED_WITH
from ..training.report import other_numbers
from .loading import Code, GoldSents, GpuId, Pipeline, load_pipeline, use_device


def evaluate(
    model: Pipeline,
    paths: Annotated[list[Path], typer.Argument(help="Converted corpora (.spacy), or folders of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the scores go (JSON).")],
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Also write an HTML page: intervals, overlap, confusion, reliability."),
    ] = None,
    show_errors: Annotated[
        bool, typer.Option("--show-errors", help="List errors on the page and in the scores, with their text.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(help="Scores of another pipeline on the same corpora (JSON): compare, with a paired test."),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="File that \\[training.logger] output_file named: learning curves on the page.")
    ] = None,
    gold_sents: GoldSents = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Documents read of each corpus; 0 for all.")] = 0,
    code: Code = None,
    gpu_id: GpuId = -1,
) -> None:
    """Score a pipeline on each corpus apart: per task, per label, beside the floors that need no model.

    Example: medmtl evaluate en_medmtl corpus/sample/test -o scores.json --page scores.html
    """
    use_device(gpu_id)
    for path in (output, page):  # better now than after hours of scoring
        if path is not None and path.is_dir():
            raise MedmtlError("E407", path=path, problem="is a folder")
    corpora = [file for path in paths for file in (path.rglob("*.spacy") if path.is_dir() else (path,))]
    check_apart([output, page], [*corpora, log])  # it may replace the scores that it compares with
    theirs = None if against is None else read_scores(against)
    curves = [] if log is None else read_curves(log)
    nlp = load_pipeline(model, code)

    def inspect(examples: Sequence[Example]) -> dict[str, Any]:
        return corpus_details(nlp, examples, with_reliability=page is not None, with_errors=show_errors)

    results = evaluate_corpora(nlp, paths, gold_sents=gold_sents, limit=limit, inspect=inspect)
    metrics = {**describe(nlp), "gold_sents": gold_sents, "corpora": results, "curves": curves}
    write_atomically(output, _json(metrics))
    if theirs is not None and against is not None:  # maybe of other documents: ours are written by then
        metrics["against"] = _compare(metrics, theirs, against)
        write_atomically(output, _json(metrics))
    if page is not None:
        write_atomically(page, evaluation_page(metrics).encode())
    for corpus, result in results.items():
        msg.divider(corpus)
        tasks = metrics["pipeline"]["tasks"]
        if not any(name.startswith(f"{task}_") for task in tasks for name in result["scores"]):
            msg.warn(
                f"Nothing was scored: the corpus is annotated for none of the components of the pipeline "
                f"({', '.join(tasks) or 'it has none that are scored'})"
            )
        for task in tasks:
            names = [f"{task}_{key}" for key in ("p", "r", "f", "acc", "nested_f", "span_f", "pearson", "spearman")]
            row = [(name, f"{100 * result['scores'][name]:.2f}") for name in names if name in result["scores"]]
            if f"{task}_f" in result["floors"]:
                row.append((f"{task}_f floor", f"{100 * result['floors'][f'{task}_f']:.2f}"))
            numbers = other_numbers(task, result["scores"])
            row += [(f"{task}_{key}", f"{value:.4f}") for key, value in numbers.items()]
            if row:
                msg.table(row, aligns=("l", "r"))
            if task in result["details"]["tasks"]:
                _print_labels(result["details"]["tasks"][task]["strict"])
    if against is not None:
        _print_comparison(metrics["against"])
    msg.good(f"Wrote {output}" + (f" and {page}" if page else ""))


def _json(metrics: dict[str, Any]) -> bytes:
    return (srsly.json_dumps(metrics, indent=2) + "\n").encode()


def _compare(metrics: dict[str, Any], theirs: dict[str, Any], path: Path) -> dict[str, Any]:
    with asking_scores_of(path):
        rows = list(compared_scores(metrics, theirs))
        comparison = {"name": theirs["pipeline"]["name"], "version": theirs["pipeline"]["version"], "rows": rows}
    if not rows:
        raise MedmtlError("E505", path=path)
    return comparison


def _print_comparison(comparison: dict[str, Any]) -> None:
    msg.divider(f"against {comparison['name']} {comparison['version']}")
    rows = [
        (
            row["corpus"],
            row["task"],
            f"{100 * row['f']:.1f}",
            f"{100 * row['other_f']:.1f}",
            f"{100 * row['difference']:+.1f}",
            f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}",
            f"{row['p']:.4f}",
        )
        for row in comparison["rows"]
    ]
    header = ("corpus", "task", "F1", "other F1", "difference", "95 % interval", "p")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", *"rrrrr"))


def _print_labels(scores: dict[str, dict[str, Any]]) -> None:
    """F1 of each label with its interval, and on how many gold items it rests."""
    rows = []
    for label, score in scores.items():
        interval = "-" if score["f_low"] is None else f"{100 * score['f_low']:.1f} to {100 * score['f_high']:.1f}"
        rows.append((label, f"{100 * score['f']:.1f}", interval, str(score["support"])))
    msg.table(rows, header=("label", "F1", "95 % interval", "gold"), divider=True, aligns=("l", "r", "r", "r"))


def describe(nlp: Language) -> dict[str, Any]:
    """What a score needs to be read: pipeline, training settings, machine, versions."""
    tasks = [name for name, pipe in nlp.pipeline if isinstance(pipe, Head)]
    training = nlp.config.interpolate()["training"]  # "seed" is a reference to [system] in most configs
    pipes: list[Any] = [pipe for _, pipe in nlp.pipeline]
    encoder = next((p.model for p in pipes if hasattr(p, "listener_map") and "rule" in p.model.attrs), None)
    return {
        "pipeline": {
            "name": f"{nlp.meta['lang']}_{nlp.meta['name']}",
            "version": nlp.meta["version"],
            "components": nlp.pipe_names,
            "tasks": tasks,
        },
        "training": {
            "max_steps": training["max_steps"],
            "seed": training["seed"],
            "sharing": type(encoder.attrs["rule"]).__name__ if encoder else None,
            "routes": encoder.attrs["routes"] if encoder else [],
        },
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version(name) for name in SCORED_WITH},
    }
