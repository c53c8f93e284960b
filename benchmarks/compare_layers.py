"""Which layers of ``en_medmtl`` have routes, and how its heads read: scores against words/s.

Cells are ``configs/en_medmtl.cfg`` with progressive routes in the top 1, 2 or 3 layers, or one encoder without routes
(``shared``), each with all heads in the view ``document`` and each with the views of the papers. Nothing is selected:
the last weights are scored on the dev and the test part. All cells of a seed have the same steps; with ``--equal-time``
all but the first (the shipped one) are run once more, with as many steps as they make in the CPU seconds that it took.

Each cell is a process of its own, one after the other, and writes one JSON: what is there is not run again, so the
script can be interrupted. In the end the pipelines of the first seed read the test part in turns, in one thread.

    OMP_NUM_THREADS=1 python benchmarks/compare_layers.py --steps 420 --seeds 3
    OMP_NUM_THREADS=1 python benchmarks/compare_layers.py progressive_1-document shared-document --steps 420
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from spacy.tokens import DocBin
from spacy.util import load_config
from thinc.api import Config
from timing import medians

from spacy_medmtl.lab.cells import Budget, Cell, Changes, with_seeds
from spacy_medmtl.lab.experiments import RULE, routes_of
from spacy_medmtl.lab.runner import Planned, plan, run
from spacy_medmtl.lab.tables import Result, Table, Value, stat

PAPER_VIEWS = {
    "sentence_intent": "sentence",
    "pair_relation": "pair",
    "sru_nested_ner": "tokens",
    "cpncf_assertion": "context",
}
SHARED = {"@misc": "spacy-medmtl.shared_rule.v1"}
LAYERS = "components.encoder.model.layers"
SHARINGS = ("progressive_1", "progressive_2", "progressive_3", "shared")  # the number is that of routed layers
VIEWS = ("document", "papers")
VARIANTS = [f"{sharing}-{view}" for sharing, view in product(SHARINGS, VIEWS)]
EQUAL_TIME = "-equal_time"


def read_base(config: Path, corpus: Path, encoder: Path) -> Config:
    """The training config, with the three parts of the corpus, as the lab wants it."""
    base = load_config(config, interpolate=False)
    base["paths"].update(
        train=str(corpus / "train" / "sample.spacy"),
        dev=str(corpus / "dev" / "sample.spacy"),
        encoder=str(encoder),
    )
    base["corpora"]["dev"]["corpora"]["sample"]["tasks"] = routes_of(base)
    base["corpora"]["test"] = {
        "gold_sents": base["corpora"]["dev"]["gold_sents"],
        "corpora": {"sample": {"path": str(corpus / "test" / "sample.spacy"), "tasks": routes_of(base)}},
    }
    base["lab"] = {}
    return base


def changes(variant: str, n_layers: int) -> Changes:
    """What makes the config that of a variant. n_layers: of the encoder."""
    sharing, view = variant.split("-")
    found: Changes = {}
    if sharing == "shared":
        found.update({RULE: SHARED, LAYERS: None})
    else:
        found[LAYERS] = list(range(n_layers - int(sharing.rpartition("_")[2]), n_layers))
    if view == "papers":
        found.update({f"components.{head}.model.tok2vec.view": own for head, own in PAPER_VIEWS.items()})
    return found


def equal_time_steps(done: Sequence[Planned], steps: int) -> dict[str, int]:
    """By variant, the steps that take as long as the first one's ``steps``, by what was measured of the first seed."""
    seconds = {one.cell.name: srsly.read_json(one.output)["cpu_seconds"]["train"] for one in done if one.cell.keeps}
    shipped = next(iter(seconds.values()))
    return {name: max(1, round(steps * shipped / taken)) for name, taken in seconds.items()}


def run_cells(base: Config, cells: Sequence[Cell], seeds: Sequence[int], folder: Path) -> list[Planned]:
    """One process after the other; those of the first seed keep their pipelines. Ends the script where one failed."""
    budget = Budget(steps=0, seeds=tuple(seeds), train_docs=0, dev_docs=0, test_docs=0)
    seeded = [replace(cell, keeps=cell.seed == seeds[0]) for cell in with_seeds(cells, seeds)]
    planned = plan("layers", base, seeded, budget, folder, -1)
    failed = run(planned, jobs=1, report=typer.echo, tick=lambda done, running: None)
    if failed:
        raise SystemExit("\n".join(failed))
    return planned


def words_per_second(planned: Sequence[Planned], test: Path, n_words: int, repeats: int) -> dict[str, float]:
    """By cell, how fast the kept pipelines annotate texts of about ``n_words`` words."""
    torch.set_num_threads(1)
    texts: list[str] = []
    words = 0
    for doc in DocBin().from_disk(test).get_docs(spacy.blank("en").vocab):
        if words < n_words:
            texts.append(doc.text)
            words += len(doc)
    pipelines = {one.cell.name: spacy.load(one.job["keep"]) for one in planned if one.cell.keeps}

    def annotate(nlp: Any) -> None:
        for _ in nlp.pipe(texts):
            pass

    calls: dict[str, Callable[[], None]] = {name: partial(annotate, nlp) for name, nlp in pipelines.items()}
    seconds = medians(calls, repeats, warm_up=1, clock=time.process_time)
    return {name: words / taken for name, taken in seconds.items()}


def score_table(results: Sequence[Result], tasks: Sequence[str], speeds: dict[str, float], part: str) -> Table:
    """A line for each cell: scores in percent over seeds, CPU seconds of training, words/s."""
    lines: list[list[Value]] = []
    for name in dict.fromkeys(result["cell"] for result in results):
        cells = [result for result in results if result["cell"] == name]
        scores = [[100.0 * one["scores"][part][task]["score"] for task in tasks] for one in cells]
        steps = cells[0]["settings"]["steps"]
        lines.append(
            [
                *name.removesuffix(EQUAL_TIME).split("-"),
                steps,
                *(stat(list(of_task)) for of_task in zip(*scores)),
                stat([sum(of_seed) / len(tasks) for of_seed in scores]),
                len(cells),
                stat([one["cpu_seconds"]["train"] for one in cells], 0),
                f"{speeds[name]:,.0f}",
            ]
        )
    return Table(["routes", "views", "steps", *tasks, "mean", "seeds", "training, CPU s", "words/s"], lines)


def view_table(results: Sequence[Result], tasks: Sequence[str], part: str) -> Table:
    """What ``document`` changes on the views of the papers, in points, paired by seed."""
    known = {(result["cell"], result["seed"]): result["scores"][part] for result in results}
    lines: list[list[Value]] = []
    for sharing in SHARINGS:
        document, papers = (f"{sharing}-{view}" for view in VIEWS)
        seeds = [seed for name, seed in known if name == document and (papers, seed) in known]
        if seeds:
            found = [
                [100.0 * (known[document, s][task]["score"] - known[papers, s][task]["score"]) for s in seeds]
                for task in tasks
            ]
            lines.append([sharing, *(stat(of_task, signed=True) for of_task in found), len(seeds)])
    return Table(["routes", *tasks, "seeds"], lines)


def main(
    variants: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(VARIANTS)}; else all.")] = None,
    config: Annotated[Path, typer.Option(help="The training config.")] = Path("configs/en_medmtl.cfg"),
    corpus: Annotated[Path, typer.Option(help="The converted sample corpus.")] = Path("corpus/sample"),
    encoder: Annotated[Path, typer.Option(help="Folder of the encoder.")] = Path("assets/encoder/minilm"),
    steps: Annotated[int, typer.Option(min=1, help="Training steps of each cell.")] = 420,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds, from 0 on.")] = 3,
    equal_time: Annotated[bool, typer.Option(help="Also at equal CPU time.")] = False,
    words: Annotated[int, typer.Option(min=1, help="Words of the test part that speed is measured on.")] = 3000,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of all pipelines.")] = 3,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/layers"),
) -> None:
    """Run what is not done, then write JSON and Markdown tables."""
    chosen = variants or VARIANTS
    if set(chosen) - set(VARIANTS):
        raise typer.BadParameter(f"received {', '.join(chosen)}, expected some of: {', '.join(VARIANTS)}")
    base = read_base(config, corpus, encoder)
    n_layers = int(srsly.read_json(encoder / "config.json")["num_hidden_layers"])
    cells = [Cell(name, changes(name, n_layers), steps) for name in VARIANTS if name in chosen]
    planned = run_cells(base, cells, range(seeds), output)
    if equal_time:
        own_steps = equal_time_steps(planned, steps)
        again = [replace(cell, name=f"{cell.name}{EQUAL_TIME}", steps=own_steps[cell.name]) for cell in cells[1:]]
        planned += run_cells(base, again, range(seeds), output)
    results: list[Any] = [srsly.read_json(one.output) for one in planned]
    speeds = words_per_second(planned, corpus / "test" / "sample.spacy", words, repeats)
    tasks = routes_of(base)
    lines: list[str] = []
    for part in ("dev", "test"):
        lines += [f"Micro-F1, {part} part, percent, mean ± standard deviation over seeds:", ""]
        lines += [*score_table(results, tasks, speeds, part).markdown(), ""]
        differences = view_table(results, tasks, part)
        if differences.rows:
            lines += ["`document` minus the views of the papers, points, paired by seed:", ""]
            lines += [*differences.markdown(), ""]
    lines += [f"Machine: {results[0]['machine']}, torch {results[0]['versions']['torch']}."]
    srsly.write_json(output / "results.json", {"words/s": speeds, "cells": results})
    (output / "table.md").write_text("\n".join(lines) + "\n", encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
