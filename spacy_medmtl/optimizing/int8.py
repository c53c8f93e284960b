"""A shim that gives a twin of its torch module to who predicts, with dense layers in int8."""

import copy
import warnings
from typing import Any

from torch import nn

from ..encoder.bridge import TorchShim
from ..encoder.feed_forward import FeedForward
from ..encoder.layers import SelfAttention
from ..encoder.module import EncoderModule
from ..encoder.routed import RoutedEncoder
from ..encoder.sharing.cluster import LowRankFfns
from ..errors import MedmtlError


class Int8Shim(TorchShim):
    """Holds float32 weights, which it saves, and computes with their int8 twin. On a GPU there is no twin."""

    _twin: "Int8Module | None" = None
    _twin_of: int = -1  # the version of the weights

    @property
    def present_module(self) -> Any:
        module = super().present_module
        if next(module.parameters()).device.type != "cpu":
            return module
        if self._twin is None or self._twin_of != self.version:
            self._twin, self._twin_of = Int8Module(module), self.version
        return self._twin

    def __deepcopy__(self, memo: dict[int, Any]) -> "Int8Shim":
        twin = Int8Shim(self.name, self.build, self.lr_scale, self.present_names)
        if self._model is not None:
            twin.start(copy.deepcopy(self.spec or {}), copy.deepcopy(self._model))
        return twin


class Int8Module(EncoderModule):
    """An encoder's module of which the dense layers multiply in int8."""

    def __init__(self, plain: EncoderModule) -> None:
        nn.Module.__init__(self)
        self.encoder = quantized(plain.encoder)
        self.settings = plain.settings
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "Int8Module":
        """Raises MedmtlError E356: int8 layers pass no gradient on."""
        if mode:
            raise MedmtlError("E356")
        return super().train(False)


def quantized(encoder: RoutedEncoder) -> RoutedEncoder:
    """A copy whose attention and FFNs have dense layers in int8. Raises MedmtlError E357 where torch has none.

    Low-rank FFNs stay as they are: their parts are added up before they are multiplied.
    """
    try:
        from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic
    except ImportError as error:
        raise MedmtlError("E357", problem=str(error)) from error
    twin = copy.deepcopy(encoder)
    low_rank = {part for module in twin.modules() if isinstance(module, LowRankFfns) for part in module.modules()}
    for part in twin.modules():
        if isinstance(part, (SelfAttention, FeedForward)) and part not in low_rank:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of its move to another package
                quantize_dynamic(part, {nn.Linear: per_channel_dynamic_qconfig}, inplace=True)
    return twin
