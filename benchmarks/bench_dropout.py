"""What a training step costs beside matrix products: dropout, attention with dropout, and the optimizer's step.

Ours and torch's (thinc's ``Adam.v1``) in turns in one process, forward and backward, on rows and heads of MiniLM's
width, in float32; medians of CPU seconds.

    OMP_NUM_THREADS=1 python benchmarks/bench_dropout.py
"""

import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import srsly
import torch
import typer
from thinc.api import Adam
from timing import medians
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from spacy_medmtl.encoder.bridge import TorchShim
from spacy_medmtl.encoder.dropout import attention, dropout
from spacy_medmtl.training.optimizers import torch_optimizer
from spacy_medmtl.training.report import table

P = 0.1
WIDTH, N_HEADS, N_ROWS = 384, 12, 2048
LENGTHS = (16, 64, 192)
OURS, OTHERS = "ours", "torch, thinc"


def both_ways(compute: Callable[..., Tensor], inputs: Sequence[Tensor], gradient: Tensor) -> None:
    torch.autograd.grad(compute(*inputs), inputs, gradient)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, requires_grad=True)


def torch_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=P)


def optimizer_step(shim: TorchShim, optimizer: Any, gradients: Sequence[Tensor]) -> None:
    for parameter, gradient in zip(shim.module.parameters(), gradients):
        parameter.grad = gradient
    shim.finish_update(optimizer)


def optimizer_calls() -> dict[tuple[str, str], Callable[[], Any]]:
    """A step of all parameters of MiniLM, clipping left out, by either optimizer."""
    calls: dict[tuple[str, str], Callable[[], Any]] = {}
    optimizers = {OURS: torch_optimizer(1e-4, grad_clip=0.0), OTHERS: Adam(1e-4, L2=0.01, grad_clip=0.0)}
    config = BertConfig(hidden_size=WIDTH, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    for name, optimizer in optimizers.items():
        shim = TorchShim(name, partial(BertModel, config))
        shim.start({})
        gradients = [torch.randn_like(parameter) for parameter in shim.module.parameters()]
        calls["step of the optimizer", name] = partial(optimizer_step, shim, optimizer, gradients)
    return calls


def main(
    repeats: Annotated[int, typer.Option(help="Turns of all variants.")] = 9,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/dropout"),
) -> None:
    """Measure and write JSON and a Markdown table."""
    torch.set_num_threads(1)
    rows = drawn(N_ROWS, WIDTH)
    calls: dict[tuple[str, str], Callable[[], Any]] = {}
    for name, of_rows in ((OURS, partial(dropout, p=P)), (OTHERS, partial(nn.functional.dropout, p=P))):
        calls["dropout of rows", name] = partial(both_ways, of_rows, [rows], torch.randn(N_ROWS, WIDTH))
    for length in LENGTHS:
        shape = N_ROWS // length, N_HEADS, length, WIDTH // N_HEADS
        inputs, gradient = [drawn(*shape) for _ in range(3)], torch.randn(*shape)
        for name, of_heads in ((OURS, partial(attention, bias=None, p=P)), (OTHERS, torch_attention)):
            calls[f"attention over {length} wordpieces", name] = partial(both_ways, of_heads, inputs, gradient)
    calls |= optimizer_calls()
    seconds = medians(calls, repeats, warm_up=2, clock=time.process_time)
    measured = [
        {"what": what, "ms, ours": round(1e3 * seconds[what, OURS], 1), "ms, theirs": round(1e3 * theirs, 1)}
        | {"ratio": round(theirs / seconds[what, OURS], 2)}
        for (what, name), theirs in seconds.items()
        if name == OTHERS
    ]
    output.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output / "dropout.json", {"machine": platform.processor() or platform.machine(), "rows": measured})
    typer.echo("\n".join(table(list(measured[0]), [[str(value) for value in row.values()] for row in measured])))


if __name__ == "__main__":
    typer.run(main)
