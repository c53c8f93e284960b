"""``medmtl evaluate``: scores of a pipeline on each corpus, with all that ``spacy evaluate`` does not show."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.language import Language
from wasabi import msg

from ..corpora.outputs import write_atomically
from ..errors import MedmtlError
from ..heads.head import Head
from ..training.evaluation import evaluate_corpora
from ..training.report import other_numbers
from .failing import coded_errors
from .loading import load_pipeline, use_device

PACKAGES = ("spacy-medmtl", "spacy", "thinc", "torch", "transformers")


def evaluate(
    model: Annotated[str, typer.Argument(help="A trained pipeline: a folder or an installed package.")],
    paths: Annotated[list[Path], typer.Argument(help="Converted corpora (.spacy), or folders of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the scores go (JSON).")],
    gold_sents: Annotated[
        bool, typer.Option("--gold-sents", help="Give the pipeline the corpus's own sentence boundaries.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Documents read of each corpus; 0 for all.")] = 0,
    gpu_id: Annotated[int, typer.Option("--gpu-id", "-g", help="GPU to run on; -1 for the CPU.")] = -1,
) -> None:
    """Score a pipeline on each corpus apart: per task, per label, beside the floors that need no model."""
    with coded_errors():
        use_device(gpu_id)
        if output.is_dir():  # better now than after hours of scoring
            raise MedmtlError("E407", path=output, problem="is a folder")
        nlp = load_pipeline(model)
        results = evaluate_corpora(nlp, paths, gold_sents=gold_sents, limit=limit)
        metrics = {**describe(nlp), "gold_sents": gold_sents, "corpora": results}
        write_atomically(output, (srsly.json_dumps(metrics, indent=2) + "\n").encode())
    for corpus, result in results.items():
        msg.divider(corpus)
        for task in metrics["pipeline"]["tasks"]:
            names = [f"{task}_{key}" for key in ("p", "r", "f", "acc", "nested_f", "span_f", "pearson", "spearman")]
            row = [(name, f"{100 * result['scores'][name]:.2f}") for name in names if name in result["scores"]]
            if f"{task}_f" in result["floors"]:
                row.append((f"{task}_f floor", f"{100 * result['floors'][f'{task}_f']:.2f}"))
            others = other_numbers(task, result["scores"])
            row += [(f"{task}_{key}", f"{value:.4f}") for key, value in others.items()]
            if row:
                msg.table(row, aligns=("l", "r"))
    msg.good(f"Wrote {output}")


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
        "versions": {name: version(name) for name in PACKAGES},
    }
