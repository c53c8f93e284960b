"""The model of ``medmtl_masked_lm``. It reads the encoder through its listener's link: masks go in before encoding."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from thinc.api import Model

from ..encoder.listener import LISTENER, EncoderPipe, find_link
from ..encoder.shims import torch_shim
from ..errors import MedmtlError
from ..kinds import is_number

if TYPE_CHECKING:
    from spacy.tokens import Doc


def masked_lm_model(
    tok2vec: "Model[list[Any], list[Any]]", share: float = 0.15, lr_scale: float = 10.0
) -> "Model[list[Doc], float | None]":
    """``spacy-medmtl.MaskedLm.v1``: Docs to the mean cross-entropy of their masked pieces (None where there are none).

    tok2vec: a RouteListener with the view ``tokens``; its route is the one that learns. share: of the tokens that are
        to be guessed. lr_scale: factor on the optimizer's learning rate for the output layer.
    Raises MedmtlError E203 for a setting of another kind, E333 for another tok2vec layer or share, E334 for a listener
        without a route.
    """
    from ..encoder.bridge import TorchShim
    from ..heads.rows import same_scale
    from ..heads.tok2vec import check_layers
    from .output_layer import MaskedLmHead

    check_layers("spacy-medmtl.MaskedLm.v1", tok2vec, lr_scale)
    view = tok2vec.attrs.get("view")
    if tok2vec.name != LISTENER or view != "tokens" or not (is_number(share) and 0.0 < share < 1.0):
        raise MedmtlError("E333", tok2vec=tok2vec.name, view=view, share=share)
    if not tok2vec.attrs["route"]:
        raise MedmtlError("E334")
    shim = TorchShim("masked-LM head", MaskedLmHead, partial(same_scale, lr_scale=lr_scale))
    return Model("medmtl_masked_lm", forward, init=init, layers=[tok2vec], attrs={"share": share}, shims=[shim])


def encoder_of(model: Model) -> EncoderPipe:
    """The encoder pipe that the model's listener reads. Raises MedmtlError E003 where there is none."""
    listener = model.layers[0]
    link = find_link(listener)
    if link is None or link.pipe is None:
        raise MedmtlError("E003", upstream=listener.attrs["upstream"], route=listener.attrs["route"])
    return link.pipe


def init(model: Model, X: Any = None, Y: Any = None) -> None:  # noqa: N803
    """Build the output layer for the encoder's width and vocabulary."""
    from .loss import head_spec

    torch_shim(model).start(head_spec(torch_shim(encoder_of(model).model).module))


def forward(model: Model, docs: "list[Doc]", is_train: bool) -> tuple[float | None, Callable[[float], list[Any]]]:
    """The loss, and what adds its gradient, times a factor, to the output layer and to an encoder that takes part."""
    import numpy
    import torch

    from .loss import masked_lm_loss

    pipe = encoder_of(model)
    encoder, head = torch_shim(pipe.model).module, torch_shim(model).module
    trains = is_train and pipe.trains_on(docs)
    generator = numpy.random.default_rng(numpy.random.randint(2**31))  # which [training] seed seeds
    settings = {"route": model.layers[0].attrs["route"], "budget": pipe.model.attrs["batch_pieces"], "trains": trains}
    # with a frozen encoder the output layer still learns
    with torch.set_grad_enabled(is_train):
        loss = masked_lm_loss(encoder, head, docs, generator, share=model.attrs["share"], **settings)

    def backprop(factor: float) -> list[Any]:
        if loss is not None:
            loss.backward(torch.full_like(loss, factor))
            pipe.gradient_left()
            if pipe.surgery is not None:
                # its gradient went into the encoder just now, not into rows that wait for the step
                pipe.surgery.keep(model.layers[0].id, encoder)
        return []

    return None if loss is None else float(loss.detach()), backprop
