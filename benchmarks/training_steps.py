"""A training step of four heads: ours, and a bare PyTorch loop over the same modules, windows and batches.

The bare loop knows nothing of text: windows, places of rows and gold are ready tensors. Its losses are torch's own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from pipelines import BATCH_PIECES, KEYS, gold_examples, training_batch
from spacy.language import Language
from spacy.training import Example
from thinc.api import Optimizer
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from spacy_medmtl.cpncf_assertion.layer import mean_rows
from spacy_medmtl.encoder.encoding import like_lengths
from spacy_medmtl.encoder.pooling import pool
from spacy_medmtl.encoder.routed import padding_bias
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.requests import DOCUMENT
from spacy_medmtl.pair_relation.pair_classifier import ROWS_PER_PAIR
from spacy_medmtl.sru_nested_ner.layer import _walk_gold

Loss = Callable[[torch.Tensor], torch.Tensor]
DROPOUT, GRAD_CLIP = 0.1, 1.0


def step_of(nlp: Language, batches: Sequence[list[Example]], optimizer: Optimizer) -> Callable[[], None]:
    """One update of all components for each batch, with dropout, as ``spacy train`` does it."""

    def run() -> None:
        for batch in batches:
            nlp.update(batch, drop=DROPOUT, sgd=optimizer)

    return run


def bare_steps(nlp: Language, batches: Sequence[list[Example]]) -> Callable[[], None]:
    """The same modules in a plain loop: forward, sum of the losses, backward, clip, AdamW."""
    encoder = torch_shim(nlp.get_pipe("encoder").model).module.encoder
    heads = [pipe for _, pipe in nlp.components if hasattr(pipe, "training_batch")]
    modules = [encoder, *(torch_shim(head.model).module for head in heads)]
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, foreach=True)
    prepared = [prepare(nlp, heads, batch) for batch in batches]

    def run() -> None:
        for module in modules:
            module.train()
        for windows, losses in prepared:
            flat = torch.cat(
                [
                    encoder.branches(encoder.trunk(ids, types, bias), bias, encoder.routes[:1])[0].flatten(0, 1)
                    for ids, types, bias in windows
                ]
            )
            sum((loss(flat) for loss in losses), flat.new_zeros(())).backward()
            torch.nn.utils.clip_grad_norm_(parameters, GRAD_CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        for module in modules:
            module.eval()

    return run


def prepare(nlp: Language, heads: Sequence[Any], batch: Sequence[Example]) -> tuple[list[Any], list[Loss]]:
    """Padded windows, and of each head what takes their rows to its loss."""
    module = torch_shim(nlp.get_pipe("encoder").model).module
    windows: list[Any] = []
    losses: list[Loss] = []
    places = numpy.zeros(0, dtype="int64")
    keys: list[Any] = []
    for head in heads:
        inputs, gold = head.training_batch(batch)
        items = getattr(inputs, "readings", getattr(inputs, "items", inputs))
        layout = module.lay_out(DOCUMENT, items, [module.of_doc(item.doc) for item in items])
        if not windows:
            windows, places, keys = *pad_windows(module.encoder, layout), layout.sequence_keys()
        assert layout.sequence_keys() == keys, "heads read the same windows"
        losses.append(loss_of(head, inputs, gold, layout, places))
    return windows, losses


def pad_windows(encoder: Any, layout: Any) -> tuple[list[Any], numpy.ndarray]:
    """Batches (ids, types, bias) of like length, and where each wordpiece's row stands among all."""
    lengths = [len(ids) for ids in layout.ids]
    starts = numpy.cumsum([0, *lengths])
    places = numpy.zeros(layout.n_rows, dtype="int64")
    windows, n_flat = [], 0
    for group in like_lengths(lengths, BATCH_PIECES):
        longest = max(lengths[i] for i in group)
        ids = numpy.full((len(group), longest), encoder.pad, dtype="int64")
        for row, i in enumerate(group):
            ids[row, : lengths[i]] = layout.ids[i]
            places[starts[i] : starts[i + 1]] = n_flat + row * longest + numpy.arange(lengths[i])
        n_flat += ids.size
        bias = padding_bias([lengths[i] for i in group], longest, torch.device("cpu"))
        windows.append((torch.from_numpy(ids), torch.from_numpy(numpy.zeros_like(ids)), bias))
    return windows, places


def loss_of(head: Any, inputs: Any, gold: Any, layout: Any, places: numpy.ndarray) -> Loss:
    """Rows of all windows to the loss of a head."""
    unit = torch_shim(head.model).module
    pooling = next(node.attrs["pooling"] for node in head.model.walk() if "pooling" in node.attrs)
    if hasattr(inputs, "sentences"):
        offsets = numpy.cumsum([0, *layout.lengths])

        def entities(flat: torch.Tensor) -> torch.Tensor:
            logits, targets, mask = _walk_gold(unit, pool(flat, places, layout, pooling), inputs.sentences, offsets)
            return binary_cross_entropy_with_logits(logits, targets.float(), mask.float())

        return entities
    spans = getattr(inputs, "spans", ())
    n_rows = layout.n_out + len(spans)
    if head.name.startswith("pair_relation"):
        n_rows //= ROWS_PER_PAIR
    targets = torch.arange(n_rows) % head.n_outputs()

    def rows(flat: torch.Tensor) -> torch.Tensor:
        given = pool(flat, places, layout, pooling)
        return cross_entropy(unit(torch.cat([given, mean_rows(given, spans)]) if spans else given, DROPOUT), targets)

    return rows


def step_batches(nlp: Language, gold: Path, n: int) -> list[list[Example]]:
    """Batches of Docs that are annotated for all heads, and have pairs."""
    found = gold_examples(nlp, gold)
    examples = [one for one in found if all(one.reference.spans.get(key) for key in KEYS.values())]
    return [training_batch(examples, step) for step in range(n)]
