"""What ``mixed_precision`` saves: time of prediction and of a training step of an encoder, in bfloat16 and in float32.

MiniLM's shape with random weights, which cost what trained ones do, hard sharing. Both alternate in one process;
figures are medians of CPU seconds. Where the hardware has no bfloat16 both compute the same, and the ratio is 1.

    python benchmarks/bench_precision.py
"""

import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import srsly
import torch
import typer
from timing import medians
from transformers import BertConfig

from spacy_medmtl.encoder.packing import Group
from spacy_medmtl.encoder.precision import has_bfloat16
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.shared import shared_rule
from spacy_medmtl.training.report import table

SHAPE = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
ROUTE = "task"
SIZES = ((4, 32), (16, 32), (4, 128), (16, 128))  # sequences, wordpieces of each


def encoder(mixed_precision: bool) -> RoutedEncoder:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=1000, **SHAPE).to_dict()
    return RoutedEncoder(config, routes=[ROUTE], layers=[], rule=shared_rule(), mixed_precision=mixed_precision).eval()


def read(made: RoutedEncoder, ids: torch.Tensor) -> torch.Tensor:
    groups, flat = [Group(*ids.shape)], ids.flatten()
    return made.branches(made.trunk(flat, torch.zeros_like(flat), groups), groups, [ROUTE])


def predict(made: RoutedEncoder, ids: torch.Tensor) -> None:
    with torch.no_grad():
        read(made, ids)


def step(made: RoutedEncoder, ids: torch.Tensor) -> None:
    read(made, ids).sum().backward()
    made.zero_grad(set_to_none=True)


def main(
    repeats: Annotated[int, typer.Option(help="Turns of all variants.")] = 7,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/precision"),
) -> None:
    """Measure and write JSON and a Markdown table."""
    torch.set_num_threads(threads)
    encoders = {"float32": encoder(False), "bfloat16": encoder(True)}
    calls: dict[tuple[str, str, str], Callable[[], Any]] = {}
    for n, length in SIZES:
        ids = torch.randint(5, 1000, (n, length))
        for name, made in encoders.items():
            calls["prediction", f"{n} x {length}", name] = partial(predict, made, ids)
            calls["training step", f"{n} x {length}", name] = partial(step, made, ids)
    seconds = medians(calls, repeats, warm_up=2, clock=time.process_time)
    rows = []
    for what, size, name in calls:
        if name == "float32":
            plain, lower = seconds[what, size, "float32"], seconds[what, size, "bfloat16"]
            rows.append([what, size, f"{1000 * plain:.0f}", f"{1000 * lower:.0f}", f"{plain / lower:.2f}"])
    lines = table(["", "sequences x wordpieces", "float32, ms", "bfloat16, ms", "times as fast"], sorted(rows))
    output.mkdir(parents=True, exist_ok=True)
    srsly.write_json(
        output / "results.json",
        {
            "machine": f"{platform.machine()}, {threads} thread(s), torch {torch.__version__}",
            "has_bfloat16": has_bfloat16(torch.device("cpu")),
            "milliseconds": {", ".join(key): round(1000 * value, 2) for key, value in seconds.items()},
        },
    )
    (output / "table.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
