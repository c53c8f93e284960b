"""How sequences of unequal length stand in the rows that the encoder computes.

The rows of all sequences of a pack stand one after the other, [n_rows, width]: embeddings, dense layers and norms go
over all of them at once, and only attention asks where a sequence begins and ends. Sequences of one padded length are
a group, which attention takes as a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

import numpy
import torch
from torch import Tensor

# Products of few rows, or of a few beyond a multiple of 4 or 16, are summed in another order, so that a Doc alone would
# get other bits than in a batch. It depends on the processor's kernels: up to 15 rows were seen to differ.
ROWS_STEP = 16
LENGTH_STEP, STEPS_TO_DOUBLE = 8, 8  # padding costs at most a ninth of a sequence of 64 pieces or more


@dataclass(frozen=True)
class Group:
    """Sequences of one padded length, side by side in the rows of a pack. bias: see ``padding_bias``."""

    n_sequences: int
    length: int
    bias: Tensor | None = None

    @property
    def n_rows(self) -> int:
        return self.n_sequences * self.length


@dataclass(frozen=True)
class Pack:
    """Sequences with padding, one after the other. ids, types: of their wordpieces, [n_rows]. starts: the first row of
    each sequence, in the order in which they were given."""

    ids: Tensor
    types: Tensor
    groups: Sequence[Group]
    starts: Sequence[int]


def pack_sequences(
    ids: Sequence[numpy.ndarray], types: Sequence[numpy.ndarray], lengths: Sequence[int], pad: int, device: torch.device
) -> Pack:
    """Sequences that stand in the order of their padded ``lengths``, equals side by side. pad: the padding piece."""
    n_rows = sum(lengths)
    # so that dense layers, too, give a row the same bits whatever else is in the pack
    n_more = -n_rows % ROWS_STEP
    packed_ids = numpy.full(n_rows + n_more, pad, dtype="int64")
    packed_types = numpy.zeros_like(packed_ids)
    starts = [0, *accumulate(lengths)][: len(lengths)]
    for start, own_ids, own_types in zip(starts, ids, types):
        packed_ids[start : start + len(own_ids)], packed_types[start : start + len(own_ids)] = own_ids, own_types
    groups: list[Group] = []
    for length, numbers in groupby(range(len(lengths)), key=lambda number: lengths[number]):
        own = [len(ids[number]) for number in numbers]
        groups.append(Group(len(own), length, padding_bias(own, length, device)))
    if n_more:
        groups.append(Group(1, n_more))  # rows of nobody
    return Pack(torch.from_numpy(packed_ids).to(device), torch.from_numpy(packed_types).to(device), groups, starts)


def padding_bias(lengths: Sequence[int], longest: int, device: torch.device) -> Tensor | None:
    """What keeps attention off padding: [n_sequences, 1, 1, longest], added to its logits; None where nothing is
    padded."""
    if all(length == longest for length in lengths):
        return None
    # [n_sequences, longest]
    is_padding = torch.arange(longest)[None] >= torch.tensor(lengths)[:, None]
    bias = is_padding.to(torch.float32) * torch.finfo(torch.float32).min
    return bias[:, None, None, :].to(device)  # the same for all heads and all rows that look


def places_in_sequences(groups: Sequence[Group], device: torch.device) -> Tensor:
    """For each row of a pack which piece of its sequence it is, [n_rows]."""
    return torch.cat([torch.arange(group.length).repeat(group.n_sequences) for group in groups]).to(device)


def padded_length(n_pieces: int, longest: int) -> int:
    """To how many pieces a sequence is padded, of the ``longest`` that the encoder takes.

    By nothing but its own length: attention sums over padding too, in an order that goes by how much there is, so
    whoever stood beside it in a batch would change the last bits of its rows. Steps grow with the length, so that
    there are few lengths and little padding.
    """
    step = max(LENGTH_STEP, 2 ** (n_pieces.bit_length() - 1) // STEPS_TO_DOUBLE)
    return min(max(ROWS_STEP, -(-n_pieces // step) * step), longest)


def packs_within(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """The numbers of all sequences by padded length, shortest first, in packs of at most ``budget`` pieces (more only
    where one sequence has more)."""
    packs: list[list[int]] = []
    n_pieces = 0
    # equal lengths in the order of the text, so that the same Docs make the same packs each time
    for number in sorted(range(len(lengths)), key=lambda number: (lengths[number], number)):
        if not packs or n_pieces + lengths[number] > budget:
            packs.append([])
            n_pieces = 0
        packs[-1].append(number)
        n_pieces += lengths[number]
    return packs
