"""Cost of PCGrad: a step of loss summation with it and without, by number of tasks.

A BERT of MiniLM's shape with random weights, one sentence_intent head per task, the same invented sentences for all.
Variants alternate in one process; times are medians of processor time, so that other programs do not count. Memory is
what the encoder's gradients take, counted.

    python benchmarks/bench_pcgrad.py
"""

import platform
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example
from thinc.api import fix_random_seed
from timing import medians

from spacy_medmtl.annotations.groups import write_group
from spacy_medmtl.encoder.pipe import ProgressiveTok2Vec
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.training.new_encoder import EncoderSize, character_pieces, write_new_encoder
from spacy_medmtl.training.optimizers import torch_optimizer
from spacy_medmtl.training.pcgrad import ProjectConflicts
from spacy_medmtl.training.report import table

TEXT = "the patient denies any chest pain and has had no fever since the last visit of the week before this one"
DOCS = 4


def make_pipeline(n_tasks: int, sharing: str, folder: Path) -> Language:
    """An encoder with ``n_tasks`` routes and a head on each."""
    nlp = spacy.blank("en")
    tasks = [f"task_{i}" for i in range(n_tasks)]
    model = {"@architectures": "spacy-medmtl.ProgressiveTransformer.v1", "routes": tasks, "layers": [3, 4, 5]}
    model["sharing"] = {"@misc": f"spacy-medmtl.{sharing}_rule.v1"}
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config={"model": model})
    for task in tasks:
        listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": task, "view": "sentence"}
        head = {"@architectures": "spacy-medmtl.SentenceIntent.v1", "tok2vec": listener}
        nlp.add_pipe("sentence_intent", name=task, config={"model": head, "spans_key": task})
    loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": str(folder)}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    nlp.initialize(lambda: examples(nlp, tasks))
    return nlp


def examples(nlp: Language, tasks: list[str]) -> list[Example]:
    """Docs of one sentence; each is annotated for one task, with labels that differ."""
    found = []
    for i in range(DOCS * len(tasks)):
        reference = nlp.make_doc(TEXT)
        label = "A" if i // len(tasks) % 2 else "B"
        write_group(reference, tasks[i % len(tasks)], [Span(reference, 0, len(reference), label=label)])
        found.append(Example(nlp.make_doc(TEXT), reference))
    return found


def step(nlp: Language, batch: list[Example], optimizer: Any, surgery: Any) -> None:
    encoder = nlp.get_pipe("encoder")
    assert isinstance(encoder, ProgressiveTok2Vec)
    encoder.surgery = surgery
    nlp.update(batch, sgd=False)  # type: ignore[arg-type]
    for _, pipe in nlp.pipeline:
        pipe.finish_update(optimizer)  # type: ignore[attr-defined]


def gradient_megabytes(nlp: Language, batch: list[Example], surgery: Any) -> float:
    """The encoder's gradients that wait for the step."""
    encoder = nlp.get_pipe("encoder")
    assert isinstance(encoder, ProgressiveTok2Vec)
    encoder.surgery = surgery
    nlp.update(batch, sgd=False)  # type: ignore[arg-type]
    waiting = [p.grad for p in torch_shim(encoder.model).module.parameters() if p.grad is not None]
    if surgery is not None:
        waiting += [part for gradient in surgery.kept.values() for part in gradient.values()]
        surgery.put_back(torch_shim(encoder.model).module)
    for parameter in torch_shim(encoder.model).module.parameters():
        parameter.grad = None
    return sum(tensor.numel() * tensor.element_size() for tensor in waiting) / 1e6


def main(
    repeats: Annotated[int, typer.Option(help="Timed steps of each variant.")] = 7,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("metrics/bench_pcgrad.json"),
) -> None:
    """Print and save the figures."""
    torch.set_num_threads(threads)
    results: dict[str, Any] = {"machine": f"{platform.machine()}, {threads} thread(s), torch {torch.__version__}"}
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        write_new_encoder(Path(name) / "encoder", character_pieces([TEXT]), EncoderSize(6, 384, heads=12), seed=0)
        for sharing in ("shared", "progressive"):
            for n_tasks in (2, 4):
                fix_random_seed(0)
                nlp = make_pipeline(n_tasks, sharing, Path(name) / "encoder")
                batch, optimizer = examples(nlp, [f"task_{i}" for i in range(n_tasks)]), torch_optimizer(1e-4)
                variants: dict[str, Any] = {"sum": None, "pcgrad": ProjectConflicts()}
                calls = {key: partial(step, nlp, batch, optimizer, one) for key, one in variants.items()}
                seconds = medians(calls, repeats, warm_up=1, clock=time.process_time)
                memory = {key: gradient_megabytes(nlp, batch, one) for key, one in variants.items()}
                results[f"{sharing}, {n_tasks} tasks"] = {"seconds": seconds, "gradient_megabytes": memory}
                times = [f"{1e3 * seconds[key]:.0f}" for key in variants]
                rows.append([f"{sharing}, {n_tasks} tasks", *times, *(f"{memory[key]:.0f}" for key in variants)])
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, results)
    header = ["", "CPU ms a step, sum", "PCGrad", "MB of gradients, sum", "PCGrad"]
    typer.echo("\n".join(table(header, rows)))


if __name__ == "__main__":
    typer.run(main)
