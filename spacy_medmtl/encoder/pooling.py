"""Rows of wordpieces to rows of tokens, units or pairs."""

import numpy
import torch
from torch import Tensor

from .views.layout import Layout

POOLINGS = ("mean", "max", "first")


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
    # one row per piece that counts [n_pieces, width], and the output row that each belongs to [n_pieces]
    rows = rows[torch.from_numpy(gather).to(rows.device)]
    index = torch.from_numpy(segments).to(rows.device)
    if pooling == "max":
        # without the zeros of ``output`` itself, which would hide what is negative everywhere
        return output.scatter_reduce(0, index[:, None].expand_as(rows), rows, "amax", include_self=False)
    # divided before they are added: afterwards an output row without a piece would be 0 / 0
    counts = torch.from_numpy(numpy.bincount(segments, minlength=layout.n_out)[segments]).to(rows)
    return output.index_add(0, index, rows / counts[:, None])
