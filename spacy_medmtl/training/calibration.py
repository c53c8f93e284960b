"""Calibration: one temperature for each output of each head, fitted on annotated texts that it was not trained on.

A probability is calibrated if of all that was said with probability p, a share of p is right. The temperature with the
least negative log-likelihood is found for each output by itself (Guo et al., 2017, section 4.2), kept in the head's
``temperatures``, saved with it and used at prediction. A threshold moves along with it (``Head.set_temperature``), so
calibration changes no decision. Further training forgets temperatures, which are those of other weights.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy
from spacy.language import Language
from spacy.training import Example
from spacy.util import minibatch

from ..heads.head import Head
from ..heads.outputs import LabelledLogits, joined_logits

LOWEST, HIGHEST = 0.2, 10.0  # temperatures; a part without any mistake would have the lowest there is
FEWEST = 10  # labels that hold, and that do not, below which nothing is fitted
BINS = 15  # of probabilities, as in Guo et al.
BATCH = 32  # Docs
TINY = 1e-12


@dataclass(frozen=True)
class Calibration:
    """What was fitted: component, output, on how many annotated units, temperature."""

    component: str
    output: str
    decisions: LabelledLogits
    temperature: float


def calibrate(nlp: Language, examples: Iterable[Example]) -> list[Calibration]:
    """Fit and set the temperatures of all heads of a pipeline that the examples are annotated for.

    An output with too little gold is left out, and keeps the temperature it has.
    """
    calibrations = []
    for (component, output), decisions in collect_decisions(nlp, examples).items():
        if is_enough(decisions):
            head, temperature = nlp.get_pipe(component), fit_temperature(decisions)
            assert isinstance(head, Head)
            head.set_temperature(output, temperature)
            calibrations.append(Calibration(component, output, decisions, temperature))
    return calibrations


def collect_decisions(nlp: Language, examples: Iterable[Example]) -> dict[tuple[str, str], LabelledLogits]:
    """By (component, output): what each head says of the gold units, whatever the heads before it say."""
    heads = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, Head)]
    parts: dict[tuple[str, str], list[LabelledLogits]] = {}
    for batch in minibatch(examples, size=BATCH):
        for head in heads:
            for output, decisions in head.decisions(batch).items():
                parts.setdefault((head.name, output), []).append(decisions)
    return {key: joined_logits(batches) for key, batches in sorted(parts.items())}


def is_enough(decisions: LabelledLogits) -> bool:
    """Whether there are enough labels that hold, and that do not."""
    n_held, n_judged = int(decisions.gold.sum()), int(decisions.judged.sum())
    return n_held >= FEWEST and n_judged - n_held >= FEWEST


def fit_temperature(decisions: LabelledLogits) -> float:
    """The temperature between 0.2 and 10 with the least negative log-likelihood.

    The likelihood is convex in 1/T, and its slope there is the sum of (p - y) z over the judged labels: bisection.
    """
    low, high = LOWEST, HIGHEST
    for _ in range(40):
        # the middle on a scale of factors: 0.5 is as far from 1 as 2 is
        middle = float(numpy.sqrt(low * high))
        excess = (decisions.probabilities(middle) - decisions.gold) * decisions.logits
        # too sure on the whole: a higher temperature
        if excess[decisions.judged].sum() > 0:
            low = middle
        else:
            high = middle
    return round(float(numpy.sqrt(low * high)), 6)


def mean_log_loss(decisions: LabelledLogits, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood in nats: of a unit's label where one holds, of each judged label otherwise."""
    p = decisions.probabilities(temperature)
    if decisions.exclusive:
        return float(-numpy.log(numpy.maximum(p[decisions.gold], TINY)).mean())
    of_gold = numpy.where(decisions.gold, p, 1.0 - p)[decisions.judged]
    return float(-numpy.log(numpy.maximum(of_gold, TINY)).mean())


def brier_score(decisions: LabelledLogits, temperature: float = 1.0) -> float:
    """Mean squared distance of probabilities and gold: summed over the labels of a unit where one of them holds
    (Brier, 1950: from 0 to 2), of each judged label otherwise (from 0 to 1)."""
    squares = numpy.where(decisions.judged, (decisions.probabilities(temperature) - decisions.gold) ** 2, 0.0)
    n_decided = len(squares) if decisions.exclusive else int(decisions.judged.sum())
    return float(squares.sum()) / n_decided


def expected_calibration_error(decisions: LabelledLogits, temperature: float = 1.0) -> float:
    """Mean distance of probability and share, over 15 bins of equal width weighed by what is in them.

    Where one label holds, of the most probable label and how often it is right; otherwise of each judged label and how
    often it holds.
    """
    p = decisions.probabilities(temperature)
    if decisions.exclusive:
        best = p.argmax(axis=1)
        rows = numpy.arange(len(p))
        claimed, held = p[rows, best], decisions.gold[rows, best]
    else:
        claimed, held = p[decisions.judged], decisions.gold[decisions.judged]
    bins = numpy.minimum((claimed * BINS).astype(int), BINS - 1)
    gaps = numpy.bincount(bins, weights=claimed - held, minlength=BINS)  # summed, so each weighs what it holds
    return float(numpy.abs(gaps).sum() / len(claimed))
