"""The plot of a table, as SVG. Matplotlib (the extra ``lab``) is imported when something is drawn, not before."""

import io
import math
from typing import Any

from ..errors import warn
from .tables import SEPARATOR, Stat, Table

GREY, GREEN, RED = "0.75", "tab:green", "tab:red"


def draw(kind: str, plotted: Table, tasks: list[str], title: str) -> bytes:
    """SVG; nothing for a table of costs and, with warning W340, where matplotlib is not installed."""
    if kind == "costs":
        return b""
    try:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        warn("W340")
        return b""
    figure: Any = Figure(figsize=(10, 5), layout="constrained")
    FigureCanvasSVG(figure)
    {"scores": _bars, "pairwise": _transfer, "gradients": _lines}[kind](figure, plotted, tasks)
    figure.suptitle(title)
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _bars(figure: Any, plotted: Table, tasks: list[str]) -> None:
    """A group of bars for each task, a bar for each row; whiskers are standard deviations."""
    axes = figure.subplots()
    width = 0.8 / max(1, len(plotted.rows))
    settings = plotted.header[1 : plotted.header.index(tasks[0])]
    for n, row in enumerate(plotted.rows):
        named = [f"{name} {value}" for name, value in zip(settings, row[1:]) if value is not None]
        values = [(i, row[plotted.header.index(task)]) for i, task in enumerate(tasks)]
        bars = [(i, value) for i, value in values if isinstance(value, Stat)]
        axes.bar(
            [i + (n - (len(plotted.rows) - 1) / 2) * width for i, _ in bars],
            [value.mean for _, value in bars],
            width,
            yerr=[value.sd or 0.0 for _, value in bars],
            label=", ".join([str(row[0]), *named]),
        )
    axes.set_xticks(range(len(tasks)), tasks)
    axes.set_ylabel("score, test, percent")
    axes.legend(fontsize="small")


def _transfer(figure: Any, plotted: Table, tasks: list[str]) -> None:
    """The matrix, and a graph with an arrow from s to t: green where s helps t, red where it harms, grey where the
    change is within a standard deviation of its seeds."""
    matrix, graph = figure.subplots(1, 2)
    changes = [[value if isinstance(value, Stat) else None for value in row[1:]] for row in plotted.rows[1:]]
    means = [[value.mean if value else 0.0 for value in row] for row in changes]
    limit = max([abs(value) for row in means for value in row] or [1.0]) or 1.0
    matrix.imshow(means, cmap="RdYlGn", vmin=-limit, vmax=limit)
    matrix.set_xticks(range(len(tasks)), tasks, rotation=30, ha="right")
    matrix.set_yticks(range(len(tasks)), tasks)
    matrix.set_ylabel("learned with")
    angles = [2 * math.pi * i / len(tasks) for i in range(len(tasks))]
    places = [(math.cos(angle), math.sin(angle)) for angle in angles]
    for i, row in enumerate(changes):
        graph.text(*places[i], tasks[i], ha="center", va="center", bbox={"boxstyle": "round", "fc": "white"})
        for j, value in enumerate(row):
            if value:
                matrix.text(j, i, str(value), ha="center", va="center", fontsize="small")
                colour = GREY if value.sd and abs(value.mean) <= value.sd else GREEN if value.mean > 0 else RED
                arrow = {"arrowstyle": "-|>", "color": colour, "shrinkA": 30, "shrinkB": 30}
                graph.annotate("", places[j], places[i], arrowprops={**arrow, "connectionstyle": "arc3,rad=0.12"})
    graph.set(xlim=(-1.6, 1.6), ylim=(-1.4, 1.4))
    graph.axis("off")


def _lines(figure: Any, plotted: Table, tasks: list[str]) -> None:
    """A line over the layers for each pair of tasks; dashed for a task with itself; a panel for each encoder."""
    encoders = list(dict.fromkeys(str(row[0]) for row in plotted.rows))
    panels = figure.subplots(1, len(encoders), sharey=True, squeeze=False)[0]
    for axes, encoder in zip(panels, encoders):
        for row in (row for row in plotted.rows if row[0] == encoder):
            values = [value.mean if isinstance(value, Stat) else math.nan for value in row[2:]]
            first, _, second = str(row[1]).partition(SEPARATOR)
            axes.plot(plotted.header[2:], values, "--" if first == second else "-", label=str(row[1]))
        axes.axhline(0.0, color="black", linewidth=0.5)
        axes.set_title(encoder)
        axes.tick_params(axis="x", rotation=30)
    panels[0].set_ylabel("cosine of gradients")
    panels[0].legend(fontsize="x-small")
