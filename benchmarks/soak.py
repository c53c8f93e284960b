"""Many short documents through ``nlp.pipe``: memory, handles, threads, and whether outputs stay the same.

    python benchmarks/soak.py PIPELINE --docs 200000 --workers 0
    python benchmarks/soak.py PIPELINE --docs 200000 --workers 2
    python benchmarks/soak.py PIPELINE --docs 200000 --workers 2 --numbers 200000
    python benchmarks/soak.py PIPELINE --docs 20000 --workers 2 --start spawn
    PYTHONMALLOC=malloc python benchmarks/soak.py PIPELINE --docs 10000 --as-worker
    python benchmarks/soak.py stock --docs 200000 --workers 2
    python benchmarks/soak.py blank --docs 200000

"stock" and "blank" are what there is to compare with, on the same texts in the same way: spaCy's own ner, textcat and
spancat, and its tokenizer alone.

Texts are invented: words of a small vocabulary in random order, with a number in each. In one process numbers never
repeat, so the string store would grow without ``nlp.memory_zone``, which is used as a service should. Workers know no
such zones: their numbers repeat, so that their string stores are full long before the first half is over, and all
documents are one stream. ``--numbers`` says how many different ones there are; with as many as documents, none comes
twice. The same probes begin and end the texts, so outputs of the very processes are compared.

Memory is what belongs to this process and its workers, shared pages in shares (PSS); ``of_workers`` is the workers'
part of it. A forked worker shares all pages of its parent, and each that it writes on counts for both from then on, so
PSS grows for long without anything being kept; spawned ones (``--start spawn``) have pages of their own from the
beginning. ``in_use`` is what this process has of the C library and not given back, without the noise of pages; with
``PYTHONMALLOC=malloc`` that is all it has. ``--as-worker`` reads in this process as a worker does. Linux only: it reads
/proc. Prints JSON, and on standard error each measure as it is taken; exit status 1 where outputs changed, handles or
threads became more, or memory grows by more than ``--most`` bytes a document in the second half.
"""

import ctypes
import gc
import hashlib
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from trust_tools import build_stock

CONTROLS = {"stock": lambda: build_stock(""), "blank": lambda: spacy.blank("en")}
WORDS = (
    "patient denies any fever chest pain cough mild left knee swelling since mother had asthma no history of".split()
)
ZONE = 1000  # documents in a memory zone
N_NUMBERS = 5000  # different ones at most, where strings are never let go
N_PROBES, N_MEASURES = 200, 100
FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"  # of mallinfo2
Measure = dict[str, float]


class Start(str, Enum):
    """How a process starts another."""

    fork = "fork"
    spawn = "spawn"
    forkserver = "forkserver"


def texts(n_docs: int, n_numbers: int, seed: int) -> Iterator[str]:
    """Documents of two sentences. n_numbers: how many different numbers stand in them."""
    generator = random.Random(seed)
    for number in range(n_docs):
        words = generator.choices(WORDS, k=generator.randint(4, 16))
        yield f"{' '.join(words)} {number % n_numbers} mg. {' '.join(generator.choices(WORDS, k=3))}."


def annotated(nlp: Language, stream: Iterator[str], workers: int | None) -> Iterator[Doc]:
    """The Docs of a stream. workers: None for this process in memory zones, 0 for this process without."""
    if workers is not None:
        yield from nlp.pipe(stream, n_process=max(workers, 1))
        return
    while chunk := list(islice(stream, ZONE)):
        with nlp.memory_zone():
            yield from nlp.pipe(chunk)


def digest(docs: Sequence[list[Any]]) -> str:
    return hashlib.sha256(json.dumps(docs, sort_keys=True, default=str).encode()).hexdigest()


def summary(doc: Doc) -> list[Any]:
    """All that is annotated: labels, places and values of span groups, scores to four digits."""
    return [
        [key, [[span.start, span.end, span.label_] for span in group], rounded(dict(group.attrs))]
        for key, group in sorted(doc.spans.items())
    ]


def rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {str(key): rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list | tuple) else value


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


def memory(process: Path) -> int:
    """Bytes of a process in /proc, shared pages in shares (PSS). Raises OSError where it has ended."""
    lines = (process / "smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024


class MallInfo(ctypes.Structure):
    """What glibc's ``mallinfo2`` gives."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in FIELDS.split())


def in_use() -> int:
    """Bytes that this process has of the C library, once Python's garbage is collected."""
    gc.collect()
    mallinfo2 = ctypes.CDLL("libc.so.6").mallinfo2
    mallinfo2.restype = MallInfo
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


def measure(n_docs: int, start: float) -> Measure:
    """bytes, handles and threads of all processes after so many documents."""
    measured = {
        "docs": n_docs,
        "seconds": round(time.perf_counter() - start, 1),
        "bytes": 0,
        "of_workers": 0,
        "in_use": in_use(),
        "handles": 0,
        "threads": 0,
    }
    for process in processes():
        try:
            used = memory(process)
            measured["bytes"] += used
            measured["of_workers"] += used if process.name != str(os.getpid()) else 0
            measured["handles"] += len(list((process / "fd").iterdir()))
            measured["threads"] += len(list((process / "task").iterdir()))
        except OSError:  # it ended meanwhile
            continue
    return measured


def slope(measures: Sequence[Measure], of: str = "bytes") -> tuple[float, float]:
    """Bytes a document, and the standard error."""
    fit, covariance = numpy.polyfit([m["docs"] for m in measures], [m[of] for m in measures], 1, cov=True)
    return round(float(fit[0]), 2), round(float(covariance[0, 0]) ** 0.5, 2)


def soak(nlp: Language, n_docs: int, workers: int | None, n_numbers: int) -> dict[str, Any]:
    """Read all documents in turn, measuring as it goes."""
    probes = list(texts(N_PROBES, N_NUMBERS, seed=1))
    stream = iter([*probes, *texts(n_docs - 2 * N_PROBES, n_numbers, seed=0), *probes])
    first: list[list[Any]] = []
    last: list[list[Any]] = []
    measures = []
    start = time.perf_counter()
    for number, doc in enumerate(annotated(nlp, stream, workers), 1):
        if number <= N_PROBES:
            first.append(summary(doc))
        elif number > n_docs - N_PROBES:
            last.append(summary(doc))
        if number % (n_docs // N_MEASURES) == 0:
            measures.append(measure(number, start))
            typer.echo(json.dumps(measures[-1]), err=True)
    late = measures[len(measures) // 2 : -1]  # at the last, workers may be gone
    return {
        "n_docs": number,
        "workers": workers,
        "n_numbers": n_numbers,
        "docs_per_second": round(number / measures[-1]["seconds"], 1),
        "same_outputs": digest(first) == digest(last),
        "n_spans_of_probes": sum(len(spans) for doc in first for _, spans, _ in doc),
        "bytes_per_doc": slope(late),
        "of_workers": slope(late, "of_workers"),
        "in_use": slope(late, "in_use"),
        "mib": [round(m["bytes"] / 2**20, 1) for m in (late[0], late[-1])],
        "handles": [late[0]["handles"], max(m["handles"] for m in late)],
        "threads": [late[0]["threads"], max(m["threads"] for m in late)],
        "measures": measures,
    }


def main(
    pipeline: Annotated[str, typer.Argument(help="A trained pipeline, 'stock' or 'blank'.")],
    docs: Annotated[int, typer.Option(min=1000)] = 200_000,
    workers: Annotated[int, typer.Option(min=0, help="Processes beside this one.")] = 0,
    start: Annotated[Start | None, typer.Option(help="How workers start; else the system's way.")] = None,
    as_worker: Annotated[bool, typer.Option(help="In this process, without memory zones.")] = False,
    numbers: Annotated[int | None, typer.Option(min=1, help="Different numbers that the texts have.")] = None,
    most: Annotated[float, typer.Option(help="Bytes a document that memory may grow by.")] = 100.0,
) -> None:
    if start is not None:
        multiprocessing.set_start_method(start.value)
    usual = min(N_NUMBERS, docs // 10) if workers or as_worker else docs
    nlp = CONTROLS[pipeline]() if pipeline in CONTROLS else spacy.load(pipeline)
    measured = soak(nlp, docs, workers if workers or as_worker else None, numbers or usual)
    typer.echo(srsly.json_dumps(measured, indent=1))
    is_steady = all(late <= early for early, late in (measured["handles"], measured["threads"]))
    raise typer.Exit(int(not (measured["same_outputs"] and is_steady and measured["bytes_per_doc"][0] <= most)))


if __name__ == "__main__":
    typer.run(main)
