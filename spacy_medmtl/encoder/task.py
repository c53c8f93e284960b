"""What everything that trains on the shared encoder does at the end of an update, with gold or without."""

import math
from collections.abc import Callable
from typing import Any

from spacy.pipeline.trainable_pipe import TrainablePipe
from thinc.api import Optimizer

from ..errors import MedmtlError
from .listener import prepare_step


class Task(TrainablePipe):
    """A component whose model listens. ``weigh`` may be set by training: loss -> factor on its gradient."""

    weigh: Callable[[float], float] | None = None

    def learn(
        self, loss: float, gradient: Any, backprop: Callable, sgd: Optimizer | None, losses: dict[str, float]
    ) -> dict[str, float]:
        """Back-propagate, step if there is an optimizer, and add the loss. Raises MedmtlError E016 if it is no number.

        sgd: an optimizer; None or False to leave the step to spaCy.
        """
        if not math.isfinite(loss):
            raise MedmtlError("E016", name=self.name, where="training")
        backprop(gradient if self.weigh is None else gradient * self.weigh(loss))
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Step the parameters that have a gradient."""
        prepare_step(self.model, sgd)
        self.model.finish_update(sgd)
