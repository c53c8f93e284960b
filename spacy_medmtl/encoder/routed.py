"""The torch module of the shared encoder: embeddings and layers, of which the chosen ones have a cluster of FFNs."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import MedmtlError
from .layers import Embeddings, RoutedLayer
from .packing import Group, places_in_sequences
from .precision import computing
from .pretrained import pretrained_weights, shape_of
from .sharing.rule import SharingRule
from .sharing.shared_cluster import SharedCluster


class RoutedEncoder(nn.Module):
    """An encoder with task routes, over packs of sequences (``packing.py``).

    config: a Hugging Face config as a dict, of one of ``pretrained.MODEL_TYPES``. routes: task names, easy to hard.
    layers: numbers of the layers to route, None for all. rule: what a route computes. pretrained: the Hugging Face
    model that it starts as; without it the weights are arbitrary, to be loaded. mixed_precision: layers compute in
    bfloat16 where that is native (see ``precision``).
    Raises MedmtlError E005 for layers that there are not, E006 for a model of another kind.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        routes: Sequence[str],
        layers: Sequence[int] | None,
        rule: SharingRule,
        pretrained: Any = None,
        mixed_precision: bool = False,
    ) -> None:
        super().__init__()
        shape = shape_of(config)
        routed = chosen_layers(layers, shape.n_layers)
        self.embeddings = Embeddings(shape)
        self.layers = nn.ModuleList(RoutedLayer(shape) for _ in range(shape.n_layers))
        # before clusters are made: their FFNs start as copies of the pretrained one
        if pretrained is not None:
            self.load_state_dict(pretrained_weights(pretrained, config["model_type"]))
        put_clusters([self.layer(i) for i in routed], routes, rule)
        self.routes = tuple(routes)
        self.mixed_precision = mixed_precision
        self.width, self.pad, self.longest = shape.width, shape.pad, shape.longest
        # layers below the first cluster; all of them where no layer is routed
        self.n_trunk = routed[0] if routed else shape.n_layers

    def layer(self, number: int) -> RoutedLayer:
        layer = self.layers[number]
        assert isinstance(layer, RoutedLayer)
        return layer

    def trunk(self, ids: Tensor, types: Tensor, groups: Sequence[Group]) -> Tensor:
        """What all routes have in common: embeddings, the layers below the first routed one, and the attention of that.

        ids, types: [n_rows], of all sequences one after the other. groups: how the rows are sequences. Returns
        [1, n_rows, width].
        """
        with self._computing(ids.device):
            # [1, n_rows, width]: below the routed layers the rows of all routes are the same
            hidden = self.embeddings(ids, types, places_in_sequences(groups, ids.device))[None]
            for number in range(self.n_trunk):
                hidden = self.layer(number)(hidden, groups, (0,))
            if self.n_trunk < len(self.layers):
                # the first routed layer's attention still reads what all routes share; they part in its FFNs
                hidden = self.layer(self.n_trunk).attend(hidden, groups)
        return hidden

    def branches(
        self,
        trunk: Tensor,
        groups: Sequence[Group],
        routes: Sequence[str],
        known: dict[int, Tensor] | None = None,
    ) -> Tensor:
        """All else, along several routes together: in the first routed layer, where they read the same rows, each FFN
        runs once; above it they stand on the batch axis.

        trunk: [1, n_rows, width]. known: what other calls for the same trunk output have computed of it.
        Returns [routes, n_rows, width] in float32, or the weights' own precision where that is higher.
        """
        numbers = [self.routes.index(route) for route in routes]
        if self.n_trunk == len(self.layers):
            # no layer is routed: a view of the same rows for each route, nothing is copied
            return _at_least_float32(trunk).expand(len(routes), *trunk.shape[1:])
        with self._computing(trunk.device):
            hidden = self.layer(self.n_trunk).transform(trunk, numbers, known)  # [routes, n_rows, width]
            for number in range(self.n_trunk + 1, len(self.layers)):
                hidden = self.layer(number)(hidden, groups, numbers)
        return _at_least_float32(hidden).expand(len(routes), *hidden.shape[1:])

    def _computing(self, device: torch.device) -> Any:
        return computing(device, self.mixed_precision)


def _at_least_float32(hidden: Tensor) -> Tensor:
    return hidden.to(torch.promote_types(hidden.dtype, torch.float32))


def chosen_layers(layers: Sequence[int] | None, n_layers: int) -> list[int]:
    """The layer numbers to route, ascending; all for None. Raises MedmtlError E005."""
    chosen = list(range(n_layers)) if layers is None else sorted(set(layers))
    if any(not 0 <= i < n_layers for i in chosen):
        raise MedmtlError("E005", received=layers, n_layers=n_layers, last=n_layers - 1)
    return chosen


def put_clusters(layers: Sequence[RoutedLayer], routes: Sequence[str], rule: SharingRule) -> None:
    """Replace the FFN of each of the layers by a cluster, or put the cluster behind it, as the rule says."""
    ffns = [layer.cluster.ffn for layer in layers if isinstance(layer.cluster, SharedCluster)]
    for layer, cluster in zip(layers, rule.clusters(ffns, routes)):
        layer.put_cluster(cluster, behind_base=rule.keep_base_ffn == "serial")
