"""What pipelines of several heads cost, beside the encoder alone, spacy-transformers and EDS-NLP.

One thread, all in turns; figures are medians of CPU seconds. The texts (the sample corpus's dev part, or dialogues of
MTS-Dialog) and the weights of the encoder are the same for all. How the pipelines are made is said in ``pipelines.py``.
Rows in bfloat16 are measured only where the processor multiplies in it.

    OMP_NUM_THREADS=1 python benchmarks/bench_pipeline.py
    OMP_NUM_THREADS=1 python benchmarks/bench_pipeline.py --edsnlp-python OTHER_ENVIRONMENT/bin/python

spacy-transformers is left out where it is not installed, EDS-NLP (``pip install "edsnlp[ml]"``, in an environment that
may be another) where no Python is named.
"""

import csv
import importlib.util
import platform
import subprocess
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import reach
import spacy
import srsly
import torch
import typer
from costs import NO_HEADS, Worker, annotate_with, curves, loading, word_batches
from pipelines import (
    HEADS,
    STOCK_HEADS,
    bare_encoder,
    our_examples,
    ours,
    stock,
    take_heads,
    teach_heads,
    training_batch,
)
from spacy.tokens import DocBin
from timing import measured_medians, timed
from training_steps import bare_steps, update_step

from spacy_medmtl.encoder.precision import has_bfloat16
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.training.optimizers import torch_optimizer
from spacy_medmtl.training.report import table

PACKAGES = ("spacy", "thinc", "torch", "transformers", "spacy-transformers")
RATE = 1e-5
N_BATCHES = 2  # of training, different ones
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def read_texts(gold: Path, dialogues: Path | None, n_words: int) -> tuple[list[str], int]:
    """Texts of about so many words together, and how many they have."""
    nlp = spacy.blank("en")
    if dialogues is None:
        found = [doc.text for doc in DocBin().from_disk(gold).get_docs(nlp.vocab)]
    else:
        with dialogues.open(encoding="utf8", newline="") as lines:
            found = [row["dialogue"] for row in csv.DictReader(lines)]
    texts: list[str] = []
    words = 0
    for text in found:
        if words < n_words:
            texts.append(text)
            words += len(nlp.make_doc(text))
    return texts, words


def machine(edsnlp_python: Path | None) -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf8").splitlines() if info.is_file() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    versions = {name: version(name) for name in PACKAGES if importlib.util.find_spec(name.replace("-", "_"))}
    if edsnlp_python is not None:
        ask = "from importlib.metadata import version; print(version('edsnlp'))"
        versions["edsnlp"] = subprocess.check_output([str(edsnlp_python), "-c", ask], text=True).strip()
    native = has_bfloat16(torch.device("cpu"))
    return {"processor": model, "threads": 1, "native bfloat16": native, "versions": versions}


def our_pipelines(encoder: Path, gold: Path, steps: int) -> dict[str, Any]:
    """By name, ours, all heads with the weights of one training."""
    eight = ours(encoder, gold, shared=True, n_heads=8)
    teach_heads(eight, gold, steps)
    shipped = ours(encoder, gold, shared=False)
    take_heads(shipped, eight)
    return {"eight": eight, "shipped": shipped}


def in_bfloat16(call: Callable[[], float], nlp: Any) -> Callable[[], float]:
    """The same measure with the encoder's layers in bfloat16."""

    def measure() -> float:
        encoder = torch_shim(nlp.get_pipe("encoder").model).module.encoder
        encoder.mixed_precision = True
        try:
            return call()
        finally:
            encoder.mixed_precision = False

    return measure


def prediction(pipelines: dict[str, Any], stock_nlp: Any, encoder: Path, texts: list[str]) -> dict[str, Any]:
    """By name, what measures the CPU seconds of a pipeline for these texts."""
    eight, shipped = pipelines["eight"], pipelines["shipped"]
    heads = [name for name in eight.pipe_names if name not in NO_HEADS]
    measures: dict[str, Callable[[], float]] = {
        reach.BARE: timed(bare_encoder(encoder, eight, texts)),
        reach.SHARED: timed(partial(annotate_with, eight, [*NO_HEADS, *HEADS], texts)),
        reach.EIGHT: timed(partial(annotate_with, eight, [*NO_HEADS, *heads], texts)),
        reach.SHIPPED: timed(partial(annotate_with, shipped, [*NO_HEADS, *HEADS], texts)),
    }
    if has_bfloat16(torch.device("cpu")):
        for name, nlp in ((reach.SHARED, eight), (reach.EIGHT, eight), (reach.SHIPPED, shipped)):
            measures[name + reach.LOWERED] = in_bfloat16(measures[name], nlp)
    if stock_nlp is not None:
        three = ["transformer", *STOCK_HEADS[:3]]
        measures[reach.STOCK] = timed(partial(annotate_with, stock_nlp, three, texts))
        for head in STOCK_HEADS:
            call = partial(annotate_with, stock_nlp, ["transformer", head], texts)
            measures[f"spacy-transformers, {head} alone"] = timed(call)
    return measures


def training(shipped: Any, gold: Path, stock_nlp: Any, stock_examples: list[Any]) -> dict[str, Any]:
    """By name, what measures the CPU seconds of ``N_BATCHES`` training steps."""
    examples = our_examples(shipped, gold)
    batches = [training_batch(examples, step) for step in range(N_BATCHES)]
    measures = {
        "ours": timed(update_step(shipped, batches, torch_optimizer(RATE))),
        "bare loop": timed(bare_steps(shipped, batches, RATE)),
    }
    if stock_nlp is not None:
        optimizer = stock_nlp.create_optimizer()
        optimizer.learn_rate = RATE
        own = [training_batch(stock_examples, step) for step in range(N_BATCHES)]
        measures["spacy-transformers"] = timed(update_step(stock_nlp, own, optimizer))
    return measures


def main(
    encoder: Annotated[Path, typer.Option(help="Folder of the encoder.")] = Path("assets/encoder/minilm"),
    gold: Annotated[Path, typer.Option(help="A converted part.")] = Path("corpus/sample/dev/sample.spacy"),
    dialogues: Annotated[Path | None, typer.Option(help="MTS-Dialog, CSV: texts instead of the part's.")] = None,
    edsnlp_python: Annotated[Path | None, typer.Option(help="A Python that has EDS-NLP.")] = None,
    words: Annotated[int, typer.Option(min=1, help="Words of text.")] = 3000,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of all variants.")] = 5,
    steps: Annotated[int, typer.Option(min=1, help="Steps that heads learn before.")] = 20,
    longest: Annotated[int, typer.Option(min=1, help="Words of the longest text.")] = 100_000,
    quick: Annotated[bool, typer.Option(help="As little of everything as shows that it runs.")] = False,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/pipeline"),
    page: Annotated[Path | None, typer.Option(help="A page to put tables into; JSON and plot go beside it.")] = None,
) -> None:
    """Measure, and write JSON, a Markdown table and a plot."""
    if quick:
        words, repeats, steps, longest = 60, 1, 1, 100
    warnings.simplefilter("ignore")  # of other packages, about themselves
    torch.set_num_threads(1)
    output.mkdir(parents=True, exist_ok=True)
    texts, n_words = read_texts(gold, dialogues, words)
    source = gold if dialogues is None else dialogues
    results: dict[str, Any] = {"machine": machine(edsnlp_python), "source": "/".join(source.parts[-2:])}
    results.update(texts=len(texts), words=n_words)
    results["repeats"] = repeats

    def keep(name: str, value: Any) -> None:
        """What is measured is written at once: all of it takes long."""
        results[name] = value
        srsly.write_json(output / "results.json", rounded(results))

    pipelines = our_pipelines(encoder, gold, steps)
    has_stock = importlib.util.find_spec("spacy_transformers") is not None
    stock_nlp, stock_examples = stock(encoder, gold, steps) if has_stock else (None, [])
    measures = prediction(pipelines, stock_nlp, encoder, texts)
    srsly.write_json(output / "texts.json", texts)
    worker = None if edsnlp_python is None else Worker(edsnlp_python, encoder, output / "texts.json")
    if worker is not None:
        measures[reach.EDSNLP] = partial(worker.measure, "float32")
        if has_bfloat16(torch.device("cpu")):
            measures[reach.EDSNLP + reach.LOWERED] = partial(worker.measure, "bfloat16")
    seconds = measured_medians(measures, repeats, warm_up=1)
    if worker is not None:
        worker.close()
    (output / "texts.json").unlink()
    keep("words/s", {name: n_words / taken for name, taken in seconds.items()})
    keep("text to wordpiece batch, words/s", word_batches(pipelines["eight"], texts, n_words, repeats))
    keep("loading, seconds", loading(pipelines["shipped"], repeats))
    keep("curves", curves(pipelines["eight"], texts, n_words, longest))
    taken = measured_medians(training(pipelines["shipped"], gold, stock_nlp, stock_examples), repeats, warm_up=1)
    keep("training step, seconds", {name: one / N_BATCHES for name, one in taken.items()})
    keep("reach", reach.rows(results))
    lines, curves_plot = report(results), reach.plot(results)
    (output / "table.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    (output / "curves.svg").write_bytes(curves_plot)
    if page is not None:
        put_into(page, lines)
        srsly.write_json(page.with_suffix(".json"), rounded(results))
        page.with_suffix(".svg").write_bytes(curves_plot)
    typer.echo("\n".join(lines))


def put_into(page: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the marks of a page. Raises ValueError where it has not one of each."""
    before, rest = page.read_text(encoding="utf8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), encoding="utf8")


def report(results: dict[str, Any]) -> list[str]:
    """The tables, and what they were measured on."""
    where = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    return [
        *table(["", "at least", "measured"], results["reach"]),
        "",
        *table(["", "words/s"], [[name, f"{rate:,.0f}"] for name, rate in results["words/s"].items()]),
        "",
        f"{where['processor']}, one thread, {'' if where['native bfloat16'] else 'no '}native bfloat16; {versions}. "
        f"{results['words']:,} words in {results['texts']} texts ({results['source']}), medians of "
        f"{results['repeats']} turns.",
    ]


def rounded(value: Any) -> Any:
    """Numbers with four digits that count."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    typer.run(main)
