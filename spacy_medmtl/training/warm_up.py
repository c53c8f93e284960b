"""Warming an encoder up on plain text: masked words alone, before any task (BERT, whole-word masking)."""

import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc
from thinc.api import warmup_linear

from ..errors import MedmtlError
from ..saving import whole_folder
from .new_encoder import WEIGHTS
from .optimizers import torch_optimizer

WEIGHT_DECAY, CLIP = 0.01, 1.0
ROUTE = "text"
Progress = Callable[[Iterable[int]], Iterable[int]]


def batches(docs: Sequence[Doc], n_tokens: int, seed: int) -> Iterator[list[Doc]]:
    """Batches of at most ``n_tokens`` tokens, or one longer Doc, without end; each pass in another order."""
    order = random.Random(seed)
    batch: list[Doc] = []
    while True:
        for doc in order.sample(docs, len(docs)):
            if batch and sum(map(len, batch)) + len(doc) > n_tokens:
                yield batch
                batch = []
            batch.append(doc)


def warm_up(
    source: Path,
    output: Path,
    docs: Sequence[Doc],
    *,
    steps: int,
    rate: float,
    batch_tokens: int,
    window: int,
    share: float,
    seed: int,
    progress: Progress,
) -> list[float]:
    """Train the encoder in a folder on masked words and write it, with its tokenizer, into another.

    AdamW, its rate rising to ``rate`` over a tenth of the steps and falling to 0 after. window: wordpieces that are
    read at once. The output layer is not kept: heads do not use it. Returns the loss of each step in nats per masked
    piece.
    Raises MedmtlError E008 where there is no encoder, E407 where ``output`` is not empty or cannot be written, E330
    without text, E016 if a loss is no number.
    """
    import torch
    from thinc.util import get_torch_default_device

    from ..encoder.export import plain_model
    from ..encoder.weights import local_encoder
    from ..masked_lm.loss import head_spec, masked_lm_loss
    from ..masked_lm.output_layer import MaskedLmHead

    if (output / WEIGHTS).exists():
        raise MedmtlError("E407", path=output, problem="holds an encoder already; delete it first")
    if not docs:
        raise MedmtlError("E330", min_count=1)
    pretrained, tokenizer = local_encoder(str(source))()
    losses: list[float] = []
    # the caller's random numbers are as before
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        device = get_torch_default_device()
        config = pretrained.config.to_dict()
        encoder = plain_encoder(pretrained, tokenizer, window).to(device)
        head = MaskedLmHead(**head_spec(encoder)).to(device)
        both = torch.nn.ModuleDict({"encoder": encoder, "head": head})
        optimizer = torch_optimizer(warmup_linear(rate, max(1, steps // 10), steps), weight_decay=WEIGHT_DECAY)
        generator = numpy.random.default_rng(seed)
        stream = batches(docs, batch_tokens, seed)
        for _ in progress(range(steps)):
            batch, budget = next(stream), 4 * batch_tokens
            loss = masked_lm_loss(encoder, head, batch, generator, route=ROUTE, share=share, budget=budget, trains=True)
            if loss is None:
                continue
            losses.append(float(loss.detach()))
            if not numpy.isfinite(losses[-1]):
                raise MedmtlError("E016", name=str(source), where="warming up")
            loss.backward()
            torch.nn.utils.clip_grad_norm_(both.parameters(), CLIP)
            optimizer.step_module(0, both, lambda name: 1.0)
            # removed, not zeroed: a gradient of zeros still moves weights, by their momentum
            both.zero_grad(set_to_none=True)
            optimizer.step_schedules()
    with whole_folder(output) as part:
        # config and tokenizer stay as they are, whatever a version of transformers would write
        shutil.copytree(source, part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors", "*.bin"))
        plain_model(encoder.encoder.cpu(), config, ROUTE).save_pretrained(part)
    return losses


def plain_encoder(pretrained: Any, tokenizer: str, window: int) -> Any:
    """An EncoderModule that starts as a Hugging Face model; no layer is routed. window: at most what it can read."""
    from ..encoder.module import EncoderModule, check_window
    from ..encoder.pretrained import shape_of
    from ..encoder.routed import RoutedEncoder
    from ..encoder.sharing.shared import SharedRule

    config = pretrained.config.to_dict()
    size = min(window, shape_of(config).longest)
    encoder = RoutedEncoder(config, routes=[ROUTE], layers=[], rule=SharedRule(), pretrained=pretrained)
    return EncoderModule(encoder, tokenizer, check_window(size, size * 3 // 4, config), {})
