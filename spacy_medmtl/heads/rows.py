"""The thinc side of the linear layer over encoder rows that three heads share: [CLS] rows to intents or relations,
token rows to tags."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor, nn

from ..encoder.bridge import TorchShim, split_rows, to_array, to_tensor
from ..encoder.encoding import Rows
from ..encoder.listener import gives_rows
from ..encoder.shims import torch_shim
from ..encoder.views.requests import HeadInput, ToRead
from .row_classifier import RowClassifier
from .tok2vec import tok2vec_input, tok2vec_width


def same_scale(parameter: str, *, lr_scale: float) -> float:
    """The factor on the learning rate of any parameter of a layer. (A function of the module, so that it pickles.)"""
    return lr_scale


def build_row_classifier(
    tok2vec: "Model[list[Any], list[Floats2d]]",
    n_outputs: int | None,
    *,
    lr_scale: float,
    forward: Callable | None = None,
    classifier: type[nn.Module] = RowClassifier,
) -> Model:
    """``tok2vec`` and a classifier as one model: rows of all items, concatenated, to logits [n_rows, n_outputs].

    forward: for another input than items; it ends in ``classify``. classifier: what is built with the width of the rows
    and the number of outputs, and called with rows and a dropout rate.
    """
    shim = TorchShim("row classifier", classifier, partial(same_scale, lr_scale=lr_scale))
    return Model(
        "medmtl_row_classifier",
        forward or classify,
        init=init,
        layers=[tok2vec],
        dims={"nO": n_outputs},
        attrs={"dropout_rate": 0.0},
        shims=[shim],
    )


def init(model: "Model[list[ToRead], Floats2d]", X: list[ToRead] | None = None, Y: Any = None) -> None:  # noqa: N803
    """Build the layer once the width and the number of labels are known."""
    tok2vec = model.layers[0]
    sample = tok2vec_input(tok2vec, X or [])
    tok2vec.initialize(X=sample)
    torch_shim(model).start({"width": tok2vec_width(tok2vec, sample), "n_outputs": model.get_dim("nO")})


def read_rows(tok2vec: Model, items: list[ToRead]) -> tuple[Tensor, Sequence[int], Callable[[Tensor], Any]]:
    """In training: the rows of all items [n_rows, width] as a leaf of the graph, how many each item has, and what takes
    their gradient. From an encoder of this package they come as tensors, from any other layer as arrays."""
    if gives_rows(tok2vec):
        rows, backprop_rows = tok2vec(HeadInput(items), True)
        # a leaf: the head's graph ends here, and the encoder's is walked later, once for all heads
        return rows.tensor.detach().requires_grad_(), rows.lengths, backprop_rows
    arrays, backprop_arrays = tok2vec(tok2vec_input(tok2vec, items), True)
    lengths = [len(array) for array in arrays]
    # arrays [n_rows of an item, width] to [n_rows, width]
    tensor = to_tensor(tok2vec.ops.xp.vstack(arrays), requires_grad=True)
    return tensor, lengths, lambda gradient: backprop_arrays(split_rows(to_array(gradient), lengths))


def predicted_rows(tok2vec: Model, items: list[ToRead]) -> Rows:
    """In prediction: the rows of all items, those of long Docs in parts."""
    if gives_rows(tok2vec):
        rows: Rows = tok2vec.predict(HeadInput(items))
        return rows
    arrays = tok2vec.predict(tok2vec_input(tok2vec, items))
    return Rows([to_tensor(tok2vec.ops.xp.vstack(arrays))], [len(array) for array in arrays])


def classify(
    model: Model, items: list[ToRead], is_train: bool, extend: Callable[[Tensor], Tensor] | None = None
) -> tuple[Floats2d, Callable[[Floats2d], list[ToRead]]]:
    """Logits of the rows of all items, and of what ``extend`` makes of these rows."""
    module = torch_shim(model).module
    if not is_train:
        rows = predicted_rows(model.layers[0], items)
        # ``extend`` may want any of the rows, so it takes all at once
        parts = [extend(rows.tensor)] if extend else rows.parts
        with torch.no_grad():
            outputs = [module(part, 0.0) for part in in_units(parts, module.rows_per_unit)]
        # [n_rows of a part, n_outputs] each to [n_rows, n_outputs]
        return to_array(torch.cat(outputs)), no_backprop
    inputs, _, backprop_tok2vec = read_rows(model.layers[0], items)
    logits = module(extend(inputs) if extend else inputs, float(model.attrs["dropout_rate"]))

    def backprop(d_logits: Floats2d) -> list[ToRead]:
        # through this layer alone, as its input is a leaf
        logits.backward(to_tensor(d_logits))
        assert inputs.grad is not None
        backprop_tok2vec(inputs.grad)
        return []

    return to_array(logits), backprop


def in_units(parts: Iterable[Tensor], n_rows: int) -> Iterator[Tensor]:
    """The same rows in parts that do not end inside a unit of ``n_rows``."""
    rest: Tensor | None = None
    for part in parts:
        rows = part if rest is None or not len(rest) else torch.cat([rest, part])
        # what is left of a unit that the next part goes on with: fewer than ``n_rows`` rows
        n_whole = len(rows) - len(rows) % n_rows
        yield rows[:n_whole]
        rest = rows[n_whole:]


def no_backprop(gradient: Any) -> Any:
    raise ValueError("predictions have no gradient")
