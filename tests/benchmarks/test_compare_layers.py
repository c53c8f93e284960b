"""The comparison of routed layers and views runs, goes on where it stopped, and compares what it says."""

import subprocess
import sys
from pathlib import Path

import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from spacy.util import load_config
from toy import CASES, make_examples

ROOT = Path(__file__).parents[2]


@pytest.fixture
def options(tiny_encoder: Path, tmp_path: Path) -> list[str]:
    """``en_medmtl.cfg`` on the tiny encoder and a toy corpus."""
    docs = [one.reference for one in make_examples(spacy.blank("en"), *(case.annotate for case in CASES))]
    for part in ("train", "dev", "test"):
        (tmp_path / part).mkdir()
        DocBin(docs=docs).to_disk(tmp_path / part / "sample.spacy")
    config = load_config(ROOT / "configs" / "en_medmtl.cfg", interpolate=False)
    config["components"]["encoder"]["model"].update(window=64, stride=48)
    config["initialize"]["components"]["encoder"]["loader"]["@misc"] = "spacy-medmtl.local_encoder.v1"
    config["training"]["batcher"]["size"] = 40
    config.to_disk(tmp_path / "base.cfg")
    given = {"config": tmp_path / "base.cfg", "corpus": tmp_path, "encoder": tiny_encoder, "output": tmp_path / "out"}
    return [str(word) for name, value in given.items() for word in (f"--{name}", value)]


@pytest.mark.slow
def test_it_runs_and_goes_on(options: list[str], tmp_path: Path):
    command = [sys.executable, str(ROOT / "benchmarks" / "compare_layers.py"), "progressive_1-document", *options]
    command += ["--steps", "2", "--seeds", "1", "--words", "20", "--repeats", "1"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (first,) = (tmp_path / "out" / "cells").glob("*.json")
    written = first.stat().st_mtime_ns
    subprocess.run([*command, "progressive_1-papers", "--equal-time"], check=True, capture_output=True, cwd=ROOT)
    assert first.stat().st_mtime_ns == written
    found = srsly.read_json(tmp_path / "out" / "results.json")
    names = [cell["cell"] for cell in found["cells"]]
    assert names == [
        "progressive_1-document",
        "progressive_1-papers",
        "progressive_1-papers-equal_time",
    ]
    seconds = [cell["cpu_seconds"]["train"] for cell in found["cells"]]
    steps = [cell["settings"]["steps"] for cell in found["cells"]]
    assert steps == [2, 2, max(1, round(2 * seconds[0] / seconds[1]))]
    assert list(found["words/s"]) == names
    assert min(found["words/s"].values()) > 0
    table = (tmp_path / "out" / "table.md").read_text(encoding="utf8")
    assert table.count("| progressive_1 | papers |") == 4  # at equal steps and at equal time, two parts
    assert table.count("minus the views of the papers") == 2


def test_variants_differ_in_what_their_names_say(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from compare_layers import PAPER_VIEWS, SHARED, VARIANTS, changes

    assert len(VARIANTS) == 8
    assert changes("progressive_1-document", 6) == {"components.encoder.model.layers": [5]}
    assert changes("progressive_3-document", 6) == {"components.encoder.model.layers": [3, 4, 5]}
    found = changes("shared-papers", 6)
    assert found.pop("components.encoder.model.sharing") == SHARED
    assert found.pop("components.encoder.model.layers") is None
    assert found == {f"components.{head}.model.tok2vec.view": view for head, view in PAPER_VIEWS.items()}
