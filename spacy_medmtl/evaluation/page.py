"""The scores of ``medmtl evaluate`` as one self-contained page: tables, and diagrams as inline SVG."""

from functools import cache
from typing import Any

import jinja2

from .intervals import ALL
from .matching import MISSED, SPURIOUS

MOST_LABELS = 40  # of a confusion matrix; with more nobody reads it


def evaluation_page(metrics: dict[str, Any]) -> str:
    """HTML of the JSON that ``medmtl evaluate`` writes, with ``details`` of each corpus."""
    corpora = [
        {"name": name, "anchor": f"c{number}", **result, "tasks": _tasks(result)}
        for number, (name, result) in enumerate(metrics["corpora"].items())
    ]
    curves = [_curve(curve) for curve in metrics.get("curves", [])]
    return _template().render(
        metrics=metrics, corpora=corpora, all=ALL, curves=curves, comparison=metrics.get("against")
    )


def _curve(curve: dict[str, Any]) -> dict[str, Any]:
    """A curve with its points in a field of 100 by 50, and the height of that field: 1 for scores, which are shares."""
    is_score = max(curve["values"]) <= 1.0 and not curve["name"].endswith(" loss")
    height = 1.0 if is_score else max(*curve["values"], 1e-9)
    first, last = curve["steps"][0], curve["steps"][-1]
    points = [
        (100 * (step - first) / max(1, last - first), 50 - 50 * max(0.0, value) / height)
        for step, value in zip(curve["steps"], curve["values"])
    ]
    best = (max if is_score else min)(curve["values"])
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return {**curve, "points": points, "line": line, "is_score": is_score, "best": best, "height": height}


def _tasks(result: dict[str, Any]) -> list[dict[str, Any]]:
    details = result.get("details", {"tasks": {}, "reliability": {}})
    tasks = []
    for name, task in details["tasks"].items():
        reliability = [
            {"output": output.removeprefix(f"{name} "), **measures}
            for output, measures in details["reliability"].items()
            if output.startswith(f"{name} ")
        ]
        modifiers = result["scores"].get(f"{name}_f_per_modifier") or {}
        tasks.append(
            {
                "name": name,
                **task,
                "matrix": _matrix(task["confusion"]),
                "reliability": reliability,
                "modifiers": modifiers,
                "floor": result["floors"].get(f"{name}_f"),
            }
        )
    return tasks


def _matrix(confusion: list[list[Any]]) -> dict[str, Any] | None:
    """Labels and rows of counts, gold down and predicted across."""
    cells = {(gold, predicted): n for gold, predicted, n in confusion}
    labels = sorted({label for pair in cells for label in pair} - {MISSED, SPURIOUS})
    if not labels or len(labels) > MOST_LABELS:
        return None
    columns, rows = [*labels, MISSED], [*labels, SPURIOUS]
    largest = max(cells.values())
    return {
        "columns": columns,
        "rows": [
            {
                "label": gold,
                "cells": [
                    {
                        "n": cells.get((gold, column), 0),
                        "share": cells.get((gold, column), 0) / largest,
                        "is_right": gold == column,
                    }
                    for column in columns
                ],
            }
            for gold in rows
        ],
    }


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.PackageLoader("spacy_medmtl", "evaluation"), autoescape=True)
    environment.filters["percent"] = lambda value: "-" if value is None else f"{100 * value:.1f}"
    return environment.get_template("page.jinja")
