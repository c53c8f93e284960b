"""The parts of a BERT-like encoder as plain torch modules: embeddings, self-attention, a layer whose FFN is a cluster.

Devlin et al., "BERT" (2019): each sub-layer adds its output to its input and normalises the sum. Progressive
multi-task learning (OpenReview f4OM3Mn2wb), Eq. 5: the mixed output of a cluster stands where that of one FFN stood.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .dropout import Dropout, attention
from .feed_forward import FeedForward
from .packing import Group
from .pretrained import EncoderShape
from .sharing.shared_cluster import SharedCluster


class Embeddings(nn.Module):
    """Wordpieces, their places and the kind of segment they stand in, summed and normalised.

    ``project`` is there in ELECTRAs whose embeddings are narrower than their layers.
    """

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.position_offset = shape.position_offset
        self.words = nn.Embedding(shape.n_vocabulary, shape.embedding_width)
        self.positions = nn.Embedding(shape.n_positions, shape.embedding_width)
        self.types = nn.Embedding(shape.n_types, shape.embedding_width) if shape.n_types else None
        self.norm = nn.LayerNorm(shape.embedding_width, eps=shape.norm_eps)
        self.dropout = Dropout(shape.dropout)
        narrow = shape.embedding_width != shape.width
        self.project = nn.Linear(shape.embedding_width, shape.width) if narrow else None

    def forward(self, ids: Tensor, types: Tensor, places: Tensor) -> Tensor:
        """Piece and type ids [n_rows], and the place of each piece in its sequence, to rows [n_rows, width]."""
        # RoBERTa counts places from behind its padding piece
        summed = self.words(ids) + self.positions(places + self.position_offset)
        if self.types is not None:
            summed = summed + self.types(types)
        rows = self.dropout(self.norm(summed))
        return rows if self.project is None else self.project(rows)


class SelfAttention(nn.Module):
    """Multi-head attention of the rows of a sequence to one another."""

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.n_heads = shape.n_heads
        self.dropout = shape.attention_dropout
        self.query, self.key, self.value, self.out = (nn.Linear(shape.width, shape.width) for _ in range(4))

    def forward(self, hidden: Tensor, groups: Sequence[Group]) -> Tensor:
        """hidden: [routes, n_rows, width]. groups: how the rows are sequences. Returns the same shape."""
        sizes = [group.n_rows for group in groups]
        # split, not slices: their gradients are put side by side, those of slices are added up as if each were whole
        queries, keys, values = (layer(hidden).split(sizes, 1) for layer in (self.query, self.key, self.value))
        mixed = [self._mix(*rows) for rows in zip(queries, keys, values, groups)]
        return self.out(mixed[0] if len(mixed) == 1 else torch.cat(mixed, 1))

    def _mix(self, query: Tensor, key: Tensor, value: Tensor, group: Group) -> Tensor:
        """The attention of one group, [routes, n_sequences * length, width] each."""
        n_routes, n_rows, width = query.shape
        by_head = n_routes * group.n_sequences, group.length, self.n_heads, width // self.n_heads
        # routes are stacked on the batch axis: [routes * n_sequences, heads, length, width of a head]
        query, key, value = (rows.reshape(by_head).transpose(1, 2) for rows in (query, key, value))
        bias = group.bias
        if bias is not None:  # float64 rows with a float32 bias would be misread without a word
            bias = bias.to(torch.promote_types(query.dtype, bias.dtype)).repeat(n_routes, 1, 1, 1)
        mixed = attention(query, key, value, bias, self.dropout if self.training else 0.0)
        # heads side by side again; the transposed tensor is not contiguous, so view would refuse it
        return mixed.transpose(1, 2).reshape(n_routes, n_rows, width)


class RoutedLayer(nn.Module):
    """A transformer layer: attention, residual, norm; cluster of FFNs, residual, norm.

    cluster: what a sharing rule built; a layer that is not routed has a cluster of one FFN for all.
    base, base_norm: the pretrained FFN with its norm, where the cluster is a third sub-layer behind it
    (``keep_base_ffn = "serial"``).
    """

    def __init__(self, shape: EncoderShape) -> None:
        super().__init__()
        self.attention = SelfAttention(shape)
        self.attention_norm = nn.LayerNorm(shape.width, eps=shape.norm_eps)
        dense_in, dense_out = nn.Linear(shape.width, shape.inner), nn.Linear(shape.inner, shape.width)
        self.cluster: nn.Module = SharedCluster(FeedForward(dense_in, shape.activation, dense_out))
        self.norm = nn.LayerNorm(shape.width, eps=shape.norm_eps)
        self.dropout = Dropout(shape.dropout)
        self.base: FeedForward | None = None
        self.base_norm: nn.LayerNorm | None = None

    def put_cluster(self, cluster: nn.Module, *, behind_base: bool) -> None:
        """Put a cluster in the place of the pretrained FFN, or behind it as a sub-layer of its own."""
        if behind_base:
            assert isinstance(self.cluster, SharedCluster)
            self.base, self.base_norm = self.cluster.ffn, self.norm
            self.norm = nn.LayerNorm(self.norm.normalized_shape, eps=self.norm.eps).to(self.norm.weight)
            first = self.base_norm
            # what the new norm reads has about this mean and spread, so at first it changes little
            with torch.no_grad():
                self.norm.bias.fill_(first.bias.mean())
                self.norm.weight.fill_((first.weight.square().mean() + first.bias.var(correction=0)).sqrt())
        self.cluster = cluster

    def attend(self, hidden: Tensor, groups: Sequence[Group]) -> Tensor:
        """What is the same for all routes: attention, and the pretrained FFN where it stands in front of the cluster.
        [routes, n_rows, width] to the same."""
        attended = self.attention_norm(self.dropout(self.attention(hidden, groups)) + hidden)
        if self.base is not None and self.base_norm is not None:
            attended = self.base_norm(self.dropout(self.base(attended)) + attended)
        return attended

    def transform(self, attended: Tensor, routes: Sequence[int], known: dict[int, Tensor] | None = None) -> Tensor:
        """The cluster's sub-layer, for several routes at once.

        attended: [1, n_rows, width] where all routes read the same rows, or [routes, n_rows, width]. known: outputs of
        FFNs for these very rows by their number in the cluster; what is computed is added.
        Returns [routes, n_rows, width].
        """
        return self.norm(self.dropout(self.cluster(attended, routes, known)) + attended)

    def forward(self, hidden: Tensor, groups: Sequence[Group], routes: Sequence[int]) -> Tensor:
        """hidden: [1 or routes, n_rows, width]; groups as in SelfAttention. Returns [routes, n_rows, width]."""
        return self.transform(self.attend(hidden, groups), routes)
