"""The registered optimizer. Torch is imported when it is made, not before."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import MedmtlError

if TYPE_CHECKING:
    from .torch_optimizer import TorchOptimizer

ALGORITHMS = ("adamw", "adamax")
GROUPS = ("encoder", "routes", "W", "gates", "heads")
SETTINGS = ("lr_scale", "weight_decay")


def torch_optimizer(
    learn_rate: float | Iterable[float],
    algorithm: str = "adamw",
    weight_decay: float = 0.01,
    grad_clip: float = 1.0,
    layer_decay: float = 1.0,
    groups: dict[str, dict[str, float]] | None = None,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    use_averages: bool = False,
) -> "TorchOptimizer":
    """``spacy-medmtl.TorchOptimizer.v1``: PyTorch's own AdamW or Adamax as ``[training.optimizer]``.

    What had no gradient in a step does not move, nor do its moments.

    learn_rate: a number or a schedule, such as ``warmup_linear.v1``. A parameter's rate is this, times its model's own
        factor (``lr_scale`` of a head, ``coefficient_lr_scale`` of a sharing rule), times that of its group, times
        ``layer_decay`` once for each layer of the encoder above it.
    algorithm: ``adamw`` or ``adamax``.
    weight_decay: decoupled from the gradient (weights shrink by rate * decay), with both. Biases, LayerNorms and all
        else that is no matrix have none.
    grad_clip: upper bound of the L2 norm of a step's gradient, of the encoder and all that listens to it together. 0
        for none.
    groups: ``lr_scale`` and ``weight_decay`` of ``routes`` (the FFNs that the routes of an encoder mix), ``W`` and
        ``gates`` (what mixes them), ``encoder`` (all else of it) and ``heads`` (all other components).
    use_averages: evaluate and save moving averages of the weights.
    Raises MedmtlError E322 for an unknown algorithm, group or setting, or a negative number.
    """
    numbers = {"weight_decay": weight_decay, "grad_clip": grad_clip, "layer_decay": layer_decay}
    for name, settings in (groups or {}).items():
        if name not in GROUPS or set(settings) - set(SETTINGS):
            raise MedmtlError("E322", received=f"the group {name} = {settings}", algorithms=ALGORITHMS, groups=GROUPS)
        numbers.update({f"{name}.{setting}": value for setting, value in settings.items()})
    odd = {name: value for name, value in numbers.items() if not value >= 0.0}
    odd.update({name: beta for name, beta in (("beta1", beta1), ("beta2", beta2)) if not 0.0 <= beta < 1.0})
    if not eps > 0.0:
        odd["eps"] = eps
    if algorithm not in ALGORITHMS or odd:
        received = str(odd) if odd else repr(algorithm)
        raise MedmtlError("E322", received=received, algorithms=ALGORITHMS, groups=GROUPS)
    from .torch_optimizer import TorchOptimizer

    return TorchOptimizer(
        learn_rate,
        algorithm=algorithm,
        weight_decay=weight_decay,
        grad_clip=grad_clip,
        layer_decay=layer_decay,
        groups=groups or {},
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        use_averages=use_averages,
    )
