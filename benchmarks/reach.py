"""What was to be reached, and what was measured: rows of a table."""

from typing import Any

NOT_MEASURED = "not measured here"
EIGHT_LOWERED = "eight heads, shared, document, bfloat16"
STOCK = "spacy-transformers, textcat + ner + spancat"


def reach_rows(results: dict[str, Any]) -> list[list[str]]:
    """(what, least, measured)."""
    rates, steps = results["prediction, words/s"], results["step, seconds"]
    shared, eight = rates["shared, document"], rates["eight heads, shared, document"]
    separate = separate_rate(rates)
    exponent, load = results["curves"]["exponent"]["of length"], results["loading, seconds"]
    rows = [
        ["four heads, shared, document, against the bare encoder", "0.75", ratio(shared, rates["bare encoder"])],
        ["against one spacy-transformers pipeline of three heads", "1.6", ratio(shared, rates.get(STOCK))],
        ["against four separate spacy-transformers pipelines", "5", ratio(shared, separate)],
        ["the same in bfloat16", "10", ratio(rates.get("shared, document, bfloat16"), separate)],
        ["eight heads against four", "0.8", ratio(eight, shared)],
        ["eight heads against eight separate (twice the four)", "9", ratio(eight, separate and separate / 2)],
        ["the same in bfloat16", "18", ratio(rates.get(EIGHT_LOWERED), separate and separate / 2)],
    ]
    for n in (1, 2, 3):
        rate = rates[f"progressive {n}, document"]
        rows.append([f"progressive, top {n}, document, against four separate", "2.5", ratio(rate, separate)])
        rows.append(
            [f"progressive, top {n}, document, against EDS-NLP", "1.5", ratio(rate, rates.get("EDS-NLP, four heads"))]
        )
    rows += [
        ["training step against a bare loop", "0.8", ratio(steps["bare loop"], steps["ours"])],
        ["training step against spacy-transformers", "1.5", ratio(steps.get("spacy-transformers"), steps["ours"])],
        ["text to wordpiece batch, words/s", "60,000", f"{results['wordpieces, words/s']:,.0f}"],
        [
            "spacy.load, beside imports of torch and spacy, CPU s",
            "at most 2",
            f"{load['load, without spacy-transformers']:.2f}",
        ],
        ["the same with spacy-transformers installed", "-", f"{load['load, with spacy-transformers']:.2f}"],
        ["exponent of cost in document length", "at most 1.05", "-" if exponent is None else f"{exponent:.3f}"],
    ]
    return rows


def separate_rate(rates: dict[str, float]) -> float | None:
    """Words/s of the pipelines of one head each, run one after the other."""
    alone = [rate for name, rate in rates.items() if name.endswith(" alone")]
    return 1.0 / sum(1.0 / rate for rate in alone) if alone else None


def ratio(one: float | None, other: float | None) -> str:
    return NOT_MEASURED if not one or not other else f"{one / other:.2f}"
