"""How far probabilities can be believed: what was said with probability p, and how often it was so."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.training import Example

from ..heads.head import Head
from ..heads.outputs import LabelledLogits
from ..training.calibration import BINS, collect_decisions, expected_calibration_error

FEWEST = 20  # decisions below which a diagram says nothing


def reliabilities(nlp: Language, examples: Sequence[Example]) -> dict[str, dict[str, Any]]:
    """By "component output": ``ece``, ``n`` and ``bins``, each with ``said`` (mean probability), ``held`` (share) and
    ``n``. Outputs with fewer than 20 decisions are left out."""
    found = {}
    for (component, output), decisions in collect_decisions(nlp, examples).items():
        head = nlp.get_pipe(component)
        assert isinstance(head, Head)
        temperature = head.temperatures.get(output, 1.0)
        bins = reliability_bins(decisions, temperature)
        n = sum(one["n"] for one in bins)
        if n >= FEWEST:
            ece = expected_calibration_error(decisions, temperature)
            found[f"{component} {output}"] = {"ece": ece, "n": n, "bins": bins}
    return found


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
