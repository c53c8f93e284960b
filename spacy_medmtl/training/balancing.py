"""Balancing tasks in training: factors on their losses, learned ones, and surgery on gradients that conflict.

A head back-propagates by itself, so a factor on its loss is one on its gradient, and it asks ``Task.weigh`` for it. Its
gradient reaches the encoder through its listener, which hands it to ``ProgressiveTok2Vec.surgery`` before that of the
next head can mix with it. Both are set before each update and are no part of the pipeline, so nothing of this is saved.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from spacy.language import Language

from ..encoder.pipe import ProgressiveTok2Vec
from ..errors import MedmtlError
from ..heads.task import Task

LOG_VARIANCES = "log_variances"  # in nlp.meta


def balance_tasks(
    weights: dict[str, float] | None = None, uncertainty_rate: float = 0.0, pcgrad: bool = False
) -> Callable[[Language, dict[str, Any]], None]:
    """``spacy-medmtl.balance_tasks.v1``, for ``[training.before_update]``.

    weights: factor on the loss of a head, by its name; 1 where left out. Losses are shown as they are, without it.
    uncertainty_rate: learning rate of the log-variances s of uncertainty weighting (Kendall et al. 2018); 0 for none.
        The loss of a step becomes the sum of ``exp(-s_t) L_t + s_t / 2`` over its tasks; s starts at 0 and moves by
        gradient descent whenever its head learns. The last values are in ``nlp.meta["log_variances"]``, for the record.
    pcgrad: project gradients that conflict (Yu et al. 2020; see ``training/pcgrad.py``). It needs several tasks in one
        step, so a schedule such as ``spacy-medmtl.loss_sum.v1``.
    Raises MedmtlError E323 for a rate below 0 or infinite; the callback, for weights of components that are
        no heads of this package, or no positive numbers.
    """
    if not 0.0 <= uncertainty_rate < math.inf:
        raise MedmtlError("E323", received=f"the uncertainty_rate {uncertainty_rate}", expected="of the pipeline")
    fixed: dict[str, float] = weights or {}
    log_variances = LogVariances(uncertainty_rate) if uncertainty_rate else None

    def before_update(nlp: Language, _: dict[str, Any]) -> None:
        heads = {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, Task)}
        odd = {name: weight for name, weight in fixed.items() if name not in heads or not 0.0 < weight < math.inf}
        if odd:
            raise MedmtlError("E323", received=odd, expected=list(heads))
        for name, head in heads.items():
            head.weigh = partial(weight_of, name, fixed, log_variances)
        if log_variances:
            nlp.meta[LOG_VARIANCES] = dict(log_variances.values)
        if pcgrad:
            from .pcgrad import ProjectConflicts

            for _name, pipe in nlp.pipeline:
                if isinstance(pipe, ProgressiveTok2Vec):
                    pipe.surgery = pipe.surgery or ProjectConflicts()

    return before_update


def weight_of(task: str, fixed: dict[str, float], log_variances: "LogVariances | None", loss: float) -> float:
    """The factor on a task's loss. (A function of the module, so that a pipeline pickles during training.)"""
    return fixed.get(task, 1.0) * (log_variances.factor(task, loss) if log_variances else 1.0)


class LogVariances:
    """One s per task, which follows the loss: at rest ``exp(s) = 2 L``."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.values: dict[str, float] = {}

    def factor(self, task: str, loss: float) -> float:
        """``exp(-s)``, the derivative of ``exp(-s) L + s / 2`` by L; then s moves down its own."""
        # s is the paper's log sigma^2, which may have any sign
        s = self.values.get(task, 0.0)
        factor = math.exp(-s)
        # d/ds (exp(-s) L + s / 2) = 1/2 - exp(-s) L
        self.values[task] = s - self.rate * (0.5 - factor * loss)
        return factor
