"""What text costs before the encoder, what loading costs, and how cost grows with heads, length and batch size."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy
from pipelines import document_layout, padded
from spacy.language import Language

LENGTHS = (10, 100, 1000, 10_000, 100_000)
LONG = 1000  # words: the exponent is measured from here on
BATCH_SIZES = (1, 4, 16, 64, 256)
ENCODERS = ("sentencizer", "encoder")
LOADING = """
import json, sys, time
import catalogue
if sys.argv[2] == "without":
    find = catalogue.Registry._get_entry_points
    others = ("spacy_transformers", "edsnlp")
    catalogue.Registry._get_entry_points = lambda one: [p for p in find(one) if not p.value.startswith(others)]
start = time.process_time()
import torch
import spacy
imports = time.process_time() - start
spacy.load(sys.argv[1])
print(json.dumps([imports, time.process_time() - start - imports, "transformers" in sys.modules]))
"""


def annotate(nlp: Language, texts: Sequence[str], batch_size: int = 128) -> None:
    for _ in nlp.pipe(texts, batch_size=batch_size):
        pass


def word_batches(nlp: Language, texts: Sequence[str], n_words: int, turns: Callable) -> float:
    """Words a second from text to padded batches of wordpieces: tokens, sentences, windows, tensors."""

    def run() -> None:
        padded(document_layout(nlp, texts), 0)

    return float(n_words / turns({"run": run}, 9)["run"])


def loading(nlp: Language, repeats: int) -> dict[str, Any]:
    """CPU seconds of ``spacy.load`` in a fresh process, beside ``import torch`` and ``import spacy``; with what is
    installed, and as if spacy-transformers and EDS-NLP were not: their entry points import transformers into every
    pipeline."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        for kind in ("without", "with"):
            command = [sys.executable, "-W", "ignore", "-c", LOADING, folder, kind]
            runs = [json.loads(subprocess.check_output(command).decode().splitlines()[-1]) for _ in range(repeats)]
            found[f"imports, {kind} spacy-transformers"] = statistics.median(run[0] for run in runs)
            found[f"load, {kind} spacy-transformers"] = statistics.median(run[1] for run in runs)
            found[f"transformers imported, {kind} spacy-transformers"] = any(run[2] for run in runs)
    return found


def curves(
    nlp: Language, texts: list[str], n_words: int, longest: int, repeats: int, turns: Callable
) -> dict[str, dict[str, Any]]:
    """nlp: eight heads. Words/s by number of heads and by batch size; CPU seconds by document length (one turn for
    those of more than 10,000 words), and the exponent."""
    heads = [name for name in nlp.pipe_names if name not in ENCODERS]
    by_heads: dict[str, float] = {}
    for n in range(1, len(heads) + 1):
        with nlp.select_pipes(disable=heads[n:]):
            annotate(nlp, texts[:2])  # who reads is learnt from the batch before
            by_heads[str(n)] = n_words / turns({n: partial(annotate, nlp, texts)}, 1)[n]
    four = nlp.select_pipes(disable=heads[4:])
    sizes = turns({size: partial(annotate, nlp, texts, size) for size in BATCH_SIZES}, 1)
    words = " ".join(texts).split(" ")
    by_length: dict[str, float] = {}
    for length in [one for one in LENGTHS if one <= longest]:
        text = " ".join(words[i % len(words)] for i in range(length))
        n_docs = max(1, LONG // length)
        call = partial(annotate, nlp, [text] * n_docs, 1)
        by_length[str(length)] = turns({length: call}, repeats if length <= 10_000 else 1)[length] / n_docs
    four.restore()
    return {
        "words/s by number of heads": by_heads,
        "words/s by batch size": {str(size): n_words / seconds for size, seconds in sizes.items()},
        "seconds by length": by_length,
        "exponent": {"of length": exponent(by_length)},
    }


def exponent(seconds: dict[str, float]) -> float | None:
    """Of cost in length, from ``LONG`` words on."""
    points = [(int(length), value) for length, value in seconds.items() if int(length) >= LONG]
    if len(points) < 2:
        return None
    logs = numpy.log(numpy.asarray(points))
    return float(numpy.polyfit(logs[:, 0], logs[:, 1], 1)[0])
