"""What one document costs by its length: CPU seconds, and memory above that of the loaded pipeline.

    python benchmarks/long_document.py PIPELINE --lengths 10000,100000,500000,2000000

Each length is read by a process of its own. The text is invented: sentences of a small vocabulary, 60 to a paragraph.
Also given: the exponent of time and of memory between the two largest lengths (1: linear, 0: none). Linux only.
"""

import json
import math
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from soak import WORDS

PAGE = resource.getpagesize()


def invented(n_characters: int) -> str:
    """A text of so many characters."""
    generator = random.Random(0)
    parts: list[str] = []
    length = 0
    while length < n_characters:
        sentence = " ".join(generator.choices(WORDS, k=generator.randint(5, 16)))
        parts.append(f"{sentence.capitalize()}.{' ' if len(parts) % 60 else chr(10)}")
        length += len(parts[-1])
    return "".join(parts)[:n_characters]


def read(pipeline: str, n_characters: int) -> dict[str, float]:
    """Read one document in this process."""
    nlp = spacy.load(pipeline)
    nlp.max_length = n_characters
    nlp(invented(2000))
    text = invented(n_characters)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    start = time.process_time()
    doc = nlp(text)
    return {
        "characters": n_characters,
        "tokens": len(doc),
        "spans": sum(map(len, doc.spans.values())),
        "cpu_seconds": round(time.process_time() - start, 2),
        "peak_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 2**20, 1),
    }


def exponent(one: dict[str, float], two: dict[str, float], name: str) -> float:
    return round(math.log(two[name] / one[name]) / math.log(two["characters"] / one["characters"]), 2)


def main(
    pipeline: Annotated[str, typer.Argument(help="A trained pipeline.")],
    lengths: Annotated[str, typer.Option(help="Characters.")] = "10000,100000,500000,2000000",
    single: Annotated[bool, typer.Option(help="Read one length in this process.", hidden=True)] = False,
    output: Annotated[Path | None, typer.Option(help="JSON of what is printed.")] = None,
) -> None:
    if single:
        typer.echo(json.dumps(read(pipeline, int(lengths))))
        return
    found = []
    for length in lengths.split(","):
        command = [sys.executable, __file__, pipeline, "--lengths", length, "--single"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found.append(json.loads(done.stdout))
        typer.echo(done.stdout.strip())
    if len(found) > 1:
        exponents = {name: exponent(*found[-2:], name) for name in ("cpu_seconds", "peak_mib")}
        typer.echo(json.dumps({"exponents": exponents}))
    if output:
        srsly.write_json(output, found)


if __name__ == "__main__":
    typer.run(main)
