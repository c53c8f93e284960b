"""The shims of this package's models by their own types. Thinc knows them as Shim only; free of torch."""

from typing import TYPE_CHECKING, cast

from thinc.api import Model

if TYPE_CHECKING:
    from .bridge import TorchShim
    from .listener import EncoderLink


def torch_shim(model: Model) -> "TorchShim":
    """What holds the torch module of an encoder or of a head's layer."""
    return cast("TorchShim", model.shims[0])


def link_of(listener: Model) -> "EncoderLink":
    """What links a route listener with its encoder pipe."""
    return cast("EncoderLink", listener.shims[0])
