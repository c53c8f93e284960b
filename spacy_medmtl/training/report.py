"""A report in Markdown from the JSON that ``medmtl evaluate`` writes."""

from collections.abc import Iterator, Sequence
from typing import Any

NAMES = {
    "p": "precision",
    "r": "recall",
    "f": "micro-F1",
    "acc": "accuracy",
    "macro_f": "macro-F1",
    "nested_f": "F1, nested only",
    "span_f": "F1, boundaries only",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "mse": "mean squared error",
}


def write_report(metrics: dict[str, Any]) -> str:
    """Markdown: how the pipeline was made, then a table per corpus and one per task with its labels."""
    return "\n".join([*_header(metrics), *_corpora(metrics), ""])


def _header(metrics: dict[str, Any]) -> Iterator[str]:
    pipeline, training = metrics["pipeline"], metrics["training"]
    yield f"# Scores of `{pipeline['name']}` {pipeline['version']}"
    yield ""
    yield f"Pipeline: {', '.join(f'`{name}`' for name in pipeline['components'])}."
    yield f"Training: at most {training['max_steps']} steps, seed {training['seed']}; sharing `{training['sharing']}`, "
    yield f"routes {', '.join(training['routes'])}."
    yield (
        f"Machine: {metrics['machine']}. Versions: "
        + ", ".join(f"{k} {v}" for k, v in metrics["versions"].items())
        + "."
    )
    yield ""
    yield "Scores in percent, too good on a part that training saw, or that chose the model or its thresholds. The"
    yield "floor, given for intents and relations, needs no model: the most frequent label for every unit. Strict"
    yield "matching: boundaries and label (and status) all right."


def _corpora(metrics: dict[str, Any]) -> Iterator[str]:
    for corpus, result in metrics["corpora"].items():
        speed = result["n_words"] / result["seconds"] if result["seconds"] else 0.0
        yield ""
        yield f"## {corpus}"
        yield ""
        yield f"{result['n_docs']} documents, {result['n_words']} tokens, {speed:.0f} tokens/s (all components)."
        for task in metrics["pipeline"]["tasks"]:
            scores = {name: v for name, v in result["scores"].items() if name.startswith(f"{task}_")}
            if scores:
                yield ""
                labels = result.get("details", {"tasks": {}})["tasks"].get(task, {"strict": {}})["strict"]
                yield from _task(task, scores, result["floors"], labels)


def _task(
    task: str, scores: dict[str, Any], floors: dict[str, float], labels: dict[str, dict[str, Any]]
) -> Iterator[str]:
    numbers = [(NAMES[key], scores[f"{task}_{key}"]) for key in NAMES if isinstance(scores.get(f"{task}_{key}"), float)]
    if f"{task}_f" in floors:
        numbers.append(("floor, micro-F1", floors[f"{task}_f"]))
    shown = [(name, _percent(value)) for name, value in numbers]
    shown += [(name, f"{value:.4f}") for name, value in other_numbers(task, scores).items()]
    yield f"### {task}"
    yield ""
    yield from table([name for name, _ in shown], [[value for _, value in shown]])
    for kind, key in (("label", "f_per_type"), ("modifier", "f_per_modifier")):
        by_name = scores.get(f"{task}_{key}") or {}
        if by_name:
            yield ""
            known = labels if kind == "label" else {}
            rows = [
                [name, *(_percent(score[part]) for part in ("p", "r", "f")), *_certainty(known, name)]
                for name, score in by_name.items()
            ]
            yield from table([kind, "precision", "recall", "F1", *(["95 % interval", "gold"] if known else [])], rows)


def _certainty(labels: dict[str, dict[str, Any]], name: str) -> list[str]:
    """The interval of a label's F1, and on how many gold items it rests."""
    if not labels:
        return []
    score = labels.get(name)
    if score is None or score["f_low"] is None:
        return ["-", "-" if score is None else str(score["support"])]
    return [f"{_percent(score['f_low'])} to {_percent(score['f_high'])}", str(score["support"])]


def other_numbers(task: str, scores: dict[str, Any]) -> dict[str, float]:
    """The numbers that a scorer of its own gives under the task's name, such as an error that is no share of anything:
    by the rest of their names."""
    keys = {name.removeprefix(f"{task}_"): name for name in scores if name.startswith(f"{task}_")}
    return {key: scores[name] for key, name in keys.items() if key not in NAMES and isinstance(scores[name], float)}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, numbers to the right."""
    rule = [
        "---" if i == 0 and len(header) > 1 and rows and not _is_number(rows[0][0]) else "---:"
        for i in range(len(header))
    ]
    return [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).lstrip("-").isdigit()


def _percent(value: Any) -> str:
    return f"{100.0 * value:.1f}" if isinstance(value, (int, float)) else "-"
