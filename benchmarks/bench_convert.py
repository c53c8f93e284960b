"""Speed and memory of ``medmtl convert``: short sentences, made with a seed and written to a temporary file.

"records" only reads; "read" parses the file twice, as the converter of an open format does, and makes the Docs;
"written" is the whole command, which also writes them. Each runs in a process of its own, so that its peak is its own.
"grown" is what it takes beside the imports: where it does not grow with the input, memory is constant.

    python benchmarks/bench_convert.py --sentences 100000
    python benchmarks/bench_convert.py --formats prodigy --formats pubtator_any --formats csv_sentences
"""

import json
import multiprocessing
import platform
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
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


def sentences(n: int, seed: int) -> Iterator[tuple[list[str], int | None]]:
    """The words of sentences of 4 to 12, and where a mention of two words begins, in a third of them."""
    draw = random.Random(seed)
    for _ in range(n):
        words = [draw.choice(WORDS) for _ in range(draw.randint(4, 12))]
        yield words, draw.randrange(len(words) - 1) if draw.random() < 1 / 3 else None


def as_conll(number: int, words: list[str], start: int | None) -> str:
    """A sentence in each format, as a document."""
    tags = {start: "B-Problem", None if start is None else start + 1: "I-Problem"}
    return "".join(f"{word}\t{tags.get(at, 'O')}\n" for at, word in enumerate(words)) + "\n"


def _mention(words: list[str], start: int | None) -> tuple[int, int]:
    begin = len(" ".join([*words[:start], ""]))
    return begin, begin + len(" ".join(words[start : (start or 0) + 2]))


def as_prodigy(number: int, words: list[str], start: int | None) -> str:
    """With its mention as a span."""
    begin, end = _mention(words, start)
    spans = [] if start is None else [{"start": begin, "end": end, "label": "Problem"}]
    return json.dumps({"text": " ".join(words), "spans": spans, "answer": "accept"}) + "\n"


def as_pubtator_any(number: int, words: list[str], start: int | None) -> str:
    """As a title."""
    begin, end = _mention(words, start)
    text = " ".join(words)
    row = "" if start is None else f"{number}\t{begin}\t{end}\t{text[begin:end]}\tProblem\n"
    return f"{number}|t|{text}\n{row}\n"


def as_csv_sentences(number: int, words: list[str], start: int | None) -> str:
    """With one of two labels."""
    header = "text,label\n" if number == 0 else ""
    return f"{header}{' '.join(words)},{'tell' if start is None else 'ask'}\n"


FORMATS: dict[str, Callable[[int, list[str], int | None], str]] = {
    "conll": as_conll,
    "prodigy": as_prodigy,
    "pubtator_any": as_pubtator_any,
    "csv_sentences": as_csv_sentences,
}


def records(name: str, source: Path) -> int:
    """Read once, and make no Docs."""
    reading, _ = get_reader(name).configured()
    return sum(1 for _ in reading(source, Audit("stop")))


def read(name: str, source: Path) -> int:
    """Convert, and keep nothing."""
    reading, scheme = get_reader(name).configured()
    return sum(1 for _ in convert_records(reading, scheme, [source], spacy.blank("en"), Audit("stop")))


def written(name: str, source: Path) -> int:
    """Convert into a file."""
    output = source.with_name("x.spacy")
    return convert_corpus(Job(name, [source], output)).outputs[str(output)].documents


CALLS = {call.__name__: call for call in (records, read, written)}


def measured(call: Callable[[str, Path], int], name: str, source: Path) -> dict[str, float]:
    """Run in a child process: Docs, seconds, and its peak memory beside what it had before."""
    get_reader(name)  # imports are no part of it
    spacy.blank("en")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu_start = time.perf_counter(), time.process_time()
    n_docs = call(name, source)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = {"megabytes": peak / 1024, "grown": (peak - before) / 1024}
    return {"docs": n_docs, "seconds": seconds, "cpu_seconds": cpu_seconds, **megabytes}


def main(
    counts: Annotated[list[int], typer.Option("--sentences", help="Sizes to measure.")] = [10_000, 100_000],  # noqa: B006
    formats: Annotated[list[str], typer.Option(help=f"Of {', '.join(FORMATS)}.")] = ["conll"],  # noqa: B006
    calls: Annotated[list[str], typer.Option(help=f"Of {', '.join(CALLS)}.")] = ["read", "written"],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Of the sentences.")] = 0,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("metrics/bench_convert.json"),
) -> None:
    """Print and save the figures."""
    results: dict[str, Any] = {"machine": f"{platform.machine()}, Python {platform.python_version()}", "seed": seed}
    rows: list[list[str]] = []
    for name, count in product(formats, counts):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "x.txt"
            with source.open("w") as stream:
                stream.writelines(
                    FORMATS[name](number, words, start) for number, (words, start) in enumerate(sentences(count, seed))
                )
            size = source.stat().st_size / 1e6
            for call in calls:
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found = pool.apply(measured, (CALLS[call], name, source))
                results[f"{name}, {call}, {count} sentences"] = {**found, "input_megabytes": size}
                speeds = [f"{count / found[clock]:.0f}" for clock in ("seconds", "cpu_seconds")]
                memory = [f"{found[unit]:.0f}" for unit in ("megabytes", "grown")]
                rows.append([name, call, f"{count}", f"{size:.1f}", *speeds, *memory])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    header = ["format", "", "sentences", "input MB", "sentences/s", "per CPU s", "peak MB", "grown MB"]
    typer.echo("\n".join(table(header, rows)))


if __name__ == "__main__":
    typer.run(main)
