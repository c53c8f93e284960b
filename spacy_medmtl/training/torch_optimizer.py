"""PyTorch's optimizers behind thinc's interface.

Torch modules of this package are stepped whole (``step_module``), with parameter groups; arrays of thinc layers, which
spaCy's own components have, one by one (``__call__``). Either way a parameter without a gradient is left alone.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from thinc.api import Model, Optimizer
from thinc.backends import get_array_ops
from thinc.types import FloatsXd
from thinc.util import xp2torch
from torch import Tensor, nn

from ..encoder.bridge import TorchShim, to_array
from ..encoder.sharing.rule import parameter_group

# One kernel for all parameters of a group, instead of a loop over them.
TORCH: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": partial(torch.optim.AdamW, fused=True),
    "adamax": partial(torch.optim.Adamax, foreach=True),
}
LAYER = re.compile(r"\bencoder\.layers\.(\d+)\.")
SLACK = 1e-6  # by which a norm may exceed its bound: what has been clipped is not clipped again


def group_of(name: str) -> str:
    """The parameter group of a torch parameter, by its name in its module."""
    return parameter_group(name) if name.startswith("encoder.") else "heads"


def layers_above(names: Iterable[str]) -> dict[str, int]:
    """For each parameter of an encoder the number of layers above it, by names; 0 for those of other modules."""
    numbers = {name: int(match.group(1)) if (match := LAYER.search(name)) else -1 for name in names}
    top = max(numbers.values(), default=-1)
    return {name: top - number if name.startswith("encoder.") else 0 for name, number in numbers.items()}


class TorchOptimizer(Optimizer):
    """See ``spacy_medmtl.training.optimizers.torch_optimizer``."""

    def __init__(
        self,
        learn_rate: Any,
        *,
        algorithm: str,
        weight_decay: float,
        grad_clip: float,
        layer_decay: float,
        groups: dict[str, dict[str, float]],
        beta1: float,
        beta2: float,
        eps: float,
        use_averages: bool,
    ) -> None:
        super().__init__(
            learn_rate,
            L2=weight_decay,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            grad_clip=grad_clip,
            use_averages=use_averages,
        )
        self.algorithm = algorithm
        self.layer_decay = layer_decay
        self.groups = groups
        # weak: a module that is replaced (labels were added) takes its moments along
        self._of_modules: WeakKeyDictionary[nn.Module, torch.optim.Optimizer] = WeakKeyDictionary()
        self._of_arrays: dict[Any, torch.optim.Optimizer] = {}

    def clip_gradients(self, models: Iterable[Model]) -> None:
        """Scale the pending gradients of all the models together, in place, to an L2 norm of at most ``grad_clip``.

        Doing so again, for these or some of these models, changes nothing.
        """
        gradients = [gradient for model in models for gradient in pending_gradients(model)]
        clip_together(gradients, self.grad_clip)

    def step_module(self, key: int, module: nn.Module, lr_scale: Callable[[str], float]) -> None:
        """One step of the parameters that have a gradient. key: with their names, that of their averages. lr_scale:
        parameter name -> factor on its learning rate."""
        stepper = self._of_modules.get(module)
        if stepper is None:
            stepper = self._of_modules[module] = self._make(self.parameter_groups(module, lr_scale))
        self._step(stepper)
        if self.averages is not None:
            for name, parameter in module.named_parameters():
                if parameter.grad is not None:
                    self._average((key, name), to_array(parameter))

    def __call__(
        self, key: Any, weights: FloatsXd, gradient: FloatsXd, *, lr_scale: float = 1.0
    ) -> tuple[FloatsXd, FloatsXd]:
        """One step of an array, in place, by thinc's protocol; its gradient is zeroed. Thinc keeps the arrays of
        gradients, so one that is all zero is of a component that took no part.

        An array that no encoder of this package has clipped together with others is clipped alone.
        """
        if not gradient.any():
            return weights, gradient
        stepper = self._of_arrays.get(key)
        # thinc's layers may be resized under one key, and moments have the old shape
        if stepper is None or stepper.param_groups[0]["params"][0].shape != weights.shape:
            parameter = nn.Parameter(xp2torch(weights), requires_grad=False)
            stepper = self._of_arrays[key] = self._make([self._group("heads", weights.ndim, lr_scale, [parameter])])
        parameter = stepper.param_groups[0]["params"][0]
        parameter.data, parameter.grad = xp2torch(weights), xp2torch(gradient)
        clip_together([parameter.grad], self.grad_clip)
        self._step(stepper)
        gradient *= 0
        if self.averages is not None:
            self._average(key, weights)
        return weights, gradient

    def parameter_groups(self, module: nn.Module, lr_scale: Callable[[str], float]) -> list[dict[str, Any]]:
        """The trainable parameters of a module, those of equal factor and weight decay in one group."""
        parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        above = layers_above(parameters)
        groups: dict[tuple[float, float], dict[str, Any]] = {}
        for name, parameter in parameters.items():
            factor = lr_scale(name) * self.layer_decay ** above[name]
            group = self._group(group_of(name), parameter.ndim, factor, [])
            # by what torch has to know, not by name, so that there are few groups and each is one kernel
            groups.setdefault((group["factor"], group["decay"]), group)["params"].append(parameter)
        return list(groups.values())

    def _group(self, name: str, ndim: int, factor: float, parameters: list[nn.Parameter]) -> dict[str, Any]:
        settings = self.groups.get(name, {})
        decay = settings.get("weight_decay", self.L2) if ndim > 1 else 0.0
        return {"params": parameters, "factor": factor * settings.get("lr_scale", 1.0), "decay": decay}

    def _make(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        return TORCH[self.algorithm](groups, lr=0.0, betas=(self.b1, self.b2), eps=self.eps, weight_decay=0.0)

    @torch.no_grad()
    def _step(self, stepper: torch.optim.Optimizer) -> None:
        """Shrink and step. Torch's Adamax would add the decay to the gradient, so there it is done here."""
        for group in stepper.param_groups:
            # anew each step, as the learning rate follows a schedule
            group["lr"] = self.learn_rate * group["factor"]
            if self.algorithm == "adamw":
                group["weight_decay"] = group["decay"]
            elif group["decay"]:
                moved = [parameter for parameter in group["params"] if parameter.grad is not None]
                if moved:
                    torch._foreach_mul_(moved, 1.0 - group["lr"] * group["decay"])
        stepper.step()

    def _average(self, key: Any, weights: FloatsXd) -> None:
        """Move the average of a parameter, as thinc's own optimizer does."""
        assert self.averages is not None
        ops = get_array_ops(weights)
        self.nr_update[key] += 1
        if key not in self.averages:
            self.averages[key] = ops.alloc(weights.shape, dtype="float32")
        ops.update_averages(self.averages[key], weights, self.nr_update[key])


def clip_together(gradients: Sequence[Tensor], bound: float) -> None:
    """Scale gradients in place so that the L2 norm of all of them is at most ``bound``; 0 for no bound."""
    if not bound or not gradients:
        return
    # the norm of the norms is that of all entries
    norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(gradients)))))
    if norm > bound * (1.0 + SLACK):
        torch._foreach_mul_(list(gradients), bound / norm)


def pending_gradients(model: Model) -> list[Tensor]:
    """The gradients in a thinc model, of torch modules and thinc layers, sharing their memory."""
    gradients: list[Tensor] = []
    for node in model.walk():
        for shim in node.shims:
            if isinstance(shim, TorchShim):
                # a backward pass that was put off belongs to this step
                shim.settle()
            module = getattr(shim, "_model", None)
            if isinstance(module, nn.Module):
                gradients += [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        gradients += [xp2torch(node.get_grad(name)) for name in node.param_names if node.has_grad(name)]
    return gradients
