"""A model card: what a pipeline is, what it was measured on, and what it must not be used for."""

from functools import cache
from typing import Any

import jinja2
import srsly
from spacy.language import Language

from ..annotations.groups import ENTITIES, FINDINGS, INTENTS, RELATIONS
from .intervals import ALL

# what the model hub calls the tasks, by the span group that a component writes
_TASKS = {
    INTENTS: ("text-classification", "Sentence intents"),
    RELATIONS: ("text-classification", "Relations"),
    ENTITIES: ("token-classification", "Nested entities"),
    FINDINGS: ("token-classification", "Findings with their status"),
}
_OTHER = ("other", "Other")


def model_card(nlp: Language, metrics: dict[str, Any] | None) -> str:
    """Markdown with the model hub's metadata in front. metrics: the JSON of ``medmtl evaluate``, or None."""
    meta = nlp.meta
    name = f"{meta['lang']}_{meta['name']}"
    heads = [
        {
            "name": component,
            "labels": list(nlp.pipe_labels.get(component, ())),
            "key": key,
            "task": _TASKS.get(key, _OTHER)[1],
        }
        for component, pipe in nlp.pipeline
        if (key := getattr(pipe, "spans_key", None)) is not None
    ]
    front = {
        "language": [meta["lang"]],
        "library_name": "spacy",
        "tags": ["spacy", "spacy-medmtl", "clinical", "multi-task"],
        **({"license": meta["license"].lower()} if meta["license"] else {}),
        "model-index": [{"name": name, "results": _results(heads, metrics)}],
    }
    return _template().render(
        front=srsly.yaml_dumps(front).rstrip(),
        name=name,
        meta=meta,
        heads=heads,
        metrics=metrics,
        rows=_rows(metrics),
        training=nlp.config.interpolate()["training"],
    )


def _results(heads: list[dict[str, Any]], metrics: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A result of the model index for each head and corpus."""
    return [
        {
            "task": {"type": _TASKS.get(head["key"], _OTHER)[0], "name": f"{head['task']} ({head['name']})"},
            "dataset": {"type": corpus, "name": corpus},
            "metrics": [
                {"type": kind, "name": label, "value": round(result["scores"][f"{head['name']}_{part}"], 4)}
                for part, kind, label in (
                    ("p", "precision", "Precision"),
                    ("r", "recall", "Recall"),
                    ("f", "f1", "Micro-F1"),
                    ("pearson", "pearsonr", "Pearson"),
                )
                if isinstance(result["scores"].get(f"{head['name']}_{part}"), float)
            ],
        }
        for corpus, result in ({"corpora": {}} if metrics is None else metrics)["corpora"].items()
        for head in heads
        if any(score.startswith(f"{head['name']}_") for score in result["scores"])
    ]


def _rows(metrics: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A line for each corpus and task, with interval, gold items and calibration error where they were measured."""
    rows = []
    for corpus, result in ({"corpora": {}} if metrics is None else metrics)["corpora"].items():
        details = result.get("details", {"tasks": {}, "reliability": {}})
        for task, task_details in details["tasks"].items():
            errors = [
                f"{output.removeprefix(f'{task} ')} {measures['ece']:.3f}"
                for output, measures in details["reliability"].items()
                if output.startswith(f"{task} ")
            ]
            rows.append({"corpus": corpus, "task": task, **task_details["strict"][ALL], "ece": ", ".join(errors)})
    return rows


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(  # Markdown: nothing to escape
        loader=jinja2.PackageLoader("spacy_medmtl", "evaluation"),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["percent"] = lambda value: "-" if value is None else f"{100 * value:.1f}"
    return environment.get_template("card.jinja")
