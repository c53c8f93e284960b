"""How far probabilities can be believed: what was said with probability p, and how often it was so."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.training import Example

from ..heads.head import Head
from ..heads.outputs import LabelledLogits
from ..training.calibration import BINS, collect_decisions, expected_calibration_error

N_COVERAGES = 20
FEWEST = 20  # decisions below which a diagram says nothing


def reliabilities(nlp: Language, examples: Sequence[Example]) -> dict[str, dict[str, Any]]:
    """By "component output": ``ece``, ``n`` and ``bins``, each with ``said`` (mean probability), ``held`` (share) and
    ``n``; and ``aurc`` and ``risks`` of ``risk_coverage``. Outputs with fewer than 20 decisions are left out."""
    found = {}
    for (component, output), decisions in collect_decisions(nlp, examples).items():
        head = nlp.get_pipe(component)
        assert isinstance(head, Head)
        temperature = head.temperatures.get(output, 1.0)
        bins = reliability_bins(decisions, temperature)
        n = sum(one["n"] for one in bins)
        if n >= FEWEST:
            ece = expected_calibration_error(decisions, temperature)
            aurc, risks = risk_coverage(decisions, temperature)
            found[f"{component} {output}"] = {"ece": ece, "n": n, "bins": bins, "aurc": aurc, "risks": risks}
    return found


def reliability_bins(decisions: LabelledLogits, temperature: float) -> list[dict[str, Any]]:
    """The bins of ``expected_calibration_error`` that hold anything."""
    said, held = _said_and_held(decisions, temperature)
    numbers = numpy.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {"said": float(said[inside].mean()), "held": float(held[inside].mean()), "n": int(inside.sum())}
        for inside in (numbers == number for number in range(BINS))
        if inside.any()
    ]


def risk_coverage(decisions: LabelledLogits, temperature: float) -> tuple[float, list[dict[str, float]]]:
    """What is gained by leaving out what is least certain (El-Yaniv and Wiener, 2010): the mean risk over all
    coverages, and the ``risk`` (share of wrong decisions among the most certain ones) at 20 ``coverage``s.

    Where one label holds, the most probable one is decided for; otherwise each judged label, at 0.5. Of equally certain
    decisions the wrong ones come first, so that an order by chance earns nothing.
    """
    said, held = _said_and_held(decisions, temperature)
    certainty = said if decisions.exclusive else numpy.abs(said - 0.5)
    wrong = ~held if decisions.exclusive else (said >= 0.5) != held
    order = numpy.lexsort((~wrong, -certainty))
    risks = wrong[order].cumsum() / numpy.arange(1, len(order) + 1)
    kept = [max(1, round(len(risks) * step / N_COVERAGES)) for step in range(1, N_COVERAGES + 1)]
    return float(risks.mean()), [{"coverage": n / len(risks), "risk": float(risks[n - 1])} for n in kept]


def _said_and_held(decisions: LabelledLogits, temperature: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Probabilities and whether what they are of holds, [n_decisions] each: of the most probable label of a unit where
    one holds, of each judged label otherwise."""
    p = decisions.probabilities(temperature)
    if decisions.exclusive:
        best, rows = p.argmax(axis=1), numpy.arange(len(p))
        return p[rows, best], decisions.gold[rows, best]
    return p[decisions.judged], decisions.gold[decisions.judged]
