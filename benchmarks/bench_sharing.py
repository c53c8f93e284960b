"""Cost of the sharing rules: parameters, time of prediction and of a training step, each relative to hard sharing.

An encoder of MiniLM's shape (384 wide, 6 layers) with random weights, which cost what trained ones do; four routes. All
variants alternate in one process; figures are medians of CPU seconds. Below the table: the hardest progressive route as
a sum of four FFNs (what prediction uses) against the one wide FFN of ``Cluster.fold``.

    python benchmarks/bench_sharing.py
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
from timing import medians
from torch import nn
from transformers import BertConfig

from spacy_medmtl.encoder.feed_forward import FeedForward
from spacy_medmtl.encoder.packing import Group
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.mmoe import mmoe_rule
from spacy_medmtl.encoder.sharing.n_ffn import n_ffn_rule
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.sharing.separate import separate_rule
from spacy_medmtl.encoder.sharing.shared import shared_rule
from spacy_medmtl.encoder.sharing.skills import skills_rule
from spacy_medmtl.training.report import table

WIDTH, INNER, LAYERS, LENGTH = 384, 1536, 6, 64
FOLDED_ROWS = (32, 512)
SKILLS = {"a": ["s1", "s4", "s7"], "b": ["s1", "s3", "s6", "s7"], "c": ["s2", "s7"], "d": ["s2", "s3", "s5", "s7"]}
ROUTES = tuple(SKILLS)
VARIANTS: dict[str, tuple[Any, Any]] = {  # rule, routed layers
    "shared": (shared_rule(), None),
    "separate": (separate_rule(), None),
    "progressive": (progressive_rule(), None),
    "progressive, rank 64": (progressive_rule(rank=64), None),
    "progressive, upper half": (progressive_rule(), [3, 4, 5]),
    "skills": (skills_rule(SKILLS), None),
    "mmoe, 4 experts": (mmoe_rule(), None),
    "n_ffn, 4": (n_ffn_rule(), None),
}


def encoder(variant: str) -> RoutedEncoder:
    config = BertConfig(
        vocab_size=1000, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=12, intermediate_size=INNER
    )
    rule, layers = VARIANTS[variant]
    return RoutedEncoder(config.to_dict(), routes=ROUTES, layers=layers, rule=rule).eval()


def read(made: RoutedEncoder, ids: torch.Tensor, routes: Sequence[str]) -> torch.Tensor:
    groups, flat = [Group(*ids.shape)], ids.flatten()
    return made.branches(made.trunk(flat, torch.zeros_like(flat), groups), groups, routes)


def predict(made: RoutedEncoder, rule: Any, ids: torch.Tensor, routes: tuple[str, ...]) -> None:
    """All given routes of the same text, as the pipeline does it: one trunk, then together those that differ."""
    different = {rule.key(route): route for route in routes}
    with torch.no_grad():
        read(made, ids, list(different.values()))


def step(made: RoutedEncoder, ids: torch.Tensor, route: str) -> None:
    read(made, ids, [route]).sum().backward()
    made.zero_grad(set_to_none=True)


def main(
    sequences: Annotated[int, typer.Option(help=f"Sequences of {LENGTH} wordpieces at once.")] = 2,
    repeats: Annotated[int, typer.Option(help="Turns of all variants.")] = 5,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/sharing_cost"),
) -> None:
    """Measure and write JSON and a Markdown table."""
    torch.manual_seed(0)
    ids = torch.randint(5, 1000, (sequences, LENGTH))
    calls: dict[tuple[str, str], Callable[[], None]] = {}
    sizes: dict[str, int] = {}
    for variant, (rule, _) in VARIANTS.items():
        made = encoder(variant)
        embeddings = sum(p.numel() for p in made.embeddings.parameters())
        sizes[variant] = sum(p.numel() for p in made.parameters()) - embeddings
        calls[variant, "easiest task"] = partial(predict, made, rule, ids, ROUTES[:1])
        calls[variant, "hardest task"] = partial(predict, made, rule, ids, ROUTES[-1:])
        calls[variant, "all four"] = partial(predict, made, rule, ids, ROUTES)
        calls[variant, "step, hardest task"] = partial(step, made, ids, ROUTES[-1])
    ffn = FeedForward(nn.Linear(WIDTH, INNER), nn.GELU(), nn.Linear(INNER, WIDTH))
    cluster: Any = progressive_rule().clusters([ffn], ROUTES)[0].requires_grad_(False)
    wide = cluster.fold(3)
    for n_rows in FOLDED_ROWS:
        rows = torch.randn(n_rows, WIDTH)
        calls["sum of four FFNs", f"{n_rows} rows"] = partial(cluster, rows[None], [3])
        calls["one wide FFN", f"{n_rows} rows"] = partial(wide, rows)
    seconds = medians(calls, repeats, warm_up=1, clock=time.process_time)
    results: dict[str, Any] = {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}",
        "wordpieces": sequences * LENGTH,
        "parameters_without_embeddings": sizes,
        "milliseconds": {f"{name}: {what}": round(1000 * value, 2) for (name, what), value in seconds.items()},
    }
    columns = ("easiest task", "hardest task", "all four", "step, hardest task")
    lines: list[list[str]] = [
        [name, f"{sizes[name] / sizes['shared']:.2f}"]
        + [f"{seconds[name, column] / seconds['shared', column]:.2f}" for column in columns]
        for name in VARIANTS
    ]
    text = "\n".join(table(["rule", "parameters", *columns], lines))
    sums, wides = ([seconds[name, f"{n} rows"] for n in FOLDED_ROWS] for name in ("sum of four FFNs", "one wide FFN"))
    ratios = [f"{a / b:.2f}" for a, b in zip(sums, wides)]
    output.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output / "results.json", results)
    footer = f"Sum / one wide FFN, {FOLDED_ROWS} rows: {', '.join(ratios)}"
    (output / "table.md").write_text(f"{text}\n\n{footer}\n", encoding="utf8")


if __name__ == "__main__":
    typer.run(main)
