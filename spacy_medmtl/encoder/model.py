"""The thinc model of the shared encoder: a ViewRequest in, Rows out."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from thinc.api import Model
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import MedmtlError
from ..kinds import FLAG, SPEAKERS, Kind, is_names, numbers_once, or_null, whole_number
from .bridge import TorchShim
from .encoding import Encoding, Rows
from .module import MIN_WINDOW, EncoderModule, check_window
from .pooling import POOLINGS
from .pretrained import present_names
from .routed import RoutedEncoder
from .sharing.rule import SharingRule
from .shims import torch_shim
from .views.requests import ViewRequest

EncoderModel = Model[ViewRequest, Rows]
RULE = Kind(lambda value: isinstance(value, SharingRule), "a sharing rule")
LAYERS = or_null(numbers_once("numbers of layers from 0, each once"))


def build_encoder_model(
    *,
    routes: Sequence[str],
    layers: Sequence[int] | None,
    rule: SharingRule,
    window: int,
    stride: int,
    batch_pieces: int,
    mixed_precision: bool = False,
    speakers: Mapping[str, str] | None = None,
) -> EncoderModel:
    """See ``spacy_medmtl.encoder.architectures.progressive_transformer``."""
    if not is_names(routes, at_least=1):
        raise MedmtlError("E011", routes=routes)
    for setting, value, kind in (
        ("sharing", rule, RULE),
        ("layers", layers, LAYERS),
        ("window", window, whole_number(MIN_WINDOW)),
        ("stride", stride, whole_number(1)),
        ("batch_pieces", batch_pieces, whole_number(1)),
        ("mixed_precision", mixed_precision, FLAG),
        ("speakers", speakers, or_null(SPEAKERS)),
    ):
        kind.check("spacy-medmtl.ProgressiveTransformer.v1", setting, value)
    distinct_branches(rule, routes)  # a rule that cannot serve a route says so now, not after the corpus is read
    build = partial(
        build_module,
        routes=list(routes),
        layers=layers,
        rule=rule,
        mixed_precision=mixed_precision,
        window=window,
        stride=stride,
        speakers=dict(speakers or {}),
    )
    return Model(
        "medmtl_encoder",
        forward,
        dims={"nO": None},
        attrs={"routes": list(routes), "rule": rule, "batch_pieces": batch_pieces},
        shims=[TorchShim("medmtl_progressive_tok2vec", build, rule.lr_scale, present_names)],
    )


def build_module(
    config: dict[str, Any],
    tokenizer: str,
    branches: Sequence[str],
    pretrained: Any = None,
    *,
    routes: Sequence[str],
    rule: SharingRule,
    layers: Sequence[int] | None,
    mixed_precision: bool,
    window: int,
    stride: int,
    speakers: Mapping[str, str],
) -> EncoderModule:
    """The torch module, from what is saved with its weights (a Hugging Face config, the content of tokenizer.json, and
    what the weights were made for) and the settings of the pipeline's config.

    Without ``pretrained``, a Hugging Face model, its parameters have no memory: weights are to be put in their place.
    Raises MedmtlError E013 for weights that were made for other routes.
    """
    expected = distinct_branches(rule, routes)
    if list(branches) != expected:  # the same routes in another order have the same shapes
        raise MedmtlError("E013", received=f"routes {list(branches)}", expected=f"routes {expected}")
    drawing: Any = contextlib.nullcontext() if pretrained is not None else _NothingDrawn()
    # without memory: weights that are about to be loaded need no place to be drawn into first
    with torch.device("meta" if pretrained is None else "cpu"), drawing:
        encoder = RoutedEncoder(
            config, routes=routes, layers=layers, rule=rule, mixed_precision=mixed_precision, pretrained=pretrained
        )
    return EncoderModule(encoder, tokenizer, check_window(window, stride, config), speakers)


class _NothingDrawn(TorchFunctionMode):
    """Leaves parameters without memory as they are where random values would be drawn for them: there is nothing to
    fill, and for that torch would import its compiler, which takes longer than all else of loading a pipeline."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") == "normal_":  # the function of nn.init and the method
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def distinct_branches(rule: SharingRule, routes: Sequence[str]) -> list[str]:
    """What the weights are made for: the routes that compute something of their own, in their order."""
    return list(dict.fromkeys(rule.key(route) for route in routes))


def start_encoder(model: EncoderModel, pretrained: Any, tokenizer: str) -> None:
    """Give the model pretrained weights: ``pretrained`` from ``AutoModel``, ``tokenizer`` the content of its json."""
    shim = torch_shim(model)
    branches = distinct_branches(model.attrs["rule"], model.attrs["routes"])
    spec = {"config": pretrained.config.to_dict(), "tokenizer": tokenizer, "branches": branches}
    shim.start(spec, shim.build(**spec, pretrained=pretrained))
    model.set_dim("nO", int(pretrained.config.hidden_size), force=True)


def new_encoding(
    model: EncoderModel, *, trains: bool, expected: Mapping[str, Collection[str]] | None = None
) -> Encoding:
    """An empty Encoding by the model's present weights."""
    rule, budget = model.attrs["rule"], model.attrs["batch_pieces"]
    return Encoding(torch_shim(model).present_module, rule.key, budget, trains=trains, expected=expected)


def forward(model: EncoderModel, request: ViewRequest, is_train: bool) -> tuple[Rows, Callable[[Tensor], ViewRequest]]:
    """Rows of tokens, units or pairs. backprop takes the gradient of ``Rows.tensor``; where the request came without an
    encoding, it reaches the encoder's parameters at once.

    Raises MedmtlError E001 for an unknown route, E015 for an unknown pooling, E029 for Docs.
    """
    if not isinstance(request, ViewRequest):
        raise MedmtlError("E029", name="medmtl_progressive_tok2vec")
    if request.route not in model.attrs["routes"]:
        raise MedmtlError("E001", route=request.route, routes=model.attrs["routes"])
    if request.pooling not in POOLINGS:
        raise MedmtlError("E015", pooling=request.pooling, expected=", ".join(POOLINGS))
    encoding = request.encoding or new_encoding(model, trains=is_train)
    rows = encoding.read(request)

    def backprop(gradient: Tensor) -> ViewRequest:
        encoding.add_gradient(rows, gradient, model.id)
        # who came without an encoding shares it with nobody, so there is nobody to wait for
        if request.encoding is None:
            encoding.backpropagate()
        return request

    return rows, backprop
