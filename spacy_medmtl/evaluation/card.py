"""A model card: what a pipeline is, what it was measured on, and what it must not be used for."""

from functools import cache
from typing import Any

import jinja2
import srsly
from spacy.language import Language

from ..heads.head import Head
from .intervals import ALL

# what the model hub calls the tasks, and what a reader does, by factory
_TASKS = {
    "sentence_intent": ("text-classification", "Intents"),
    "pair_relation": ("text-classification", "Relations"),
    "sru_nested_ner": ("token-classification", "Nested entities"),
    "cpncf_assertion": ("token-classification", "Findings with their status"),
}
_OTHER = ("other", "")  # of heads and components that are not ours


def model_card(nlp: Language, metrics: dict[str, Any] | None) -> str:
    """Markdown with the model hub's metadata in front. metrics: the JSON of ``medmtl evaluate``, or None."""
    meta = nlp.meta
    name = f"{meta['lang']}_{meta['name']}"
    heads = [component for component, pipe in nlp.pipeline if isinstance(pipe, Head)]
    tasks = {component: _TASKS.get(nlp.get_pipe_meta(component).factory, _OTHER) for component in nlp.pipe_names}
    components = [
        {"name": component, "task": tasks[component][1], "places": _places(nlp, component), "labels": labels}
        for component, labels in nlp.pipe_labels.items()
        if labels or component in heads
    ]
    front = {
        "language": [meta["lang"]],
        "library_name": "spacy",
        "tags": ["spacy", *(["spacy-medmtl", "clinical", "multi-task"] if heads else [])],
        **({"license": meta["license"].lower()} if meta["license"] else {}),
        "model-index": [{"name": name, "results": _results({head: tasks[head] for head in heads}, metrics)}],
    }
    return _template().render(
        front=srsly.yaml_dumps(front).rstrip(),
        name=name,
        meta=meta,
        heads=heads,
        components=components,
        metrics=metrics,
        rows=_rows(metrics),
        training=nlp.config.interpolate()["training"],
    )


def _places(nlp: Language, component: str) -> list[str]:
    """Where a component writes, as Python says it."""
    pipe = nlp.get_pipe(component)
    key = getattr(pipe, "spans_key", None) or getattr(pipe, "key", None)  # spaCy's spancat has the latter
    if getattr(pipe, "uses_cats", False):
        return ["doc.cats"]
    return [f'doc.spans["{key}"]'] if isinstance(key, str) else list(nlp.get_pipe_meta(component).assigns)


def _results(heads: dict[str, tuple[str, str]], metrics: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A result of the model index for each head and corpus. heads: type and title of each, by name."""
    return [
        {
            "task": {"type": kind, "name": f"{task} ({head})" if task else head},
            "dataset": {"type": corpus, "name": corpus},
            "metrics": measured,
        }
        for corpus, result in ({"corpora": {}} if metrics is None else metrics)["corpora"].items()
        for head, (kind, task) in heads.items()
        if (measured := _measured(head, result["scores"]))
    ]


def _measured(head: str, scores: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": kind, "name": label, "value": round(scores[f"{head}_{part}"], 4)}
        for part, kind, label in (
            ("p", "precision", "Precision"),
            ("r", "recall", "Recall"),
            ("f", "f1", "Micro-F1"),
            ("pearson", "pearsonr", "Pearson"),
        )
        if isinstance(scores.get(f"{head}_{part}"), float)
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
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["percent"] = lambda value: "-" if value is None else f"{100 * value:.1f}"
    return environment.get_template("card.jinja")
