"""Many short documents through ``nlp.pipe``: memory, handles, threads, and whether outputs stay the same.

    python benchmarks/soak.py PIPELINE --docs 200000 --workers 1

Texts are invented: words of a small vocabulary in random order, with numbers that never repeat (so the string store of
a pipeline grows without ``nlp.memory_zone``, which is used here as a service should). Linux only: it reads /proc.
Prints JSON; exit status 1 where outputs changed, or memory grows by more than ``--most`` bytes a document after the
first fifth.
"""

import hashlib
import json
import os
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc

WORDS = (
    "patient denies any fever chest pain cough mild left knee swelling since mother had asthma no history of".split()
)
CHUNK = 1000  # documents in a memory zone
PAGE = os.sysconf("SC_PAGE_SIZE")


def texts(n_docs: int, seed: int) -> Iterator[str]:
    """Documents of one or two sentences, each with numbers of its own."""
    generator = random.Random(seed)
    for number in range(n_docs):
        words = generator.choices(WORDS, k=generator.randint(4, 16))
        yield f"{' '.join(words)} {number} mg. {' '.join(generator.choices(WORDS, k=3))}."


def digest(docs: Sequence[Doc]) -> str:
    """A checksum of all that is annotated: labels, places and values of span groups, scores to four digits."""
    summary = [
        {
            key: [[span.start, span.end, span.label_] for span in group]
            + [[name, rounded(value)] for name, value in sorted(group.attrs.items())]
            for key, group in sorted(doc.spans.items())
        }
        for doc in docs
    ]
    return hashlib.sha256(json.dumps(summary, sort_keys=True, default=str).encode()).hexdigest()


def rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {str(key): rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def processes() -> list[Path]:
    """This process and its children, in /proc."""
    own = os.getpid()
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    return [Path(f"/proc/{pid}") for pid, parent in parents.items() if own in (pid, parent)]


def measure(done: int, start: float) -> dict[str, float]:
    found = {"docs": done, "seconds": time.perf_counter() - start, "bytes": 0, "handles": 0, "threads": 0}
    for process in processes():
        try:
            found["bytes"] += int((process / "statm").read_text().split()[1]) * PAGE
            found["handles"] += len(list((process / "fd").iterdir()))
            found["threads"] += len(list((process / "task").iterdir()))
        except OSError:  # it ended meanwhile
            continue
    return found


def soak(nlp: Language, n_docs: int, workers: int) -> dict[str, Any]:
    probes = list(texts(200, seed=1))
    first = digest(list(nlp.pipe(probes)))
    measures, done, start = [], 0, time.perf_counter()
    stream = texts(n_docs, seed=0)
    every = max(CHUNK, n_docs // 20)
    while chunk := [text for _, text in zip(range(min(CHUNK, n_docs - done)), stream)]:
        with nlp.memory_zone():
            for _ in nlp.pipe(chunk, n_process=workers):
                pass
        done += len(chunk)
        if done % every < CHUNK:
            measures.append(measure(done, start))
    late = measures[len(measures) // 5 :]
    slope = float(numpy.polyfit([m["docs"] for m in late], [m["bytes"] for m in late], 1)[0]) if len(late) > 1 else 0.0
    return {
        "n_docs": n_docs,
        "workers": workers,
        "docs_per_second": round(n_docs / measures[-1]["seconds"], 1),
        "same_outputs": digest(list(nlp.pipe(probes))) == first,
        "bytes_per_doc": round(slope, 1),
        "measures": measures,
    }


def main(
    pipeline: Annotated[str, typer.Argument(help="A trained pipeline.")],
    docs: Annotated[int, typer.Option(min=1)] = 200_000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    most: Annotated[float, typer.Option(help="Bytes a document that memory may grow by.")] = 500.0,
) -> None:
    found = soak(spacy.load(pipeline), docs, workers)
    typer.echo(srsly.json_dumps(found, indent=1))
    raise typer.Exit(int(not found["same_outputs"] or found["bytes_per_doc"] > most))


if __name__ == "__main__":
    typer.run(main)
