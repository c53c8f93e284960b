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
    return _template().render(metrics=metrics, corpora=corpora, all=ALL)


def _tasks(result: dict[str, Any]) -> list[dict[str, Any]]:
    details = result.get("details", {"tasks": {}, "reliability": {}})
    found = []
    for name, task in details["tasks"].items():
        reliability = [
            {"output": output.removeprefix(f"{name} "), **one}
            for output, one in details["reliability"].items()
            if output.startswith(f"{name} ")
        ]
        modifiers = result["scores"].get(f"{name}_f_per_modifier") or {}
        found.append(
            {
                "name": name,
                **task,
                "matrix": _matrix(task["confusion"]),
                "reliability": reliability,
                "modifiers": modifiers,
                "floor": result["floors"].get(f"{name}_f"),
            }
        )
    return found


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
                        "n": cells.get((gold, one), 0),
                        "share": cells.get((gold, one), 0) / largest,
                        "is_right": gold == one,
                    }
                    for one in columns
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
