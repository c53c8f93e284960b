"""Speed and memory of ``medmtl convert``: short sentences, or documents of many words, made with a seed and written to
a temporary file.

"records" only reads; "read" parses the file twice, as the converter of an open format does, and makes the Docs;
"written" is the whole command, which also writes them. Each runs in a process of its own, so that its peak is its own.
"grown" is what it takes beside the imports: where it does not grow with the input, memory is constant.

    python benchmarks/bench_convert.py --sentences 100000
    python benchmarks/bench_convert.py --formats prodigy --formats pubtator_any --formats csv_sentences
    python benchmarks/bench_convert.py --formats prodigy --words 1500 2500 --sentences 1000 --sentences 90000  # 1 GB
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


def sentences(n: int, n_words: tuple[int, int], seed: int) -> Iterator[tuple[list[str], int | None]]:
    """The words of sentences of so many, and where a mention of two words begins, in a third of them."""
    draw = random.Random(seed)
    for _ in range(n):
        words = draw.choices(WORDS, k=draw.randint(*n_words))
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


def as_csv_pairs(number: int, words: list[str], start: int | None) -> str:
    """Its two halves as a pair, of which something holds or nothing."""
    header = "text1,text2,label\n" if number == 0 else ""
    half = len(words) // 2
    return f"{header}{' '.join(words[:half])},{' '.join(words[half:])},{'none' if start is None else 'next'}\n"


def as_csv_scores(number: int, words: list[str], start: int | None) -> str:
    """Its two halves as a pair with a score."""
    header = "text1,text2,score\n" if number == 0 else ""
    half = len(words) // 2
    return f"{header}{' '.join(words[:half])},{' '.join(words[half:])},{len(words) / 4}\n"


def as_doccano(number: int, words: list[str], start: int | None) -> str:
    """With its mention as a label."""
    labels = [] if start is None else [[*_mention(words, start), "Problem"]]
    return json.dumps({"id": number, "text": " ".join(words), "label": labels}) + "\n"


def as_label_studio(number: int, words: list[str], start: int | None) -> str:
    """As a task of an array, with its mention as a region."""
    begin, end = _mention(words, start)
    value = {"start": begin, "end": end, "text": " ".join(words)[begin:end], "labels": ["Problem"]}
    results = [] if start is None else [{"id": "a", "type": "labels", "value": value}]
    return json.dumps({"id": number, "data": {"text": " ".join(words)}, "annotations": [{"result": results}]})


def as_bioc(number: int, words: list[str], start: int | None) -> str:
    """As a document of one passage."""
    begin, end = _mention(words, start)
    text = " ".join(words)
    inside = f"<location offset='{begin}' length='{end - begin}'/><text>{text[begin:end]}</text>"
    mention = "" if start is None else f"<annotation id='a'><infon key='type'>Problem</infon>{inside}</annotation>"
    passage = f"<passage><offset>0</offset><text>{text}</text>{mention}</passage>"
    return f"<document><id>{number}</id>{passage}</document>\n"


def as_bioc_json(number: int, words: list[str], start: int | None) -> str:
    """The same as a line of JSON."""
    begin, end = _mention(words, start)
    text = " ".join(words)
    location = {"offset": begin, "length": end - begin}
    mention = {"id": "a", "infons": {"type": "Problem"}, "text": text[begin:end], "locations": [location]}
    passage = {"offset": 0, "text": text, "annotations": [] if start is None else [mention]}
    return json.dumps({"id": str(number), "passages": [passage]}) + "\n"


# name -> reader, what makes a document of a sentence, and what stands before, between and behind the documents
FORMATS: dict[str, tuple[str, Callable[[int, list[str], int | None], str], tuple[str, str, str]]] = {
    "conll": ("conll", as_conll, ("", "", "")),
    "prodigy": ("prodigy", as_prodigy, ("", "", "")),
    "doccano": ("doccano", as_doccano, ("", "", "")),
    "label_studio": ("label_studio", as_label_studio, ("[", ",\n", "]")),
    "bioc": ("bioc", as_bioc, ("<collection>\n", "", "</collection>\n")),
    "bioc_json": ("bioc", as_bioc_json, ("", "", "")),
    "pubtator_any": ("pubtator_any", as_pubtator_any, ("", "", "")),
    "csv_sentences": ("csv_sentences", as_csv_sentences, ("", "", "")),
    "csv_pairs": ("csv_pairs", as_csv_pairs, ("", "", "")),
    "csv_scores": ("csv_scores", as_csv_scores, ("", "", "")),
}


def write_file(path: Path, name: str, count: int, n_words: tuple[int, int], seed: int) -> None:
    """A file of a format with so many sentences."""
    _, as_document, (before, between, behind) = FORMATS[name]
    with path.open("w") as stream:
        stream.write(before)
        for number, (words, start) in enumerate(sentences(count, n_words, seed)):
            stream.write(between * (number > 0) + as_document(number, words, start))
        stream.write(behind)


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
    words: Annotated[tuple[int, int], typer.Option(help="Fewest and most words of a sentence.")] = (4, 12),
    seed: Annotated[int, typer.Option(help="Of the sentences.")] = 0,
    output: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("metrics/bench_convert.json"),
) -> None:
    """Print and save the figures."""
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    results: dict[str, Any] = {"machine": machine, "seed": seed, "words": words}
    rows: list[list[str]] = []
    for name, count in product(formats, counts):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / ("x.jsonl" if name == "bioc_json" else "x.txt")
            write_file(source, name, count, words, seed)
            size = source.stat().st_size / 1e6
            for call in calls:
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    found = pool.apply(measured, (CALLS[call], FORMATS[name][0], source))
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
