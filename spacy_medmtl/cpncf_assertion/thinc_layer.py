"""The thinc side of findings: token rows and the mean rows of spans through one linear layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy
import torch
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor

from ..encoder.views.requests import ToRead
from ..errors import MedmtlError
from ..heads.rows import classify
from .inputs import FindingInput


def forward(model: Model, inputs: FindingInput, is_train: bool) -> tuple[Floats2d, Callable]:
    """A row of logits per token, then one per span. Raises MedmtlError E029 for Docs."""
    if not isinstance(inputs, FindingInput):
        raise MedmtlError("E029", name="cpncf_assertion")
    readings: list[ToRead] = list(inputs.readings)
    if not len(inputs.spans):
        return classify(model, readings, is_train)
    return classify(model, readings, is_train, lambda rows: torch.cat([rows, mean_rows(rows, inputs.spans)]))


def mean_rows(rows: Tensor, spans: Sequence[numpy.ndarray]) -> Tensor:
    """The mean of the rows [n_rows, width] that each span names: [n_spans, width]. No span may be empty."""
    lengths: list[int] = [len(span) for span in spans]
    counts = torch.tensor(lengths, device=rows.device)
    # of each member the span that it is of, and its row [n_members]
    owners = torch.repeat_interleave(torch.arange(len(spans), device=rows.device), counts)
    members: Any = torch.from_numpy(numpy.concatenate(list(spans)).astype("int64")).to(rows.device)
    # index_add, as a span stands among the owners once for each of its members
    sums = rows.new_zeros((len(spans), rows.shape[1])).index_add(0, owners, rows[members])
    return sums / counts[:, None]
