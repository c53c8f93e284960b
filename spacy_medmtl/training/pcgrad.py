"""Gradient surgery (PCGrad; Yu et al., Gradient Surgery for Multi-Task Learning, 2020, Algorithm 1).

Cost: a copy of the encoder's gradient per task, and for T tasks T (T - 1) scalar products over it in each step
(``benchmarks/bench_pcgrad.py`` measures both).
"""

import random

import torch
from torch import Tensor, nn

Gradient = dict[str, Tensor]  # parameter name -> gradient, of the parameters that a task reaches


class ProjectConflicts:
    """Keeps the encoder's gradients of a step apart by task, and puts their projected sum in place before it."""

    def __init__(self) -> None:
        self.kept: dict[int, Gradient] = {}

    def keep(self, task: int, module: nn.Module) -> None:
        """Take the pending gradient away as that of ``task``, added to what the task has in this step."""
        mine = self.kept.setdefault(task, {})
        for name, parameter in module.named_parameters():
            if parameter.grad is not None:
                mine[name] = mine[name] + parameter.grad if name in mine else parameter.grad
                # taken away, so that the next task's gradient does not mix with it
                parameter.grad = None

    def put_back(self, module: nn.Module) -> None:
        """Give the parameters the sum of the tasks' projected gradients; of what no task reached, none."""
        parameters = dict(module.named_parameters())
        for gradient in projected(list(self.kept.values())):
            for name, part in gradient.items():
                own = parameters[name].grad
                parameters[name].grad = part if own is None else own + part
        self.kept = {}


@torch.no_grad()
def projected(gradients: list[Gradient]) -> list[Gradient]:
    """Each gradient, made orthogonal to those of other tasks that it points against, one by one in random order.

    Two tasks are compared on the parameters that both reach: the routes of one alone are no matter of the other's.
    """
    orthogonal = []
    for i, gradient in enumerate(gradients):
        other_tasks = [j for j in range(len(gradients)) if j != i]
        # in random order, as each projection changes what the next one sees
        random.shuffle(other_tasks)
        mine = dict(gradient)
        for j in other_tasks:
            common = [name for name in mine if name in gradients[j]]
            product = sum(float(torch.sum(mine[name] * gradients[j][name])) for name in common)
            # g_i . g_j < 0: the two conflict, and g_i loses its part along g_j
            if product < 0.0:
                square = sum(float(torch.sum(gradients[j][name] ** 2)) for name in common)
                for name in common:
                    mine[name] = mine[name] - product / square * gradients[j][name]
        orthogonal.append(mine)
    return orthogonal
