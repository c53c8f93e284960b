"""Registered architectures of the encoder. Torch is imported when one is called, not before."""

from typing import TYPE_CHECKING

from ..errors import MedmtlError
from .listener import build_listener, build_private_encoder
from .sharing.rule import SharingRule

if TYPE_CHECKING:
    from thinc.api import Model

    from .encoding import Rows
    from .listener import Listener
    from .views.requests import ViewRequest


def progressive_transformer(
    routes: list[str],
    sharing: SharingRule,
    layers: list[int] | None = None,
    window: int = 256,
    stride: int = 192,
    batch_pieces: int = 8192,
    mixed_precision: bool = False,
    speakers: dict[str, str] | None = None,
) -> "Model[ViewRequest, Rows]":
    """``spacy-medmtl.ProgressiveTransformer.v1``: a Hugging Face encoder whose FFN layers are task routes.

    Progressive multi-task learning (OpenReview f4OM3Mn2wb), Eq. 4 and 5. Weights come from the loader in
    ``[initialize.components.<name>.loader]``, or from the saved pipeline.

    routes: task names, ordered from easy to hard.
    sharing: what a route computes, e.g. ``spacy-medmtl.progressive_rule.v1``.
    layers: numbers of the layers (from 0) whose FFN becomes a cluster; null for all. The layers below the first of
        them are the trunk, computed once for all tasks that read the same.
    window, stride: wordpieces in a sequence, special pieces included; and, of a longer text, those from the beginning
        of one window to that of the next.
    batch_pieces: wordpieces, padding included, that are encoded at once.
    mixed_precision: in training and prediction, multiply matrices in bfloat16 where the hardware does that natively
        (GPUs from Ampere on, CPUs with AVX512-BF16 or AMX); elsewhere nothing changes. Weights and rows stay float32.
    speakers: what is read in front of a turn in the view ``document``, by its speaker in ``attrs["speakers"]`` of
        ``doc.spans["medmtl_turns"]``, for example {"D": "doctor", "P": "patient"}.
    Raises MedmtlError E011 for repeated or no routes; at initialisation E005, E006, E007 where they do not fit the
        model.
    """
    from .model import build_encoder_model

    return build_encoder_model(
        routes=routes,
        layers=layers,
        rule=sharing,
        window=window,
        stride=stride,
        batch_pieces=batch_pieces,
        mixed_precision=mixed_precision,
        speakers=speakers,
    )


def route_listener(route: str, view: str = "tokens", upstream: str = "*", pooling: str = "mean") -> "Listener":
    """``spacy-medmtl.RouteListener.v1``: a tok2vec layer that reads the shared encoder along one route.

    view: ``document`` (the whole text, a marker in front of each sentence: all who read in this view share one pass of
        the encoder), ``tokens`` (windows over the whole text) or ``context`` (each sentence read between [C] markers
        with its neighbours), all with a row per token, for any component; ``sentence``, ``pair``, ``marked_pair`` and
        ``blinded_pair`` (a row per unit or pair) for heads of this package, which say what these are.
    upstream: name of the encoder component, or ``*``.
    pooling: how the wordpieces of a token become its row: ``mean``, ``max`` or ``first``.
    """
    return build_listener(route, view, upstream, pooling)


def private_encoder(
    encoder: "Model[ViewRequest, Rows]", route: str, view: str = "tokens", pooling: str = "mean"
) -> "Listener":
    """``spacy-medmtl.PrivateEncoder.v1``: an encoder of a component's own; what ``nlp.replace_listeners`` puts in."""
    if route not in encoder.attrs["routes"]:
        raise MedmtlError("E001", route=route, routes=encoder.attrs["routes"])
    return build_private_encoder(encoder, route, view, pooling)
