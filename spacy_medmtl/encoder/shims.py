"""The shim of a model of this package by its own type. Thinc knows it as a Shim only; free of torch."""

from typing import TYPE_CHECKING, cast

from thinc.api import Model

if TYPE_CHECKING:
    from .bridge import TorchShim


def torch_shim(model: Model) -> "TorchShim":
    """What holds the torch module of an encoder or of a head's layer."""
    return cast("TorchShim", model.shims[0])
