"""What a pipeline of several heads costs, beside the encoder alone, spacy-transformers and EDS-NLP.

All in one process with one thread, in turns; figures are medians of CPU seconds. Same texts (the sample corpus's dev
part, and dialogues of MTS-Dialog where they are) and the same encoder for all; how pipelines are made is said in
``pipelines.py``. Rows in bfloat16 are measured only where the processor multiplies in it.

    OMP_NUM_THREADS=1 python benchmarks/bench_pipeline.py

EDS-NLP (``pip install edsnlp``) and spacy-transformers are left out where they are not installed.
"""

import csv
import importlib.util
import platform
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from costs import curves, loading, word_batches
from pipelines import STOCK_HEADS, bare_encoder, document_layout, ours, padded, stock
from reach import reach_rows
from reach_plot import plot
from timing import medians
from training_steps import bare_steps, step_batches, step_of

from spacy_medmtl.encoder.precision import has_bfloat16
from spacy_medmtl.training.optimizers import torch_optimizer
from spacy_medmtl.training.report import table

PACKAGES = ("spacy", "torch", "transformers", "spacy-transformers", "edsnlp")
PROGRESSIVE = (1, 2, 3)  # routed layers


def read_texts(corpus: Path, dialogues: Path, n_words: int) -> list[str]:
    """Texts of the dev part and dialogues in turn, of about ``n_words`` words together."""
    nlp = spacy.blank("en")
    docs = spacy.tokens.DocBin().from_disk(corpus / "dev" / "sample.spacy").get_docs(nlp.vocab)
    sources = [[doc.text for doc in docs]]
    for path in sorted(dialogues.glob("*.csv")) if dialogues.is_dir() else []:
        with path.open(encoding="utf8", newline="") as rows:
            sources.append([row["dialogue"] for row in csv.DictReader(rows) if row.get("dialogue")])
    taken: list[str] = []
    for source in sources:
        words = 0
        for text in source:
            if words >= n_words / len(sources):
                break
            taken.append(text)
            words += len(nlp.make_doc(text))
    return taken


def run_pipe(nlp: Any, texts: Sequence[str]) -> None:
    for _ in nlp.pipe(texts):
        pass


def machine() -> dict[str, Any]:
    model = ""
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    installed = {name: version(name) for name in PACKAGES if importlib.util.find_spec(name.replace("-", "_"))}
    native = has_bfloat16(torch.device("cpu"))
    return {"processor": model or platform.machine(), "threads": 1, "bfloat16": native, "versions": installed}


def prediction(
    encoder: Path, gold: Path, texts: list[str], *, repeats: int, steps: int, turns: Callable
) -> dict[str, float]:
    """CPU seconds of all pipelines for these texts."""
    made = partial(ours, encoder, gold, steps=steps)
    pipelines: dict[str, Any] = {
        "shared, document": made(),
        "shared, views of the papers": made(document=False),
        "eight heads, shared, document": made(n_heads=8),
    }
    for n in PROGRESSIVE:
        pipelines[f"progressive {n}, document"] = made(routed=n)
        pipelines[f"progressive {n}, views of the papers"] = made(routed=n, document=False)
    if has_bfloat16(torch.device("cpu")):
        pipelines["shared, document, bfloat16"] = made(bfloat16=True)
        pipelines["eight heads, shared, document, bfloat16"] = made(n_heads=8, bfloat16=True)
    batches = padded(document_layout(pipelines["shared, document"], texts), 0)
    if importlib.util.find_spec("spacy_transformers"):
        pipelines["spacy-transformers, textcat + ner + spancat"] = stock(encoder, gold, STOCK_HEADS[:3])
        for head in STOCK_HEADS:
            pipelines[f"spacy-transformers, {head} alone"] = stock(encoder, gold, [head])
    calls: dict[str, Callable[[], Any]] = {"bare encoder": bare_encoder(encoder, batches)}
    calls.update({name: partial(run_pipe, nlp, texts) for name, nlp in pipelines.items()})
    if importlib.util.find_spec("edsnlp"):
        from edsnlp_pipeline import edsnlp_pipeline

        calls["EDS-NLP, four heads"] = partial(edsnlp_pipeline(encoder, gold), texts)
    for nlp in pipelines.values():
        run_pipe(nlp, texts[:1])
    return dict(turns(calls, repeats))


def training(encoder: Path, gold: Path, *, repeats: int, turns: Callable) -> dict[str, float]:
    """CPU seconds of a training step on batches with gold for all heads."""
    nlp = ours(encoder, gold)
    batches = step_batches(nlp, gold, n=2)
    calls = {"ours": step_of(nlp, batches, torch_optimizer(1e-5)), "bare loop": bare_steps(nlp, batches)}
    if importlib.util.find_spec("spacy_transformers"):
        other = stock(encoder, gold, STOCK_HEADS)
        calls["spacy-transformers"] = step_of(other, step_batches(other, gold, n=2), other.create_optimizer())
    return {name: seconds / len(batches) for name, seconds in turns(calls, repeats).items()}


def main(
    encoder: Annotated[Path, typer.Option(help="Folder of the encoder.")] = Path("assets/encoder/minilm"),
    corpus: Annotated[Path, typer.Option(help="Converted sample corpus.")] = Path("corpus/sample"),
    dialogues: Annotated[Path, typer.Option(help="MTS-Dialog.")] = Path("../shared/corpora/mts_dialog"),
    words: Annotated[int, typer.Option(help="Words of text.")] = 3000,
    repeats: Annotated[int, typer.Option(help="Turns of all variants.")] = 3,
    steps: Annotated[int, typer.Option(help="Training steps of each of our pipelines.")] = 30,
    longest: Annotated[int, typer.Option(help="Words of the longest document.")] = 100_000,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/pipeline"),
) -> None:
    """Measure and write JSON, a Markdown table and a plot."""
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    torch.set_num_threads(1)
    output.mkdir(parents=True, exist_ok=True)
    gold = corpus / "dev" / "sample.spacy"
    texts = read_texts(corpus, dialogues, words)
    n_words = sum(len(doc) for doc in map(spacy.blank("en").make_doc, texts))
    turns = partial(medians, warm_up=0, clock=time.process_time)
    results: dict[str, Any] = {"machine": machine(), "texts": len(texts), "words": n_words, "repeats": repeats}

    def keep(name: str, value: Any) -> None:
        """What is measured is written at once: all of it takes long."""
        results[name] = value
        srsly.write_json(output / "results.json", rounded(results))

    seconds = prediction(encoder, gold, texts, repeats=repeats, steps=steps, turns=turns)
    keep("prediction, words/s", {name: n_words / one for name, one in seconds.items()})
    keep("step, seconds", training(encoder, gold, repeats=repeats, turns=turns))
    eight = ours(encoder, gold, n_heads=8, steps=steps)
    keep("wordpieces, words/s", word_batches(eight, texts, n_words, turns))
    keep("curves", curves(eight, texts, n_words, longest, repeats, turns))
    keep("loading, seconds", loading(ours(encoder, gold), repeats))
    keep("reach", reach_rows(results))
    speeds = [[name, f"{rate:,.0f}"] for name, rate in results["prediction, words/s"].items()]
    lines = [*table(["", "words/s"], speeds), "", *table(["", "at least", "measured"], results["reach"])]
    (output / "table.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    (output / "curves.svg").write_bytes(plot(results))
    typer.echo("\n".join(lines))


def rounded(value: Any) -> Any:
    """Numbers with four digits that count."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    typer.run(main)
