"""The linear layer over encoder rows that three heads share: [CLS] rows to intents or relations, token rows to tags."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor, nn

from ..errors import MedmtlError
from .bridge import TorchShim, split_rows, to_array, to_tensor
from .listener import gives_rows, reads_units, view_of
from .shims import torch_shim
from .views.requests import HeadInput, ToRead, doc_of

INIT_STD = 0.02  # BERT's own for new layers
FEWEST_ROWS = 4  # products of fewer are summed in another order, so a Doc alone would get other bits


class RowClassifier(nn.Module):
    """Dropout and one linear layer: rows [n, width] -> logits [n, n_outputs]."""

    def __init__(self, width: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, n_outputs)
        nn.init.normal_(self.linear.weight, std=INIT_STD)
        nn.init.zeros_(self.linear.bias)

    def forward(self, rows: Tensor, dropout: float) -> Tensor:
        n_missing = max(0, FEWEST_ROWS - len(rows))
        padded = nn.functional.pad(rows, (0, 0, 0, n_missing)) if n_missing else rows
        return self.linear(nn.functional.dropout(padded, dropout, training=dropout > 0.0))[: len(rows)]


def build_row_classifier(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    n_outputs: int | None,
    *,
    lr_scale: float,
    forward: Callable | None = None,
) -> Model:
    """``tok2vec`` and a RowClassifier as one model: rows of all items, concatenated, to logits [n_rows, n_outputs].

    forward: for another input than items; it ends in ``classify``.
    """
    shim = TorchShim("row classifier", RowClassifier, lambda name: lr_scale)
    return Model(
        "medmtl_row_classifier",
        forward or classify,
        init=init,
        layers=[tok2vec],
        dims={"nO": n_outputs},
        attrs={"dropout_rate": 0.0},
        shims=[shim],
    )


def check_view(tok2vec: Model, view: str, name: str, *others: str) -> None:
    """Raises MedmtlError E205 unless ``tok2vec`` reads an encoder of this package in the given view or one of
    ``others``."""
    received = view_of(tok2vec) or tok2vec.name
    if not reads_units(tok2vec) or received not in (view, *others):
        raise MedmtlError("E205", name=name, view="', '".join([view, *others]), received=received)


def tok2vec_input(tok2vec: Model, items: list[ToRead]) -> list[Any]:
    """Readings for our own listeners, Docs for any other tok2vec layer."""
    return items if reads_units(tok2vec) else [doc_of(item) for item in items]


def read_rows(
    tok2vec: Model, items: list[ToRead], is_train: bool
) -> tuple[Tensor, Sequence[int], Callable[[Tensor], Any]]:
    """The rows of all items [n_rows, width] as a leaf of the graph, how many each item has, and what takes their
    gradient. From an encoder of this package they come as tensors, from any other layer as arrays."""
    if gives_rows(tok2vec):
        rows, backprop_rows = tok2vec(HeadInput(items), is_train)
        return rows.tensor.detach().requires_grad_(is_train), rows.lengths, backprop_rows
    arrays, backprop_arrays = tok2vec(tok2vec_input(tok2vec, items), is_train)
    lengths = [len(array) for array in arrays]
    tensor = to_tensor(tok2vec.ops.xp.vstack(arrays), requires_grad=is_train)
    return tensor, lengths, lambda gradient: backprop_arrays(split_rows(to_array(gradient), lengths))


def tok2vec_width(tok2vec: Model, sample: list[Any]) -> int:
    """The width of a tok2vec layer's rows, found by running it where it does not say."""
    if tok2vec.has_dim("nO"):
        return int(tok2vec.get_dim("nO"))
    return int(tok2vec.predict(sample[:1])[0].shape[1])


def init(model: "Model[list[ToRead], Floats2d]", X: list[ToRead] | None = None, Y: Any = None) -> None:  # noqa: N803
    """Build the layer once the width and the number of labels are known."""
    tok2vec = model.layers[0]
    sample = tok2vec_input(tok2vec, X or [])
    tok2vec.initialize(X=sample)
    torch_shim(model).start({"width": tok2vec_width(tok2vec, sample), "n_outputs": model.get_dim("nO")})


def classify(
    model: Model, items: list[ToRead], is_train: bool, extend: Callable[[Tensor], Tensor] | None = None
) -> tuple[Floats2d, Callable[[Floats2d], list[ToRead]]]:
    """Logits of the rows of all items, and of what ``extend`` makes of these rows."""
    dropout = float(model.attrs["dropout_rate"])
    inputs, _, backprop_tok2vec = read_rows(model.layers[0], items, is_train)
    module: RowClassifier = torch_shim(model).module
    with torch.set_grad_enabled(is_train):
        logits = module(extend(inputs) if extend else inputs, dropout if is_train else 0.0)

    def backprop(d_logits: Floats2d) -> list[ToRead]:
        logits.backward(to_tensor(d_logits))
        assert inputs.grad is not None
        backprop_tok2vec(inputs.grad)
        return []

    return to_array(logits), backprop
