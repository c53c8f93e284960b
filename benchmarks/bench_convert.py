"""Speed and memory of ``medmtl convert conll``: short sentences, made with a seed and written to a temporary file.

"read" parses the file twice, as the converter does, and makes the Docs; "written" is the whole command, which also
writes them. Each runs in a process of its own, so that its peak is its own.

    python benchmarks/bench_convert.py --sentences 100000
"""

import json
import multiprocessing
import platform
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer

from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.corpora.writer import convert_records
from spacy_medmtl.training.report import table

WORDS = "the patient denies any fever cough chest pain but reports mild nausea since last night".split()


def generate(path: Path, n_sentences: int, seed: int) -> None:
    """Write sentences of 4 to 12 words, a third of them with a mention."""
    draw = random.Random(seed)
    with path.open("w") as stream:
        for _ in range(n_sentences):
            tags = ["O"] * draw.randint(4, 12)
            if draw.random() < 1 / 3:
                start = draw.randrange(len(tags) - 1)
                tags[start : start + 2] = ["B-Problem", "I-Problem"]
            stream.writelines(f"{draw.choice(WORDS)}\t{tag}\n" for tag in tags)
            stream.write("\n")


def read(source: Path) -> int:
    """Convert, and keep nothing."""
    reading, scheme = get_reader("conll").configured()
    return sum(1 for _ in convert_records(reading, scheme, [source], spacy.blank("en"), Audit("stop")))


def written(source: Path) -> int:
    """Convert into a file."""
    output = source.with_name("x.spacy")
    return convert_corpus(Job("conll", [source], output)).outputs[str(output)].documents


def measured(call: Callable[[Path], int], source: Path) -> dict[str, float]:
    """Run in a child process: Docs, seconds, and its peak memory beside what it had before."""
    get_reader("conll")  # imports are no part of it
    spacy.blank("en")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu_start = time.perf_counter(), time.process_time()
    n_docs = call(source)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = {"megabytes": peak / 1024, "grown": (peak - before) / 1024}
    return {"docs": n_docs, "seconds": seconds, "cpu_seconds": cpu_seconds, **megabytes}


def main(
    sentences: Annotated[list[int], typer.Option(help="Sizes to measure.")] = [10_000, 100_000],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Of the sentences.")] = 0,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("metrics/bench_convert.json"),
) -> None:
    """Print and save the figures."""
    results: dict[str, Any] = {"machine": f"{platform.machine()}, Python {platform.python_version()}", "seed": seed}
    rows: list[list[str]] = []
    for count in sentences:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "x.conll"
            generate(source, count, seed)
            size = source.stat().st_size / 1e6
            for call in (read, written):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found = pool.apply(measured, (call, source))
                results[f"{call.__name__}, {count} sentences"] = {**found, "input_megabytes": size}
                speeds = [f"{count / found[clock]:.0f}" for clock in ("seconds", "cpu_seconds")]
                memory = [f"{found[name]:.0f}" for name in ("megabytes", "grown")]
                rows.append([call.__name__, f"{count}", f"{size:.1f}", *speeds, *memory])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    header = ["", "sentences", "input MB", "sentences/s", "per CPU s", "peak MB", "grown MB"]
    typer.echo("\n".join(table(header, rows)))


if __name__ == "__main__":
    typer.run(main)
