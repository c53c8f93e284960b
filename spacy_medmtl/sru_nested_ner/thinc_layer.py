"""The thinc side of the Slot-based Recurrent Unit: sentences to padded batches of like length, and back."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy
import torch
from thinc.api import Model
from torch import Tensor

from ..encoder.bridge import TorchShim, to_array, to_tensor
from ..encoder.encoding import Rows
from ..encoder.shims import torch_shim
from ..errors import MedmtlError
from ..heads.rows import no_backprop, predicted_rows, read_rows, same_scale
from ..heads.tok2vec import tok2vec_input, tok2vec_width
from .gold_steps import GoldWalk
from .inputs import ActionScores, Predicted, SruInput, WordSequence
from .recurrent import SlotRecurrentUnit
from .span_units import span_units

BATCH = 32  # sentences that walk together; the longest sets the number of steps for all
BATCH_WORDS = 16_384  # at most, padding included: long ones walk in smaller batches


def build_sru(
    tok2vec: Model, n_actions: int | None, *, lr_scale: float, longest_span: int, **settings: Any
) -> "Model[SruInput, Any]":
    """See ``spacy_medmtl.sru_nested_ner.model.sru_nested_ner_model``. settings: of the SlotRecurrentUnit."""

    shim = TorchShim(
        "slot recurrent unit", partial(SlotRecurrentUnit, **settings), partial(same_scale, lr_scale=lr_scale)
    )
    return Model(
        "medmtl_sru",
        forward,
        init=init,
        layers=[tok2vec],
        dims={"nO": n_actions},
        attrs={"paper_compat": settings["paper_compat"], "longest_span": longest_span},
        shims=[shim],
    )


def init(model: "Model[SruInput, Any]", X: Any = None, Y: Any = None) -> None:  # noqa: N803
    """Build the unit once the width and the number of labels are known. X: sample Docs."""
    tok2vec = model.layers[0]
    sample = tok2vec_input(tok2vec, X or [])
    tok2vec.initialize(X=sample)
    n_labels = (model.get_dim("nO") - 2) // 2
    # in the spec, which is saved with the weights: a unit that was saved without scores of spans has none when loaded
    spec = {"longest_span": 0 if model.attrs["paper_compat"] else model.attrs["longest_span"]}
    torch_shim(model).start({"width": tok2vec_width(tok2vec, sample), "n_labels": n_labels, **spec})


def resize(model: "Model[SruInput, Any]", n_actions: int) -> None:
    """Give a trained unit more labels, at the end; see ``SlotRecurrentUnit.inherit``."""
    shim = torch_shim(model)
    old: SlotRecurrentUnit = shim.module
    spec = {**(shim.spec or {}), "n_labels": (n_actions - 2) // 2, "n_latents": len(old.latents)}
    unit = cast(SlotRecurrentUnit, shim.build(**spec))
    unit.inherit(old)
    shim.restart(spec, unit)
    model.set_dim("nO", n_actions, force=True)


def forward(model: "Model[SruInput, Any]", inputs: SruInput, is_train: bool) -> tuple[Any, Callable]:
    """ActionScores where the sentences have gold rows to walk along; else what is Predicted of each sentence.

    Raises MedmtlError E029 for Docs; FloatingPointError for logits that are no numbers, of which the component, which
    knows its name, makes MedmtlError E016."""
    if not isinstance(inputs, SruInput):
        raise MedmtlError("E029", name="sru_nested_ner")
    unit: SlotRecurrentUnit = torch_shim(model).module
    # prediction; with gold rows and no training, calibration asks what the unit says along them
    if not is_train and inputs.sentences[0].rows is None:
        return _predict(unit, predicted_rows(model.layers[0], list(inputs.items)), inputs.sentences), no_backprop
    if is_train:
        words, n_rows, backprop_tok2vec = read_rows(model.layers[0], list(inputs.items))
    else:
        rows = predicted_rows(model.layers[0], list(inputs.items))
        words, n_rows, backprop_tok2vec = rows.tensor, rows.lengths, no_backprop
    offsets = numpy.cumsum([0, *n_rows])
    batches = batches_of_like_length(inputs.sentences)
    unit.train(is_train)
    try:
        with torch.set_grad_enabled(is_train):
            outputs = [_walk_gold(unit, words, [inputs.sentences[i] for i in batch], offsets) for batch in batches]
            spans = span_logits(unit, words, inputs.sentences, offsets)
    finally:
        unit.eval()
    # [n_sentences, n_steps, A] of each batch to [n_rows, A], sentence by sentence
    logits = torch.cat([output.flatten(0, 1) for output in outputs])
    walked = [(batch, output.shape[1]) for batch, output in zip(batches, outputs)]

    def backprop(d_scores: ActionScores) -> SruInput:
        outputs, gradients = [logits], [to_tensor(d_scores.logits)]
        if spans is not None:
            outputs, gradients = [*outputs, spans], [*gradients, to_tensor(d_scores.spans)]
        torch.autograd.backward(outputs, gradients)
        backprop_tok2vec(torch.zeros_like(words) if words.grad is None else words.grad)
        return inputs

    of_spans = None if spans is None else to_array(spans)
    return ActionScores(to_array(logits), walked, of_spans, unit.longest_span), backprop


def gold_targets(sentences: Sequence[WordSequence], scores: ActionScores, *, paper_compat: bool) -> tuple[Any, Any]:
    """Targets and mask [n_rows, n_actions] for the rows of ``scores``, of the sentences' gold; see ``GoldWalk``.

    With labels that a corpus does not annotate, which gold row a step has depends on the logits: so the walk along them
    is repeated.
    """
    logits = to_tensor(scores.logits)
    targets, masks, first = [], [], 0
    for numbers, n_steps in scores.batches:
        after = first + len(numbers) * n_steps
        # back to [n_sentences, n_steps, A]
        steps = logits[first:after].view(len(numbers), n_steps, logits.shape[1])
        first, batch = after, [sentences[number] for number in numbers]
        lengths = torch.tensor([len(sentence.words) for sentence in batch], device=logits.device)
        walk = GoldWalk(*gold_rows(batch, logits.device), lengths, paper_compat=paper_compat)
        for t in range(n_steps):
            walk.advance(steps[:, t])
        of_batch, mask = walk.targets()
        targets.append(of_batch.to(logits.dtype).flatten(0, 1))
        masks.append(mask.flatten(0, 1))
    return to_array(torch.cat(targets)), to_array(torch.cat(masks))


def batches_of_like_length(sentences: Sequence[WordSequence]) -> list[list[int]]:
    """The numbers of the sentences, shortest first, in batches."""
    batches: list[list[int]] = []
    # by length, as all sentences of a batch take the steps of the longest
    for number in sorted(range(len(sentences)), key=lambda number: len(sentences[number].words)):
        longest = len(sentences[number].words)
        if not batches or len(batches[-1]) == BATCH or (len(batches[-1]) + 1) * longest > BATCH_WORDS:
            batches.append([])
        batches[-1].append(number)
    return batches


def span_logits(
    unit: SlotRecurrentUnit, words: Tensor, sentences: Sequence[WordSequence], offsets: numpy.ndarray
) -> Tensor | None:
    """Logits [n_spans, n_labels] of the spans of all sentences, in the order of ``span_units``; None where the unit
    scores none. words: rows of all Docs; offsets: the first row of each. Raises FloatingPointError if they are no
    numbers."""
    if unit.spans is None:
        return None
    places = span_places(sentences, offsets, unit.spans.longest).to(words.device)
    logits = unit.spans(words, places, unit.dropout)
    if not bool(torch.isfinite(logits.detach()).all()):
        raise FloatingPointError("The logits of spans became NaN or infinite.")
    return logits


def span_places(sentences: Sequence[WordSequence], offsets: numpy.ndarray, longest: int) -> Tensor:
    """First row, last row, row before and after, and number of words of the spans of all sentences, [5, n_spans]."""
    parts = []
    for sentence in sentences:
        units = span_units(len(sentence.words), longest)
        # word i stands at i + 1, between places that have no row
        rows = numpy.pad(offsets[sentence.item] + sentence.words, 1, constant_values=-1)
        after = units.first + units.n_words + 1
        parts.append(
            numpy.stack([rows[units.first + 1], rows[after - 1], rows[units.first], rows[after], units.n_words])
        )
    return torch.from_numpy(numpy.concatenate(parts, axis=1))


def _predict(unit: SlotRecurrentUnit, rows: Rows, sentences: Sequence[WordSequence]) -> list[Predicted]:
    """Probabilities of each sentence. Where rows come in parts, the sentences that are complete are walked before the
    next is taken; they stand in the order of the text."""
    probabilities: list[Predicted] = []
    offsets = numpy.cumsum([0, *rows.lengths])
    here, first = None, 0  # rows that are not done with, and the number of the first of them
    for part in rows.parts:
        here = part if here is None else torch.cat([here, part])
        ready = []
        for sentence in sentences[len(probabilities) :]:
            if offsets[sentence.item] + sentence.words[-1] >= first + len(here):
                break
            ready.append(sentence)
        probabilities += _walk_greedily(unit, here, ready, offsets - first)
        if len(probabilities) < len(sentences):
            following = sentences[len(probabilities)]
            # rows before the next sentence are done with; a window of a long sentence may begin before the last one
            # ended
            n_done = max(0, int(offsets[following.item] + following.words[0]) - first)
            here, first = here[n_done:], first + min(n_done, len(here))
    return probabilities


def _walk_greedily(
    unit: SlotRecurrentUnit, words: Tensor, sentences: Sequence[WordSequence], offsets: numpy.ndarray
) -> list[Predicted]:
    walked: dict[int, numpy.ndarray] = {}
    for batch in batches_of_like_length(sentences):
        padded, lengths = _pad_words(words, [sentences[i] for i in batch], offsets)
        walked.update(zip(batch, unit.greedy(padded, lengths)))
    with torch.no_grad():  # of all at once: the products are of words, not of batches
        logits = span_logits(unit, words, sentences, offsets) if sentences else None
    spans: list[Any] = [None] * len(sentences)
    if logits is not None:
        n_spans = [len(span_units(len(sentence.words), unit.longest_span).first) for sentence in sentences]
        spans = numpy.split(logits.float().cpu().numpy(), numpy.cumsum(n_spans)[:-1])
    return [Predicted(walked[i], part, unit.longest_span) for i, part in enumerate(spans)]


def _walk_gold(unit: SlotRecurrentUnit, words: Tensor, sentences: list[WordSequence], offsets: numpy.ndarray) -> Tensor:
    """Logits [n_sentences, n_steps, n_actions] along the gold rows."""
    padded, lengths = _pad_words(words, sentences, offsets)
    return unit.forward_gold(padded, lengths, *gold_rows(sentences, words.device))[0]


def gold_rows(sentences: Sequence[WordSequence], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Gold rows, bool [n_sentences, n_rows, n_actions], False behind the end; how many each sentence has
    [n_sentences]; foreign actions, bool [n_sentences, n_actions]."""
    rows = [sentence.rows for sentence in sentences if sentence.rows is not None]
    gold_lengths = [len(part) for part in rows]
    gold = numpy.zeros((len(rows), max(gold_lengths), rows[0].shape[1]), dtype=bool)
    for i, part in enumerate(rows):
        gold[i, : len(part)] = part
    foreign = numpy.stack([sentence.foreign for sentence in sentences if sentence.foreign is not None])
    gold_tensor, lengths, foreign_tensor = (
        torch.from_numpy(array).to(device) for array in (gold, numpy.asarray(gold_lengths), foreign)
    )
    return gold_tensor, lengths, foreign_tensor


def _pad_words(words: Tensor, sentences: list[WordSequence], offsets: numpy.ndarray) -> tuple[Tensor, Tensor]:
    """Word vectors [n_sentences, n_words, width], zeros behind the end, and lengths [n_sentences]."""
    lengths = [len(sentence.words) for sentence in sentences]
    # padding points at a row of zeros that is put behind the others
    index = numpy.full((len(sentences), max(lengths)), len(words), dtype="int64")  # the row of zeros
    for i, sentence in enumerate(sentences):
        index[i, : lengths[i]] = offsets[sentence.item] + sentence.words
    with_zeros = torch.cat([words, words.new_zeros((1, words.shape[1]))])
    return with_zeros[torch.from_numpy(index).to(words.device)], torch.tensor(lengths, device=words.device)
