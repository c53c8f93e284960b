"""What was to be reached and what was measured, as a table and as curves."""

import io
from typing import Any

from costs import exponent

NOT_MEASURED = "not measured"
BARE, SHARED, EIGHT = "bare encoder", "four heads, shared", "eight heads, shared"
SHIPPED = "four heads, en_medmtl"
STOCK, EDSNLP = "spacy-transformers, textcat + ner + spancat", "EDS-NLP, four heads"
LOWERED = ", bfloat16"


def rows(results: dict[str, Any]) -> list[list[str]]:
    """(what, what it should be, what it is)."""
    rates, steps, curves = results["words/s"], results["training step, seconds"], results["curves"]
    separate = separate_rate(rates)
    eight_separate = separate and separate / 2
    length = exponent(curves["seconds by length"])
    load = results["loading, seconds"]
    return [
        ["four heads, `shared`, against the bare encoder", "0.75", ratio(rates.get(SHARED), rates.get(BARE))],
        ["against one spacy-transformers pipeline of three heads", "1.6", ratio(rates.get(SHARED), rates.get(STOCK))],
        ["against four separate spacy-transformers pipelines", "5", ratio(rates.get(SHARED), separate)],
        ["the same in bfloat16", "10", ratio(rates.get(SHARED + LOWERED), separate)],
        ["eight heads against four", "0.8", ratio(rates.get(EIGHT), rates.get(SHARED))],
        ["eight heads against eight separate (twice the four)", "9", ratio(rates.get(EIGHT), eight_separate)],
        ["the same in bfloat16", "18", ratio(rates.get(EIGHT + LOWERED), eight_separate)],
        ["`en_medmtl` against four separate", "2.5", ratio(rates.get(SHIPPED), separate)],
        ["the same in bfloat16", "5", ratio(rates.get(SHIPPED + LOWERED), separate)],
        ["`en_medmtl` against EDS-NLP with four heads", "1.5", ratio(rates.get(SHIPPED), rates.get(EDSNLP))],
        ["the same, both in bfloat16", "", ratio(rates.get(SHIPPED + LOWERED), rates.get(EDSNLP + LOWERED))],
        ["training step against a bare PyTorch loop", "0.8", ratio(steps.get("bare loop"), steps.get("ours"))],
        ["against spacy-transformers", "1.5", ratio(steps.get("spacy-transformers"), steps.get("ours"))],
        ["text to wordpiece batch, words/s", "60,000", f"{results['text to wordpiece batch, words/s']:,.0f}"],
        ["`spacy.load`, CPU s beside the imports", "at most 2", f"{load['load, alone']:.2f}"],
        ["the same beside spacy-transformers", "", f"{load['load, beside spacy-transformers']:.2f}"],
        ["exponent of cost in document length", "at most 1.05", NOT_MEASURED if length is None else f"{length:.3f}"],
    ]


def separate_rate(rates: dict[str, float]) -> float | None:
    """Words/s of pipelines of one head each, run one after the other."""
    alone = [rate for name, rate in rates.items() if name.endswith(" alone")]
    return 1.0 / sum(1.0 / rate for rate in alone) if alone else None


def ratio(one: float | None, other: float | None) -> str:
    return NOT_MEASURED if not one or not other else f"{one / other:.2f}"


def plot(results: dict[str, Any]) -> bytes:
    """The curves, as SVG."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(11, 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    for axes, (name, curve) in zip(figure.subplots(1, 3), results["curves"].items()):
        what, _, by = name.partition(" by ")
        axes.plot([int(key) for key in curve], list(curve.values()), marker="o")
        axes.set(xlabel=by, ylabel=what, ylim=None if by == "length" else (0, None))
        if by != "number of heads":
            axes.set_xscale("log")
        if by == "length":
            axes.set_yscale("log")
            axes.set_xlabel("length in words")
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
