"""Findings with their status: what context brings, and what the easier tasks bring by each kind of sharing.

Strict micro-F1 over (boundaries, status), as the progressive paper counts (mode ``find``: joint BIO tags), on
CHIP-MDCFNPC (Chinese dialogues). On E3C (English case reports) the spans are given and only judged (mode ``assert``): a
fifth of its disorders has no polarity, so what lies between the judged ones is not known to be none. A cell is a way of
sharing and a context, of one seed:

* ``alone``: findings only; ``shared``: hard sharing with the three easier tasks; ``progressive``: progressive sharing;
* ``none``: each sentence by itself; ``context``: two neighbours either side (sentences; in dialogues turns);
  ``speakers`` (dialogues): the same with the speaker's name in front of each turn.

All cells of a corpus have the same encoder, steps, batches and seeds; ``alone`` takes as many steps of findings as the
others do. Nothing is selected, the last weights are scored on the dev and the test part. Every cell is a process that
writes one JSON, so the experiment can be interrupted and resumed. Intervals (95 %): bootstrap over documents, of the
mean over seeds.

    medmtl prepare findings ../shared/corpora corpus/findings
    medmtl prepare public ../shared/corpora corpus/public
    python benchmarks/compare_findings.py e3c assets/encoder/minilm --steps 600 --seed 0 --seed 1 --seed 2
    medmtl prepare progressive ../shared/corpora corpus/progressive --lang zh
    python benchmarks/compare_findings.py chip_mdcfnpc ENCODER --steps 1200 --seed 0
"""

import platform
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from spacy.tokens import Doc
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

from spacy_medmtl.annotations.groups import FINDINGS, group_values
from spacy_medmtl.training.corpus import multitask_corpus
from spacy_medmtl.training.report import table

NAME = "cpncf_assertion"
SHARING = ("alone", "shared", "progressive")
EASIER = ("sentence_intent", "pair_relation", "sru_nested_ner")
LANGUAGES = {"e3c": "en", "chip_mdcfnpc": "zh"}
MODES = {"e3c": "assert", "chip_mdcfnpc": "find"}
# corpus -> training files of the easier tasks
AIDS: dict[str, dict[str, str]] = {
    "e3c": dict(zip(EASIER, (f"corpus/public/train/{name}.spacy" for name in ("piboso", "rqe", "bc5cdr")))),
    "chip_mdcfnpc": dict(
        zip(EASIER, (f"corpus/progressive/train/{n}.spacy" for n in ("kuake_qic", "chip_sts", "cmeee")))
    ),
}
CONTEXTS: dict[str, dict[str, Any]] = {
    "none": {"context": 0, "context_kind": "sentence"},
    "context": {"context": 2, "context_kind": "turn"},  # sentences where there are no turns
    "speakers": {"context": 2, "context_kind": "turn", "speakers": {"D": "医生", "P": "患者"}},
}
RESAMPLES = 2000
Counts = tuple[int, int, int]  # right, predicted, gold


def cell_config(
    corpus: str, sharing: str, context: str, encoder: Path, findings: Path, steps: int, seed: int
) -> Config:
    """en_public.cfg with one findings corpus and the easier tasks of its language."""
    config = spacy.util.load_config("configs/en_public.cfg", interpolate=False)
    parts, language = config["components"], LANGUAGES[corpus]
    config["nlp"]["lang"] = language
    if language == "zh":
        config["nlp"]["tokenizer"] = {"@tokenizers": "spacy.zh.ChineseTokenizer", "segmenter": "char"}
    shape = srsly.read_json(encoder / "config.json")
    n_layers = int(shape["num_hidden_layers"])  # type: ignore[index, call-overload]
    tasks = [NAME] if sharing == "alone" else [*EASIER, NAME]
    model = parts["encoder"]["model"]
    model.update(routes=tasks, layers=list(range(n_layers // 2, n_layers)))
    if sharing != "progressive":
        model["sharing"] = {"@misc": "spacy-medmtl.shared_rule.v1"}
    parts[NAME].update(mode=MODES[corpus], **CONTEXTS[context])
    config["components"] = {name: parts[name] for name in ("medmtl_sentences", "encoder", *tasks)}
    config["nlp"]["pipeline"] = list(config["components"])
    config["initialize"]["components"]["encoder"]["loader"] = {
        "@misc": "spacy-medmtl.local_encoder.v1",
        "path": str(encoder),
    }
    paths = {**AIDS[corpus], NAME: str(findings / "train" / f"{corpus}.spacy")}
    config["corpora"]["train"]["corpora"] = {task: {"path": paths[task], "tasks": [task]} for task in tasks}
    dev = {"path": str(findings / "dev" / f"{corpus}.spacy"), "tasks": [NAME], "limit": 1}
    config["corpora"]["dev"]["corpora"] = {corpus: dev}
    config["system"]["seed"] = seed
    n_steps = steps // (1 + len(EASIER)) if sharing == "alone" else steps
    config["training"].update(max_steps=n_steps, eval_frequency=n_steps, score_weights={})
    config["training"]["logger"]["progress_bar"] = False
    config["training"]["optimizer"]["learn_rate"].update(warmup_steps=n_steps // 10, total_steps=n_steps)
    return config


def items(doc: Doc) -> set[tuple[int, int, str]]:
    """Characters and status of the findings."""
    statuses = group_values(doc, FINDINGS, "assertion")
    return {(span.start_char, span.end_char, status) for span, status in zip(doc.spans[FINDINGS], statuses)}


def measure(
    corpus: str, sharing: str, context: str, encoder: Path, findings: Path, steps: int, seed: int
) -> dict[str, Any]:
    """Train one cell and count, per document, what it finds."""
    start = time.perf_counter()
    nlp = init_nlp(cell_config(corpus, sharing, context, encoder, findings, steps, seed))
    nlp, _ = train(nlp, None)
    seconds = time.perf_counter() - start
    counts: dict[str, dict[str, list[Counts]]] = {}
    with nlp.select_pipes(disable=[name for name in EASIER if name in nlp.pipe_names]):
        for part in ("dev", "test"):
            entry = {"path": str(findings / part / f"{corpus}.spacy"), "tasks": [NAME]}
            examples = list(multitask_corpus({corpus: entry}, gold_sents=True)(nlp))
            found = counts[part] = {"strict": [], "boundaries": []}
            for example, doc in zip(examples, nlp.pipe(example.predicted for example in examples)):
                gold, predicted = items(example.reference), items(doc)
                for kind, width in (("strict", 3), ("boundaries", 2)):
                    ours, theirs = {one[:width] for one in predicted}, {one[:width] for one in gold}
                    found[kind].append((len(ours & theirs), len(ours), len(theirs)))
    return {
        "corpus": corpus,
        "sharing": sharing,
        "context": context,
        "steps": steps,
        "seed": seed,
        "encoder": str(encoder),
        "counts": counts,
        "training_seconds": seconds,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}",
    }


def f1(counts: Sequence[Counts]) -> float:
    right, predicted, gold = (sum(column) for column in zip(*counts))
    return 2 * right / (predicted + gold) if predicted + gold else 0.0


def mean_f1(runs: Sequence[Sequence[Counts]], documents: Sequence[int]) -> float:
    """Mean over seeds of the F1 over some documents."""
    return sum(f1([run[i] for i in documents]) for run in runs) / len(runs)


def interval(runs: Sequence[Sequence[Counts]]) -> tuple[float, float]:
    """95 % of the means over seeds when documents are drawn with replacement."""
    draw, n = random.Random(0), len(runs[0])
    values = sorted(mean_f1(runs, draw.choices(range(n), k=n)) for _ in range(RESAMPLES))
    return values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES)]


def summary(results: Sequence[dict[str, Any]]) -> list[str]:
    """A row per cell: means over its seeds."""
    cells: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for one in results:
        cells.setdefault((one["sharing"], one["context"], one["steps"]), []).append(one)
    rows = []
    for (sharing, context, steps), runs in sorted(cells.items()):
        row = [sharing, context, str(steps), ", ".join(str(run["seed"]) for run in runs)]
        for part in ("dev", "test"):
            strict = [run["counts"][part]["strict"] for run in runs]
            boundaries = [run["counts"][part]["boundaries"] for run in runs]
            low, high = interval(strict)
            everything = range(len(strict[0]))
            row.append(f"{100 * mean_f1(strict, everything):.1f} ({100 * low:.1f} to {100 * high:.1f})")
            row.append(f"{100 * mean_f1(boundaries, everything):.1f}")
        rows.append([*row, f"{sum(run['training_seconds'] for run in runs) / len(runs):.0f}"])
    header = ["sharing", "context", "steps", "seeds"]
    header += [f"{part} {kind}" for part in ("dev", "test") for kind in ("F1 (95 %)", "boundaries only")]
    return table([*header, "training s"], rows)


def main(
    corpus: Annotated[str, typer.Argument(help=f"One of: {', '.join(LANGUAGES)}.")],
    encoder: Annotated[Path, typer.Argument(help="The folder of the encoder that all cells start from.")],
    sharing: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(SHARING)}; may be repeated.")] = None,
    context: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(CONTEXTS)}; may be repeated.")] = None,
    steps: Annotated[int, typer.Option(help="Training steps of all tasks together.")] = 600,
    seed: Annotated[list[int] | None, typer.Option(help="Of weights, order, dropout; may be repeated.")] = None,
    findings: Annotated[Path, typer.Option(help="The prepared set 'findings'.")] = Path("corpus/findings"),
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/findings"),
    here: Annotated[bool, typer.Option(hidden=True, help="Run in this process.")] = False,
) -> None:
    """Run the cells that are not there yet, then print the table of all that are."""
    contexts = context or [name for name in CONTEXTS if name != "speakers" or corpus == "chip_mdcfnpc"]
    kinds = sharing or list(SHARING)
    if corpus not in LANGUAGES or set(kinds) - set(SHARING) or set(contexts) - set(CONTEXTS):
        raise typer.BadParameter(f"expected a corpus of {list(LANGUAGES)}, {SHARING} and {list(CONTEXTS)}")
    folder = output / corpus / encoder.name
    folder.mkdir(parents=True, exist_ok=True)
    for one_seed in seed or [0]:
        for kind in kinds:
            for name in contexts:
                path = folder / f"{kind}-{name}-{steps}-{one_seed}.json"
                if here:
                    srsly.write_json(path, measure(corpus, kind, name, encoder, findings, steps, one_seed))
                elif not path.exists():
                    command = [sys.executable, __file__, corpus, str(encoder), "--sharing", kind, "--context", name]
                    command += ["--steps", str(steps), "--seed", str(one_seed), "--findings", str(findings)]
                    subprocess.run([*command, "--output", str(output), "--here"], check=True)
    if not here:
        results: list[dict[str, Any]] = [srsly.read_json(path) for path in sorted(folder.glob("*.json"))]  # type: ignore[misc]
        lines = summary(results)
        (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf8")
        typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
