"""The thinc model of the shared encoder: a ViewRequest in, one array of rows per Doc out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from spacy.attrs import ORTH, SPACY
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor, nn

from ..errors import MedmtlError
from .bridge import TorchShim, split_rows, to_array, to_tensor
from .layouts import Layout, Viewer, Window
from .readings import ENTITY_VIEWS, ViewRequest, doc_of
from .routed import ROBERTA_TYPES, RoutedEncoder
from .sharing.rule import SharingRule
from .shims import torch_shim
from .wordpieces import DocPieces, WordPieces

POOLINGS = ("mean", "max", "first")
MIN_WINDOW = 16
MOST_PADDING, PADDING_SHARE = 128, 0.1  # of a batch: beyond, another batch costs less
Backprop = Callable[[list[Floats2d]], list[Any]]


@dataclass(frozen=True)
class PaddedBatch:
    """Sequences padded to one length: ids, type ids, mask [batch, length]; which sequences they are; their lengths."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    numbers: list[int]
    lengths: list[int]


class EncoderModule(nn.Module):
    """The routed encoder with its wordpieces: what TorchShim builds, saves and steps."""

    def __init__(self, encoder: RoutedEncoder, tokenizer: str, window: Window) -> None:
        super().__init__()
        self.encoder = encoder
        self.wordpieces = WordPieces(tokenizer)
        self.viewer = Viewer(self.wordpieces, window)


def check_window(window: int, stride: int, config: dict[str, Any]) -> Window:
    """Raises MedmtlError E007 where the window does not fit the model."""
    maximum = int(config["max_position_embeddings"])
    if config["model_type"] in ROBERTA_TYPES:
        maximum -= int(config.get("pad_token_id") or 0) + 1
    if not MIN_WINDOW <= window <= maximum or not 0 < stride <= window - 2:
        raise MedmtlError("E007", window=window, stride=stride, maximum=maximum)
    return Window(window, stride)


def build_encoder_model(
    *,
    routes: Sequence[str],
    layers: Sequence[int] | None,
    rule: SharingRule,
    window: int,
    stride: int,
    batch_pieces: int,
    mixed_precision: bool = False,
) -> "Model[ViewRequest, list[Floats2d]]":
    """See ``spacy_medmtl.encoder.architectures.progressive_transformer``."""
    if not routes or len(set(routes)) != len(routes):
        raise MedmtlError("E011", routes=list(routes))
    expected = distinct_branches(rule, routes)

    def build(config: dict[str, Any], tokenizer: str, branches: Sequence[str], pretrained: Any = None) -> EncoderModule:
        if list(branches) != expected:  # the same routes in another order have the same shapes
            raise MedmtlError("E013", received=f"routes {list(branches)}", expected=f"routes {expected}")
        settings: dict[str, Any] = {
            "routes": routes,
            "layers": layers,
            "rule": rule,
            "mixed_precision": mixed_precision,
        }
        encoder = (
            RoutedEncoder.from_config(config, **settings)
            if pretrained is None
            else RoutedEncoder(pretrained, **settings)
        )
        return EncoderModule(encoder, tokenizer, check_window(window, stride, config))

    return Model(
        "medmtl_encoder",
        forward,
        dims={"nO": None},
        attrs={"routes": list(routes), "rule": rule, "batch_pieces": batch_pieces},
        shims=[TorchShim("medmtl_progressive_tok2vec", build, rule.lr_scale)],
    )


def distinct_branches(rule: SharingRule, routes: Sequence[str]) -> list[str]:
    """What the weights are made for: the routes that compute something of their own, in their order."""
    return list(dict.fromkeys(rule.key(route) for route in routes))


def start_encoder(model: "Model[ViewRequest, list[Floats2d]]", pretrained: Any, tokenizer: str) -> None:
    """Give the model pretrained weights: ``pretrained`` from ``AutoModel``, ``tokenizer`` the content of its json."""
    shim = torch_shim(model)
    branches = distinct_branches(model.attrs["rule"], model.attrs["routes"])
    spec = {"config": pretrained.config.to_dict(), "tokenizer": tokenizer, "branches": branches}
    shim.start(spec, shim.build(**spec, pretrained=pretrained))
    model.set_dim("nO", int(pretrained.config.hidden_size), force=True)


def forward(
    model: "Model[ViewRequest, list[Floats2d]]", request: ViewRequest, is_train: bool
) -> tuple[list[Floats2d], Backprop]:
    """Rows per item: [tokens or units, width]. In training, backprop adds gradients to the encoder at once."""
    module: EncoderModule = torch_shim(model).module
    rule, budget = model.attrs["rule"], model.attrs["batch_pieces"]
    if request.route not in model.attrs["routes"]:
        raise MedmtlError("E001", route=request.route, routes=model.attrs["routes"])
    if request.pooling not in POOLINGS:
        raise MedmtlError("E015", pooling=request.pooling, expected=", ".join(POOLINGS))
    pieces = _pieces(module.wordpieces, request)
    layout = module.viewer.lay_out(request.view, request.items, pieces)
    if is_train:
        module.train()
        try:
            rows = encode_layout(module.encoder, layout, request.route, budget, lambda _, compute: compute())
        finally:
            module.eval()
        output = _pool(rows, layout, request.pooling)
    else:
        key, route_key = layout.key(), rule.key(request.route)

        def remember(part: str, compute: Callable[[], Any]) -> Any:
            address = (key, part) if part == "trunk" else (key, part, route_key)
            if address not in request.memo:
                request.memo[address] = compute()
            return request.memo[address]

        with torch.no_grad():
            if request.view in ENTITY_VIEWS:
                output = remember("firsts", lambda: _first_rows(module.encoder, layout, request.route, budget))
            else:
                rows = encode_layout(module.encoder, layout, request.route, budget, remember)
                output = _pool(rows, layout, request.pooling)

    def backprop(d_output: list[Floats2d]) -> list[Any]:
        if is_train and output.requires_grad:  # it does not where there is nothing to read
            gradient = model.ops.xp.vstack(d_output)
            if gradient.any():  # stock components without gold send zeros, which would let momentum move the encoder
                output.backward(to_tensor(gradient))
        return []

    return split_rows(to_array(output), layout.lengths), backprop


def _pieces(wordpieces: WordPieces, request: ViewRequest) -> list[DocPieces]:
    """The wordpieces of each Doc, remembered by its words (a component in between may have retokenised it)."""
    found = []
    for item in request.items:
        doc = doc_of(item)
        key = (id(doc), doc.to_array([ORTH, SPACY]).tobytes())
        if key not in request.memo:
            request.memo[key] = wordpieces.of_doc(doc)
        found.append(request.memo[key])
    return found


def encode_layout(
    encoder: RoutedEncoder,
    layout: Layout,
    route: str,
    budget: int,
    remember: Callable[[str, Callable[[], Any]], Any],
) -> Tensor:
    """Encode all sequences of a layout: rows in their order, unpadded [n_rows, width]."""
    parameter = next(encoder.parameters())
    if not layout.ids:
        return parameter.new_zeros((0, encoder.width))

    def trunk() -> list[tuple[PaddedBatch, Tensor]]:
        batches = _padded_batches(layout, budget, encoder.model.config.pad_token_id or 0, parameter.device)
        return [(batch, encoder.trunk(batch.ids, batch.types, batch.mask)) for batch in batches]

    def branch() -> Tensor:
        parts: list[Tensor] = [parameter] * len(layout.ids)
        for batch, hidden in remember("trunk", trunk):
            encoded = encoder.branch(hidden, batch.mask, route)
            for i, number in enumerate(batch.numbers):
                parts[number] = encoded[i, : batch.lengths[i]]
        return torch.cat(parts)

    return remember("branch", branch)


def _first_rows(encoder: RoutedEncoder, layout: Layout, route: str, budget: int) -> Tensor:
    """The row of the first piece of each sequence, [n_sequences, width], one padded batch after the other.

    For pairs of entities: a sentence is read once for each pair in it, which may be thousands of times, and nobody else
    reads the same. So nothing but these rows is kept.
    """
    parameter = next(encoder.parameters())
    rows = parameter.new_zeros((len(layout.ids), encoder.width))
    for batch in _padded_batches(layout, budget, encoder.model.config.pad_token_id or 0, parameter.device):
        hidden = encoder.trunk(batch.ids, batch.types, batch.mask)
        rows[batch.numbers] = encoder.branch(hidden, batch.mask, route)[:, 0]
    return rows


def _padded_batches(layout: Layout, budget: int, pad: int, device: torch.device) -> list[PaddedBatch]:
    """Sequences of like length together, at most ``budget`` pieces a batch with the padding."""
    lengths = [len(ids) for ids in layout.ids]
    batches = []
    for group in like_lengths(lengths, budget):
        longest = lengths[group[-1]]
        ids = numpy.full((len(group), longest), pad, dtype="int64")
        types, mask = numpy.zeros_like(ids), numpy.zeros_like(ids)
        for row, number in enumerate(group):
            ids[row, : lengths[number]] = layout.ids[number]
            types[row, : lengths[number]] = layout.types[number]
            mask[row, : lengths[number]] = 1
        on_device = [torch.from_numpy(array).to(device) for array in (ids, types, mask)]
        own_lengths = [lengths[number] for number in group]
        batches.append(PaddedBatch(on_device[0], on_device[1], on_device[2], group, own_lengths))
    return batches


def like_lengths(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """The numbers of all sequences in groups, shortest first: a group holds at most ``budget`` pieces with its padding
    (more only where one sequence does), of which padding is at most 128 or a tenth."""
    groups: list[list[int]] = []
    n_pieces = 0  # in the last group
    for number in sorted(range(len(lengths)), key=lambda number: (lengths[number], number)):
        length = lengths[number]
        padded = (len(groups[-1]) + 1) * length if groups else 0
        padding = padded - n_pieces - length
        if not groups or padded > budget or padding > max(MOST_PADDING, PADDING_SHARE * padded):
            groups.append([])
            n_pieces = 0
        groups[-1].append(number)
        n_pieces += length
    return groups


def _pool(rows: Tensor, layout: Layout, pooling: str) -> Tensor:
    """Rows of pieces to rows of tokens or units [n_out, width]; output rows that own no piece are zero."""
    output = rows.new_zeros((layout.n_out, rows.shape[1]))
    if not layout.gather:
        return output
    gather, segments = numpy.concatenate(layout.gather), numpy.concatenate(layout.segments)
    if pooling == "first":
        first = numpy.unique(segments, return_index=True)[1]
        gather, segments = gather[first], segments[first]
    rows = rows[torch.from_numpy(gather).to(rows.device)]
    index = torch.from_numpy(segments).to(rows.device)
    if pooling == "max":
        return output.scatter_reduce(0, index[:, None].expand_as(rows), rows, "amax", include_self=False)
    counts = torch.bincount(index, minlength=layout.n_out).clamp(min=1).to(rows.dtype)
    return output.index_add(0, index, rows / counts[index, None])
