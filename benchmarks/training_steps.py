"""Training steps that ``bench_pipeline.py`` compares: ``nlp.update`` against a bare PyTorch loop over the same modules.

The bare loop has its batches as tensors beforehand, so it makes no Doc, reads no annotation and lays nothing out. It
encodes the same sequences once, has the same losses (a test compares them), and one fused AdamW.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from pipelines import HEADS, packs
from spacy.language import Language
from spacy.training import Example
from torch import Tensor, nn
from torch.nn import functional

from spacy_medmtl.cpncf_assertion.thinc_layer import mean_rows
from spacy_medmtl.encoder.packing import Pack
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.encoder.views.layout import Layout
from spacy_medmtl.encoder.views.requests import DOCUMENT
from spacy_medmtl.encoder.views.viewer import lay_out

Loss = Callable[[nn.Module, Tensor], Tensor]  # of a head's module and the rows that it reads
DROPOUT = 0.1


@dataclass
class HeadBatch:
    """What a head reads of a batch: which rows of the encoder's flat output, to which of its own they are pooled."""

    gather: Tensor
    segments: Tensor
    n_rows: int
    pooling: str
    loss: Loss

    def pooled(self, flat: Tensor) -> Tensor:
        rows, output = flat[self.gather], flat.new_zeros((self.n_rows, flat.shape[1]))
        if self.pooling == "max":
            index = self.segments[:, None].expand_as(rows)
            return output.scatter_reduce(0, index, rows, "amax", include_self=False)
        counts = torch.bincount(self.segments, minlength=self.n_rows)[self.segments]
        return output.index_add(0, self.segments, rows / counts[:, None])


@dataclass
class Batch:
    """Packed sequences, and what each head makes of them."""

    packs: list[Pack]
    heads: dict[str, HeadBatch]


def update_step(nlp: Language, batches: Sequence[Sequence[Example]], optimizer: Any) -> Callable[[], None]:
    """A step for each batch, as spaCy's training loop makes it."""

    def run() -> None:
        for batch in batches:
            step(nlp, batch, optimizer)

    return run


def step(nlp: Language, batch: Sequence[Example], optimizer: Any) -> None:
    """All components learn, then all are stepped: ``nlp.update(sgd=optimizer)`` would step one after the other, and
    the encoder of ours would read anew for each."""
    nlp.update(list(batch), sgd=False, drop=DROPOUT)
    for _, pipe in nlp.pipeline:
        if hasattr(pipe, "finish_update"):
            pipe.finish_update(optimizer)


def bare_steps(nlp: Language, batches: Sequence[Sequence[Example]], rate: float) -> Callable[[], None]:
    """A step for each batch, by PyTorch alone."""
    modules = {name: torch_shim(nlp.get_pipe(name).model).module for name in ("encoder", *HEADS)}
    prepared = [prepare(nlp, batch) for batch in batches]
    parameters = [parameter for module in modules.values() for parameter in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=rate, fused=True)

    def run() -> None:
        for module in modules.values():
            module.train()
        for batch in prepared:
            torch.stack(losses(modules, batch, HEADS)).sum().backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        for module in modules.values():
            module.eval()

    return run


def losses(modules: dict[str, Any], batch: Batch, routes: Sequence[str]) -> list[Tensor]:
    """The loss of each head that has gold in the batch."""
    encoder = modules["encoder"].encoder
    read = [route for route in routes if route in batch.heads]
    flats = []
    for pack in batch.packs:
        flats.append(encoder.branches(encoder.trunk(pack.ids, pack.types, pack.groups), pack.groups, read))
    flat = torch.cat(flats, dim=1)
    return [batch.heads[name].loss(modules[name], batch.heads[name].pooled(flat[i])) for i, name in enumerate(read)]


def prepare(nlp: Language, examples: Sequence[Example]) -> Batch:
    """A batch as tensors."""
    module = torch_shim(nlp.get_pipe("encoder").model).module
    found: dict[str, tuple[Layout, str, Loss]] = {}
    for name in HEADS:
        pipe = nlp.get_pipe(name)
        inputs, gold = pipe.training_batch(list(examples))
        if not inputs:
            continue
        items = list(getattr(inputs, "readings", getattr(inputs, "items", inputs)))
        layout = lay_out(
            module.settings, DOCUMENT, items, [module.settings.wordpieces.of_doc(item.doc) for item in items]
        )
        pooling = pipe.model.layers[0].attrs["pooling"]
        found[name] = layout, pooling, LOSSES[name](pipe, inputs, gold, layout)
    together = Layout()
    places: dict[tuple[bytes, bytes], int] = {}
    for layout, _, _ in found.values():
        for key, ids, types in zip(layout.sequence_keys(), layout.ids, layout.types):
            if key not in places:
                places[key] = len(together.ids)
                together.add(ids, types)
    packed = packs(nlp, together)
    starts = flat_starts(packed)
    heads = {}
    for name, (layout, pooling, loss) in found.items():
        lengths = [len(ids) for ids in layout.ids]
        shifts = [starts[places[key]] for key in layout.sequence_keys()]
        rows = numpy.concatenate([first + numpy.arange(n) for first, n in zip(shifts, lengths)])
        gather = torch.from_numpy(rows[numpy.concatenate(layout.gather)])
        segments = torch.from_numpy(numpy.concatenate(layout.segments))
        heads[name] = HeadBatch(gather, segments, layout.n_out, pooling, loss)
    return Batch([pack for _, pack in packed], heads)


def flat_starts(packed: Sequence[tuple[list[int], Pack]]) -> dict[int, int]:
    """By sequence of the layout, its first row in the flat output of all packs one after the other."""
    starts: dict[int, int] = {}
    first = 0
    for numbers, pack in packed:
        starts.update((number, first + start) for number, start in zip(numbers, pack.starts))
        first += len(pack.ids)
    return starts


def intent_loss(pipe: Any, inputs: Any, gold: Any, layout: Layout) -> Loss:
    target = torch.from_numpy(numpy.where(gold.held.any(axis=1), gold.held.argmax(axis=1), -1))
    return lambda module, rows: functional.cross_entropy(module(rows, DROPOUT), target, ignore_index=-1)


def pair_loss(pipe: Any, inputs: Any, gold: Any, layout: Layout) -> Loss:
    held, judged = torch.from_numpy(gold.held).float(), torch.from_numpy(gold.judged)
    return lambda module, rows: masked_binary(module(rows, DROPOUT), held, judged)


def masked_binary(logits: Tensor, held: Tensor, judged: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits[judged], held[judged])


def entity_loss(pipe: Any, inputs: Any, gold: Any, layout: Layout) -> Loss:
    from spacy_medmtl.sru_nested_ner.span_units import span_labels
    from spacy_medmtl.sru_nested_ner.thinc_layer import batches_of_like_length, gold_rows, span_places

    longest = torch_shim(pipe.model).module.longest_span
    offsets = numpy.cumsum([0, *layout.lengths])
    parts = []
    for numbers in batches_of_like_length(inputs.sentences):
        sentences = [inputs.sentences[number] for number in numbers]
        lengths = [len(sentence.words) for sentence in sentences]
        index = numpy.full((len(sentences), max(lengths)), layout.n_out)  # behind the last row: zeros
        for i, sentence in enumerate(sentences):
            index[i, : lengths[i]] = offsets[sentence.item] + sentence.words
        gold_of_batch = gold_rows(sentences, torch.device("cpu"))
        parts.append((torch.from_numpy(index), torch.tensor(lengths), *gold_of_batch))
    places, labels = span_places(inputs.sentences, offsets, longest), span_labels(gold, longest)
    held, judged = torch.from_numpy(labels.held).float(), torch.from_numpy(labels.judged)
    n_words = sum(len(sentence.words) for sentence in inputs.sentences)

    def loss(module: Any, rows: Tensor) -> Tensor:
        with_zeros = torch.cat([rows, rows.new_zeros((1, rows.shape[1]))])
        outputs = [module.forward_gold(with_zeros[index], *rest) for index, *rest in parts]
        logits, targets, mask = (torch.cat([out[i].flatten(0, 1) for out in outputs]) for i in range(3))
        summed = functional.binary_cross_entropy_with_logits(logits[mask], targets[mask], reduction="sum")
        spans = module.spans(rows, places, module.dropout)
        of_spans = functional.binary_cross_entropy_with_logits(spans[judged], held[judged], reduction="sum")
        return summed / mask.any(dim=1).sum() + of_spans / n_words

    return loss


def finding_loss(pipe: Any, inputs: Any, gold: Any, layout: Layout) -> Loss:
    tags = torch.from_numpy(numpy.where(gold.tags.held.any(axis=1), gold.tags.held.argmax(axis=1), -1))
    statuses = torch.from_numpy(gold.statuses.held.argmax(axis=1))
    held, judged = torch.from_numpy(gold.modifiers.held).float(), torch.from_numpy(gold.modifiers.judged)
    n_tags, n_statuses, spans = pipe.tags.n_tags, gold.statuses.held.shape[1], inputs.spans

    def loss(module: nn.Module, rows: Tensor) -> Tensor:
        logits = module(torch.cat([rows, mean_rows(rows, spans)]), DROPOUT)
        total = functional.cross_entropy(logits[: len(rows), :n_tags], tags, ignore_index=-1)
        if len(statuses):
            of_spans = logits[len(rows) :, n_tags:]
            total = total + functional.cross_entropy(of_spans[:, :n_statuses], statuses)
            if judged.any():
                per_span = judged.sum() / judged.any(dim=1).sum()
                total = total + per_span * masked_binary(of_spans[:, n_statuses:], held, judged)
        return total

    return loss


LOSSES: dict[str, Callable[[Any, Any, Any, Layout], Loss]] = {
    "sentence_intent": intent_loss,
    "pair_relation": pair_loss,
    "sru_nested_ner": entity_loss,
    "cpncf_assertion": finding_loss,
}
