"""The benchmark of whole pipelines runs on a tiny encoder, with every peer that is installed."""

import subprocess
import sys
from pathlib import Path

import srsly
from spacy.tokens import DocBin
from toy import CASES, make_examples

ROOT = Path(__file__).parents[2]
ROWS = ("four heads, shared, document, against the bare encoder", "eight heads against four")


def test_it_measures_all_rows(make_nlp, tiny_encoder, tmp_path):
    nlp = make_nlp(*(case.factory for case in CASES))
    docs = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES))]
    for part in ("train", "dev"):
        (tmp_path / part).mkdir()
        DocBin(docs=docs).to_disk(tmp_path / part / "sample.spacy")
    command = [sys.executable, str(ROOT / "benchmarks" / "bench_pipeline.py")]
    small = {"words": 30, "repeats": 1, "steps": 1, "longest": 1000, "dialogues": tmp_path, "corpus": tmp_path}
    options = {**small, "encoder": tiny_encoder, "output": tmp_path / "out"}
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    results = srsly.read_json(tmp_path / "out" / "results.json")
    assert results["words"] >= 30
    assert all(rate > 0 for rate in results["prediction, words/s"].values())
    assert list(results["curves"]["words/s by number of heads"]) == [str(n) for n in range(1, 9)]
    assert list(results["curves"]["seconds by length"]) == ["10", "100", "1000"]
    measured = {what: float(value) for what, _, value in results["reach"] if what in ROWS}
    assert len(measured) == len(ROWS)
    assert min(measured.values()) > 0
    table = (tmp_path / "out" / "table.md").read_text(encoding="utf8")
    assert all(what in table for what, _, _ in results["reach"])
    assert (tmp_path / "out" / "curves.svg").read_bytes().startswith(b"<?xml")
