"""The plot of ``bench_pipeline.py``."""

import io
from typing import Any


def plot(results: dict[str, Any]) -> bytes:
    """SVG: speed of all pipelines, and the curves."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(11, 8), layout="constrained")
    FigureCanvasSVG(figure)
    (bars, heads), (lengths, sizes) = figure.subplots(2, 2)
    rates, curves = results["prediction, words/s"], results["curves"]
    bars.barh([*rates], [*rates.values()])
    bars.invert_yaxis()
    bars.tick_params(axis="y", labelsize="x-small")
    bars.set_xlabel("words/s, one thread")
    drawn = [
        (heads, "words/s by number of heads", "heads, shared, document", "words/s"),
        (lengths, "seconds by length", "words of a document", "CPU seconds"),
        (sizes, "words/s by batch size", "documents of a batch", "words/s"),
    ]
    for axes, name, x, y in drawn:
        axes.plot([int(one) for one in curves[name]], [*curves[name].values()], marker="o")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
    lengths.loglog()
    sizes.set_xscale("log")
    heads.set_ylim(bottom=0)
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
