"""What text costs before the encoder, what loading costs, and how cost grows with heads, length and batch size."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy
from pipelines import document_layout, packs
from spacy.language import Language
from timing import measured_medians, timed

LENGTHS = (10, 100, 1000, 10_000, 100_000)
LONG = 1000  # words: the exponent is measured from here on, and shorter texts are read together to as many
BATCH_SIZES = (1, 4, 16, 64)
NO_HEADS = ("medmtl_sentences", "encoder")
# As if spacy-transformers were not installed, where so told: its entry point imports transformers into every pipeline.
LOADING = """
import sys, time
import catalogue
if sys.argv[2] == "alone":
    find = catalogue.Registry._get_entry_points
    catalogue.Registry._get_entry_points = lambda one: [p for p in find(one) if "transformers" not in p.value]
start = time.process_time()
import torch
import spacy
imported = time.process_time()
spacy.load(sys.argv[1])
print(imported - start, time.process_time() - imported)
"""


def annotate(nlp: Language, texts: Sequence[str], batch_size: int = 128) -> None:
    for _ in nlp.pipe(texts, batch_size=batch_size):
        pass


def annotate_with(nlp: Language, names: Sequence[str], texts: Sequence[str], batch_size: int = 128) -> None:
    """With these components alone."""
    with nlp.select_pipes(enable=list(names)):
        annotate(nlp, texts, batch_size)


def word_batches(nlp: Language, texts: Sequence[str], n_words: int, repeats: int) -> float:
    """Words a second from text to padded batches of wordpieces: tokens, sentences, windows, tensors."""

    def run() -> None:
        packs(nlp, document_layout(nlp, texts))

    return n_words / measured_medians({"run": timed(run)}, repeats, warm_up=1)["run"]


def loading(nlp: Language, repeats: int) -> dict[str, float]:
    """CPU seconds of ``spacy.load`` in a fresh process, beside those of ``import torch`` and ``import spacy``; once
    with spacy-transformers, which adds seconds."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        for kind in ("alone", "beside spacy-transformers"):
            command = [sys.executable, "-W", "ignore", "-c", LOADING, folder, kind]
            turns = repeats if kind == "alone" else 1
            runs = [subprocess.check_output(command, text=True).splitlines()[-1].split() for _ in range(turns)]
            found[f"imports, {kind}"] = statistics.median(float(run[0]) for run in runs)
            found[f"load, {kind}"] = statistics.median(float(run[1]) for run in runs)
    return found


def curves(nlp: Language, texts: list[str], n_words: int, longest: int) -> dict[str, dict[str, float]]:
    """nlp: eight heads. Words/s by number of heads and, with four, by batch size; CPU seconds of one text of four heads
    by its length. One turn each."""
    heads = [name for name in nlp.pipe_names if name not in NO_HEADS]
    by_heads = {n: timed(partial(annotate_with, nlp, [*NO_HEADS, *heads[:n]], texts)) for n in range(1, len(heads) + 1)}
    four = [*NO_HEADS, *heads[:4]]
    by_size = {size: timed(partial(annotate_with, nlp, four, texts, size)) for size in BATCH_SIZES}
    words = " ".join(texts).split(" ")
    by_length: dict[int, float] = {}
    for length in (one for one in LENGTHS if one <= longest):
        n_docs = max(1, LONG // length)
        text = " ".join(words[i % len(words)] for i in range(length))
        call = timed(partial(annotate_with, nlp, four, [text] * n_docs))
        by_length[length] = call() / n_docs
    return {
        "words/s by number of heads": rates({n: call() for n, call in by_heads.items()}, n_words),
        "words/s by batch size": rates({size: call() for size, call in by_size.items()}, n_words),
        "seconds by length": {str(length): seconds for length, seconds in by_length.items()},
    }


def rates(seconds: dict[int, float], n_words: int) -> dict[str, float]:
    return {str(key): n_words / taken for key, taken in seconds.items()}


def exponent(seconds: dict[str, float]) -> float | None:
    """Of cost in length, from ``LONG`` words on; None where there are not two such lengths."""
    points = [(int(length), value) for length, value in seconds.items() if int(length) >= LONG]
    if len(points) < 2:
        return None
    logs = numpy.log(numpy.asarray(points))
    return float(numpy.polyfit(logs[:, 0], logs[:, 1], 1)[0])


class Worker:
    """A peer in a process of its own (``edsnlp_worker.py``)."""

    def __init__(self, python: Path, encoder: Path, texts_file: Path) -> None:
        script = Path(__file__).with_name("edsnlp_worker.py")
        command = [str(python), "-W", "ignore", str(script), str(encoder), str(texts_file)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin, self.process.stdout
        self.answer("ready")

    def answer(self, expected: str = "") -> str:
        """The next line that it prints. Raises RuntimeError where it ended, or says something else."""
        line = self.output.readline().strip()
        if not line or (expected and line != expected):
            raise RuntimeError(f"The worker said {line!r}, expected {expected or 'seconds'!r}.")
        return line

    def measure(self, precision: str) -> float:
        """CPU seconds of its texts, once, in ``float32`` or ``bfloat16``."""
        self.input.write(f"{precision}\n")
        self.input.flush()
        return float(json.loads(self.answer()))

    def close(self) -> None:
        self.input.close()
        self.process.wait()
