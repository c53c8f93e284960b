"""Speed and peak memory of ``medmtl convert`` over a growing input, as one file and in shards.

The input is invented: short IOB sentences (mean 12 words) over a vocabulary that grows as that of real text does, about
with the square root of the number of words. Each conversion runs in a process of its own; seconds are those of the
processor, so that whatever else the machine does is not in them.

    python benchmarks/bench_convert_memory.py --sentences 16000 --shard-docs 1000
"""

import multiprocessing
import platform
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.training.report import table

Measured = tuple[float, float]


def write_input(path: Path, n_sentences: int, seed: int) -> None:
    """Write the invented sentences."""
    draw = random.Random(seed)
    n_words = 0
    with path.open("w", encoding="utf8") as stream:
        for _ in range(n_sentences):
            length = draw.randint(4, 20)
            entity = draw.randrange(length)
            for i in range(length):
                n_words += 1
                rank = int(n_words**0.5 * 20 * draw.random() ** 2)  # frequent words are few
                stream.write(f"w{rank}\t{'B-GENE' if i == entity else 'O'}\n")
            stream.write("\n")


def measure(source: Path, output: Path, shard_docs: int, results: "multiprocessing.Queue[Measured]") -> None:
    """Convert, and report processor seconds and by how many MiB the peak of resident memory grew."""
    small = output.with_name("small.tsv")
    write_input(small, 10, seed=1)
    convert_corpus(Job("bc2gm", [small], output.with_name("small.spacy")))  # whatever is imported and loaded but once
    start, before = time.process_time(), _peak()
    convert_corpus(Job("bc2gm", [source], output, shard_docs=shard_docs))
    results.put((time.process_time() - start, _peak() - before))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux


def main(
    sentences: Annotated[list[int], typer.Option(help="Numbers of sentences to convert.")],
    shard_docs: Annotated[int, typer.Option(help="Documents in a shard.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the invented text.")] = 0,
) -> None:
    """Print a table: for each number of sentences, one file and shards."""
    context = multiprocessing.get_context("spawn")
    rows: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for n, shards in tqdm([(n, shards) for n in sentences for shards in (0, shard_docs)]):
            source = Path(folder) / f"{n}.tsv"
            if not source.exists():
                write_input(source, n, seed)
            output = Path(folder) / (f"{n}-shards" if shards else f"{n}.spacy")
            results: multiprocessing.Queue[Measured] = context.Queue()
            process = context.Process(target=measure, args=(source, output, shards, results))
            process.start()
            seconds, growth = results.get()
            process.join()
            size = source.stat().st_size / 2**20
            what = f"shards of {shards}" if shards else "one file"
            rows.append({"n": f"{n}", "MiB": f"{size:.1f}", "output": what, "s": f"{seconds:.0f}"})
            rows[-1].update({"docs/s": f"{n / seconds:.0f}", "growth": f"{growth:.0f}"})
    header = ["sentences", "input MiB", "output", "CPU seconds", "documents/s", "memory grew by MiB"]
    typer.echo("\n".join(table(header, [list(row.values()) for row in rows])))
    typer.echo(f"{platform.platform()}, Python {platform.python_version()}, seed {seed}")


if __name__ == "__main__":
    typer.run(main)
