"""The thinc side of findings: token rows and the mean rows of spans through one linear layer."""

from typing import Any, Callable, List, Optional, Sequence, Tuple

import numpy
import torch
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor

from ..encoder.bridge import TorchShim, split_rows, to_array, to_tensor
from ..encoder.rows import RowClassifier, init, tok2vec_input
from ..encoder.shims import torch_shim
from .model import FindingInput


def build_findings(tok2vec: Model, n_outputs: Optional[int], *, lr_scale: float) -> "Model[FindingInput, Floats2d]":
    """See ``spacy_medmtl.cpncf_assertion.model.cpncf_assertion_model``."""
    shim = TorchShim("row classifier", RowClassifier, lambda name: lr_scale)
    return Model(
        "medmtl_findings",
        forward,
        init=init,
        layers=[tok2vec],
        dims={"nO": n_outputs},
        attrs={"dropout_rate": 0.0},
        shims=[shim],
    )


def forward(
    model: "Model[FindingInput, Floats2d]", inputs: FindingInput, is_train: bool
) -> Tuple[Floats2d, Callable[[Floats2d], FindingInput]]:
    tok2vec, dropout = model.layers[0], float(model.attrs["dropout_rate"])
    rows, backprop_tok2vec = tok2vec(tok2vec_input(tok2vec, list(inputs.readings)), is_train)
    module: RowClassifier = torch_shim(model).module
    tokens = to_tensor(model.ops.xp.vstack(rows), requires_grad=is_train)
    with torch.set_grad_enabled(is_train):
        logits = module(torch.cat([tokens, mean_rows(tokens, inputs.spans)]), dropout if is_train else 0.0)

    def backprop(d_logits: Floats2d) -> FindingInput:
        logits.backward(to_tensor(d_logits))
        assert tokens.grad is not None
        backprop_tok2vec(split_rows(to_array(tokens.grad), [len(part) for part in rows]))
        return inputs

    return to_array(logits), backprop


def mean_rows(rows: Tensor, spans: Sequence[numpy.ndarray]) -> Tensor:
    """The mean of the rows [n_rows, width] that each span names: [n_spans, width]. No span may be empty."""
    if not len(spans):
        return rows.new_zeros((0, rows.shape[1]))
    lengths: List[int] = [len(span) for span in spans]
    counts = torch.tensor(lengths, device=rows.device)
    owners = torch.repeat_interleave(torch.arange(len(spans), device=rows.device), counts)
    members: Any = torch.from_numpy(numpy.concatenate(list(spans)).astype("int64")).to(rows.device)
    sums = rows.new_zeros((len(spans), rows.shape[1])).index_add(0, owners, rows[members])
    return sums / counts[:, None]
