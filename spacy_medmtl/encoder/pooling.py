"""Rows of wordpieces to rows of tokens, units or pairs."""

import numpy
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .views.layout import Layout, borders_of_parts

POOLINGS = ("mean", "max", "first")
# Pieces that are gathered in training, where all is kept for the backward pass; of more the gradient gathers them anew,
# part by part. What lies between 240 drugs of one sentence, pair by pair, is nine million pieces.
AT_ONCE = 2**16


def pool(rows: Tensor, places: numpy.ndarray, layout: Layout, pooling: str) -> Tensor:
    """Output rows of a layout [n_out, width], of the rows [n, width] of wordpieces; those that own no piece are zero.

    places: where the rows of the layout stand among ``rows`` [layout.n_rows]. pooling: one of POOLINGS.
    """
    output = rows.new_zeros((layout.n_out, rows.shape[1]))
    if not layout.gather:
        return output
    gather, segments = places[numpy.concatenate(layout.gather)], numpy.concatenate(layout.segments)
    if not len(gather):
        return output
    if pooling == "first":
        # segments ascend and pieces stand in the order of the text, so the first index of each is its first piece
        first = numpy.unique(segments, return_index=True)[1]
        gather, segments = gather[first], segments[first]
    if not rows.requires_grad or len(gather) <= AT_ONCE:
        return _pooled(rows, gather, segments, layout.n_out, pooling)
    return torch.cat(
        [
            checkpoint(
                _pooled, rows, gather[first:end], segments[first:end] - done, after - done, pooling,
                use_reentrant=False, preserve_rng_state=False,
            )
            for first, end, done, after in borders_of_parts(segments, layout.n_out, AT_ONCE)
        ]
    )  # fmt: skip


def _pooled(rows: Tensor, gather: numpy.ndarray, segments: numpy.ndarray, n_out: int, pooling: str) -> Tensor:
    output = rows.new_zeros((n_out, rows.shape[1]))
    # one row per piece that counts [n_pieces, width], and the output row that each belongs to [n_pieces]
    rows = rows[torch.from_numpy(gather).to(rows.device)]
    index = torch.from_numpy(segments).to(rows.device)
    if pooling == "max":
        # without the zeros of ``output`` itself, which would hide what is negative everywhere
        return output.scatter_reduce(0, index[:, None].expand_as(rows), rows, "amax", include_self=False)
    # divided before they are added: afterwards an output row without a piece would be 0 / 0
    counts = torch.from_numpy(numpy.bincount(segments, minlength=n_out)[segments]).to(rows)
    return output.index_add(0, index, rows / counts[:, None])
