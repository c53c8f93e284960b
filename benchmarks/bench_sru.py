"""Speed and memory of the slot recurrent unit: the low-rank path against the plain one, and its share of prediction.

All variants alternate in one process; figures are medians. Sentences have lengths like GENIA's (mean 26 words), vectors
are random, and the unit is biased to read on as a trained one does.

    medmtl fetch-encoder assets/encoder/minilm
    python benchmarks/bench_sru.py
"""

import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import srsly
import torch
import typer
from spacy.tokens import Doc, Span
from spacy.training import Example
from timing import medians

from spacy_medmtl.annotations.groups import ENTITIES, write_group
from spacy_medmtl.sru_nested_ner.recurrent import SlotRecurrentUnit
from spacy_medmtl.sru_nested_ner.transitions import EOA, SHIFT, n_actions, oracle
from spacy_medmtl.training.report import table

WIDTH, LABELS, SENTENCES = 384, 5, 64
WORDS = "the protein binds to a promoter of human T cells and activates NF kappa B mRNA".split()
Timed = Callable[[], Any]


def lengths_like_genia(generator: numpy.random.Generator) -> list[int]:
    return [int(n) for n in numpy.clip(generator.normal(26, 12, SENTENCES), 5, 70)]


def biased_unit(latents_per_action: int) -> SlotRecurrentUnit:
    """A unit that mostly shifts, sometimes opens and closes, and rarely ends early."""
    unit = SlotRecurrentUnit(WIDTH, LABELS, latents_per_action=latents_per_action).eval()
    torch.nn.init.normal_(unit.latents, std=0.05)
    bias_to_read_on(unit)
    return unit


@torch.no_grad()
def bias_to_read_on(unit: SlotRecurrentUnit) -> None:
    unit.output.bias[SHIFT], unit.output.bias[EOA] = 3.0, -6.0


def gold_batch(lengths: list[int], generator: numpy.random.Generator) -> tuple[torch.Tensor, ...]:
    """(words, lengths, gold, gold_lengths, foreign) with an entity every five words."""
    rows = []
    for n in lengths:
        starts = generator.integers(0, n, n // 5)
        ends = [min(n, int(start) + int(generator.integers(1, 5))) for start in starts]
        spans = [(int(start), end, int(generator.integers(LABELS))) for start, end in zip(starts, ends)]
        rows.append(oracle(spans, n, LABELS))
    gold = torch.zeros(len(rows), max(map(len, rows)), n_actions(LABELS), dtype=torch.bool)
    for i, row in enumerate(rows):
        gold[i, : len(row)] = torch.from_numpy(row)
    words = torch.randn(len(rows), max(lengths), WIDTH)
    foreign = torch.zeros(len(rows), n_actions(LABELS), dtype=torch.bool)
    return words, torch.tensor(lengths), gold, torch.tensor([len(row) for row in rows]), foreign


def along(unit: SlotRecurrentUnit, path: Any, call: Timed) -> Timed:
    def run() -> None:
        unit.path = path
        call()

    return run


def train_step(unit: SlotRecurrentUnit, batch: tuple[torch.Tensor, ...]) -> None:
    unit.zero_grad(set_to_none=True)
    words = batch[0].clone().requires_grad_()
    logits, targets, mask = unit.forward_gold(words, *batch[1:])
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, mask.float(), reduction="sum")
    loss.backward()


def saved_numbers(unit: SlotRecurrentUnit, batch: tuple[torch.Tensor, ...], path: Any) -> int:
    """How many numbers a forward pass keeps for the backward pass."""
    unit.path, kept = path, {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes() // tensor.element_size()
        return tensor

    alive = []  # or a freed storage's address would be given to the next
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: (alive.append(tensor), note(tensor))[1], lambda t: t):
        unit.forward_gold(*batch)
    return sum(kept.values())


def head_share(encoder: Path, lengths: list[int], repeats: int) -> dict[str, float]:
    """Seconds of prediction for as many sentences, one a Doc: encoder alone, and all of it."""
    nlp = spacy.blank("en")
    routes = {"routes": ["sru_nested_ner"], "layers": [3, 4, 5], "window": 192, "stride": 144}
    model = {"@architectures": "spacy-medmtl.ProgressiveTransformer.v1", **routes}
    model["sharing"] = {"@misc": "spacy-medmtl.progressive_rule.v1"}
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": model})
    nlp.add_pipe("sru_nested_ner")
    loader = {"@misc": "spacy-medmtl.minilm_encoder.v1", "path": str(encoder)}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    reference = Doc(nlp.vocab, words=["T", "cells"])
    write_group(reference, ENTITIES, [Span(reference, 0, 2, label=f"L{i}") for i in range(LABELS)])
    nlp.initialize(lambda: [Example(Doc(nlp.vocab, words=["T", "cells"]), reference)])
    head = nlp.get_pipe("sru_nested_ner")
    bias_to_read_on(head.model.shims[0].module)
    docs = [Doc(nlp.vocab, words=[WORDS[i % len(WORDS)] for i in range(n)]) for n in lengths]
    calls = {"encoder": lambda: head.model.layers[0].predict(docs), "all": lambda: head.predict(docs)}
    return medians(calls, repeats, warm_up=2)


def main(
    repeats: Annotated[int, typer.Option(help="Timed turns of each variant.")] = 7,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    encoder: Annotated[Path, typer.Option(help="MiniLM folder, for the share of prediction time.")] = Path(
        "assets/encoder/minilm"
    ),
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("metrics/bench_sru.json"),
) -> None:
    """Print and save the figures."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    generator = numpy.random.default_rng(0)
    lengths = lengths_like_genia(generator)
    rows: list[list[str]] = []
    results: dict[str, Any] = {"machine": f"{platform.machine()}, {threads} thread(s), torch {torch.__version__}"}
    for latents in (2, 10):
        unit = biased_unit(latents)
        batch = gold_batch(lengths, generator)

        tasks: dict[str, Timed] = {
            "prediction": partial(unit.greedy, batch[0], batch[1]),
            "training step": partial(train_step, unit, batch),
        }
        for task, call in tasks.items():
            unit.train(task == "training step")
            found = medians({path: along(unit, path, call) for path in ("plain", "low_rank")}, repeats, warm_up=2)
            name = f"{task}, {latents} latents per action"
            results[name] = found
            plain, low_rank = found["plain"], found["low_rank"]
            rows.append([name, f"{1e3 * plain:.0f}", f"{1e3 * low_rank:.0f}", f"{plain / low_rank:.1f}"])
        plain, low_rank = (saved_numbers(unit, batch, path) / 1e6 for path in ("plain", "low_rank"))
        results[f"saved, {latents} latents per action"] = {"plain": plain, "low_rank": low_rank}
        name = f"millions of numbers kept for the backward pass, {latents} latents"
        rows.append([name, f"{plain:.0f}", f"{low_rank:.0f}", f"{plain / low_rank:.1f}"])
    found = head_share(encoder, lengths, repeats)
    results["prediction with MiniLM"] = found
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, results)
    typer.echo("\n".join(table(["milliseconds", "plain", "low-rank", "ratio"], rows)))
    share = 1 - found["encoder"] / found["all"]
    words_per_second = sum(lengths) / found["all"]
    typer.echo(
        f"\nPrediction with MiniLM: head {100 * share:.0f} % of the time, {words_per_second:.0f} words/s in all."
    )


if __name__ == "__main__":
    typer.run(main)
