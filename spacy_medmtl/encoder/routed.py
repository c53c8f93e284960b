"""The torch module of the shared encoder: a Hugging Face model whose chosen FFNs are clusters of routes."""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from ..errors import MedmtlError
from .precision import computing
from .sharing.rule import SharingRule

# Model types whose layers, walked one after the other, are all that the model computes. Others have layers of the same
# names and more besides (relative positions, rotations, pre-normalisation), and would run here with wrong results.
BERT_TYPES = ("bert", "electra", "ernie")
ROBERTA_TYPES = ("camembert", "data2vec-text", "roberta", "xlm-roberta")  # their positions start behind the padding id
# The position of the route that this thread computes: servers call one pipeline from several threads at once.
_ACTIVE_ROUTE: ContextVar[int] = ContextVar("active_route", default=0)
PreTrained = Any  # a PreTrainedModel; of its parts torch's types know only that they are tensors or modules


class FeedForward(nn.Module):
    """The two dense layers of a transformer layer's FFN: ``dense_out(activation(dense_in(x)))``."""

    def __init__(self, dense_in: nn.Linear, activation: Any, dense_out: nn.Linear) -> None:
        super().__init__()
        self.dense_in = dense_in
        self.activation = activation
        self.dense_out = dense_out

    def forward(self, x: Tensor) -> Tensor:
        return self.dense_out(self.activation(self.dense_in(x)))


class RoutedOutput(nn.Module):
    """Stands where a BERT layer has its ``output``: cluster, dropout, residual and, after mixing, one LayerNorm
    (Eq. 5)."""

    def __init__(self, cluster: nn.Module, dropout: nn.Module, layer_norm: nn.Module) -> None:
        super().__init__()
        self.cluster = cluster
        self.dropout = dropout
        self.LayerNorm = layer_norm

    def forward(self, hidden_states: Tensor, input_tensor: Tensor) -> Tensor:
        """``input_tensor`` is the attention output; ``hidden_states`` the same, as ``intermediate`` is an identity."""
        mixed = self.cluster(hidden_states, _ACTIVE_ROUTE.get())
        return self.LayerNorm(self.dropout(mixed) + input_tensor)


class SerialOutput(nn.Module):
    """``output`` of a BERT layer with the pretrained FFN in its place, and the cluster as a third sub-layer behind it
    (``keep_base_ffn = "serial"``)."""

    def __init__(self, output: PreTrained, cluster: nn.Module) -> None:
        super().__init__()
        self.base = output
        self.cluster = cluster
        first = output.LayerNorm
        self.LayerNorm = nn.LayerNorm(first.normalized_shape, eps=first.eps).to(first.weight)
        with torch.no_grad():  # what it reads has about this mean and spread, so at first it changes little
            self.LayerNorm.bias.fill_(first.bias.mean())
            self.LayerNorm.weight.fill_((first.weight.square().mean() + first.bias.var(correction=0)).sqrt())

    def forward(self, hidden_states: Tensor, input_tensor: Tensor) -> Tensor:
        """hidden_states: the inner rows of the pretrained FFN; input_tensor: the attention output."""
        y = self.base(hidden_states, input_tensor)
        return self.LayerNorm(self.base.dropout(self.cluster(y, _ACTIVE_ROUTE.get())) + y)


def feed_forward(layer: PreTrained) -> FeedForward:
    """The FFN of a BERT layer."""
    return FeedForward(layer.intermediate.dense, layer.intermediate.intermediate_act_fn, layer.output.dense)


def route_layers(model: PreTrained, layers: Sequence[int], routes: Sequence[str], rule: SharingRule) -> None:
    """Replace the FFN of the chosen ``layers`` of ``model`` by clusters, in place."""
    chosen = [model.encoder.layer[i] for i in layers]
    for layer, cluster in zip(chosen, rule.clusters([feed_forward(layer) for layer in chosen], routes)):
        if rule.keep_base_ffn == "serial":
            layer.output = SerialOutput(layer.output, cluster)
            continue
        layer.output = RoutedOutput(cluster, layer.output.dropout, layer.output.LayerNorm)
        layer.intermediate = nn.Identity()


def choose_layers(model: PreTrained, layers: Sequence[int] | None) -> list[int]:
    """The layer numbers to route, ascending; all for None. Raises MedmtlError E005, E006."""
    model_type, supported = model.config.model_type, BERT_TYPES + ROBERTA_TYPES
    if model_type not in supported:
        raise MedmtlError("E006", model_type=model_type, expected=", ".join(supported))
    stack = model.encoder.layer
    chosen = list(range(len(stack))) if layers is None else sorted(set(layers))
    if any(not 0 <= i < len(stack) for i in chosen):
        raise MedmtlError("E005", received=layers, n_layers=len(stack), last=len(stack) - 1)
    return chosen


class RoutedEncoder(nn.Module):
    """A Hugging Face encoder with task routes.

    model: from ``AutoModel``; of one of ``BERT_TYPES`` or ``ROBERTA_TYPES``.
    routes: task names, easy to hard. layers: numbers of the layers to route, None for all. rule: what a route computes.
    mixed_precision: layers compute in bfloat16 where that is native (see ``precision``).
    """

    def __init__(
        self,
        model: PreTrained,
        *,
        routes: Sequence[str],
        layers: Sequence[int] | None,
        rule: SharingRule,
        mixed_precision: bool = False,
    ) -> None:
        super().__init__()
        chosen = choose_layers(model, layers)
        route_layers(model, chosen, routes, rule)
        self.model: PreTrained = model
        self.routes = tuple(routes)
        self.mixed_precision = mixed_precision
        self.n_trunk = chosen[0] if chosen else len(model.encoder.layer)

    @classmethod
    def from_config(cls, config: dict[str, Any], **settings: Any) -> "RoutedEncoder":
        """An untrained encoder of the shape that a Hugging Face config dict describes."""
        settings_of_type = {name: value for name, value in config.items() if name != "model_type"}
        return cls(AutoModel.from_config(AutoConfig.for_model(config["model_type"], **settings_of_type)), **settings)

    @property
    def width(self) -> int:
        return int(self.model.config.hidden_size)

    def trunk(self, ids: Tensor, type_ids: Tensor, mask: Tensor) -> Tensor:
        """Embeddings and the layers below the first routed one: the same for all routes.

        ids, type_ids, mask: [batch, length]; mask is 1 on pieces, 0 on padding. Returns [batch, length, width].
        """
        hidden = self.model.embeddings(input_ids=ids, token_type_ids=type_ids)
        if hasattr(self.model, "embeddings_project"):  # ELECTRA with narrow embeddings
            hidden = self.model.embeddings_project(hidden)
        return self._layers(hidden, mask, range(self.n_trunk))

    def branch(self, hidden: Tensor, mask: Tensor, route: str) -> Tensor:
        """The layers from the first routed one, along ``route``. Shapes as in ``trunk``; float32."""
        token = _ACTIVE_ROUTE.set(self.routes.index(route))
        try:
            return self._layers(hidden, mask, range(self.n_trunk, len(self.model.encoder.layer))).float()
        finally:
            _ACTIVE_ROUTE.reset(token)

    def _layers(self, hidden: Tensor, mask: Tensor, numbers: range) -> Tensor:
        bias: Tensor | None = None
        if not bool(mask.all()):  # without padding, attention needs no mask at all
            bias = (1.0 - mask[:, None, None, :].to(hidden.dtype)) * torch.finfo(hidden.dtype).min
        with computing(hidden.device, self.mixed_precision):
            for i in numbers:
                output: Tensor | tuple[Tensor, ...] = self.model.encoder.layer[i](hidden, attention_mask=bias)
                hidden = output[0] if isinstance(output, tuple) else output
        return hidden
