"""How far probabilities can be believed: what was said with probability p, and how often it was so; and how often a
pipeline is wrong that says nothing where it is least sure."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.training import Example

from ..heads.head import Head
from ..heads.outputs import LabelledLogits
from ..training.calibration import BINS, collect_decisions, expected_calibration_error

FEWEST = 20  # decisions below which a diagram says nothing
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)  # shares of the decisions that are kept


def reliabilities(nlp: Language, examples: Sequence[Example]) -> dict[str, dict[str, Any]]:
    """By "component output": ``ece``, ``n`` and ``bins``, each with ``said`` (mean probability), ``held`` (share) and
    ``n``; ``risk_coverage`` (see there). Outputs with fewer than 20 decisions are left out."""
    by_output = {}
    for (component, output), decisions in collect_decisions(nlp, examples).items():
        head = nlp.get_pipe(component)
        assert isinstance(head, Head)
        temperature = head.temperatures.get(output, 1.0)
        bins = reliability_bins(decisions, temperature)
        n = sum(counted_bin["n"] for counted_bin in bins)
        if n >= FEWEST:
            ece = expected_calibration_error(decisions, temperature)
            risks = risk_coverage(decisions, temperature)
            by_output[f"{component} {output}"] = {"ece": ece, "n": n, "bins": bins, "risk_coverage": risks}
    return by_output


def risk_coverage(decisions: LabelledLogits, temperature: float) -> dict[str, Any]:
    """What abstaining would bring (El-Yaniv and Wiener, "On the foundations of noise-free selective classification",
    JMLR 2010).

    ``points``: for each of some shares of the decisions (``coverage``), kept from the surest on, the share of wrong
    ones among them (``risk``) and the probability of the least sure (``threshold``). ``aurc``: the mean risk over all
    coverages (Geifman and El-Yaniv, ICLR 2019). Decisions of equal probability are kept or left together.

    A decision is the most probable label where one holds; else of each judged label whether it holds, that is, has at
    least probability 0.5. Its probability is that of what was decided.
    """
    sure, is_wrong = _decided(decisions, decisions.probabilities(temperature))
    order = numpy.argsort(-sure, kind="stable")
    sure, is_wrong = sure[order], is_wrong[order]
    last = numpy.searchsorted(-sure, -sure, side="right")  # how many are at least as sure
    risks = numpy.cumsum(is_wrong)[last - 1] / last
    points = []
    for coverage in COVERAGES:
        at = max(1, round(coverage * len(sure))) - 1
        points.append({"coverage": float(last[at] / len(sure)), "risk": float(risks[at]), "threshold": float(sure[at])})
    return {"aurc": float(risks.mean()), "points": points}


def _decided(decisions: LabelledLogits, p: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Of each decision the probability of what was decided, and whether it was wrong."""
    if decisions.exclusive:
        best, rows = p.argmax(axis=1), numpy.arange(len(p))
        return p[rows, best], ~decisions.gold[rows, best]
    p, gold = p[decisions.judged], decisions.gold[decisions.judged]
    return numpy.maximum(p, 1.0 - p), (p >= 0.5) != gold


def reliability_bins(decisions: LabelledLogits, temperature: float) -> list[dict[str, Any]]:
    """The bins of ``expected_calibration_error`` that hold anything."""
    p = decisions.probabilities(temperature)
    if decisions.exclusive:
        best, rows = p.argmax(axis=1), numpy.arange(len(p))
        said, held = p[rows, best], decisions.gold[rows, best]
    else:
        said, held = p[decisions.judged], decisions.gold[decisions.judged]
    numbers = numpy.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {"said": float(said[inside].mean()), "held": float(held[inside].mean()), "n": int(inside.sum())}
        for inside in (numbers == number for number in range(BINS))
        if inside.any()
    ]
