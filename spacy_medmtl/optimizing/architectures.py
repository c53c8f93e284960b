"""The registered architecture of an encoder that computes in int8. Torch is imported when it is called, not before."""

from typing import TYPE_CHECKING

from ..encoder.shims import torch_shim

if TYPE_CHECKING:
    from thinc.api import Model

    from ..encoder.encoding import Rows
    from ..encoder.views.requests import ViewRequest

INT8 = "spacy-medmtl.Int8Transformer.v1"


def int8_transformer(encoder: "Model[ViewRequest, Rows]") -> "Model[ViewRequest, Rows]":
    """``spacy-medmtl.Int8Transformer.v1``: an encoder whose dense layers multiply in int8 on the CPU.

    PyTorch's dynamic quantisation: weights by output channel, inputs by what is read at once, so rows depend a little
    on what else is in a batch. For prediction: the weights on disk stay float32, and it cannot be trained (E356).
    encoder: ``spacy-medmtl.ProgressiveTransformer.v1``.
    """
    from .int8 import Int8Shim

    shim = torch_shim(encoder)
    encoder.shims[0] = Int8Shim(shim.name, shim.build, shim.lr_scale, shim.present_names)
    return encoder
