"""Ranks of gradients beside those of what pairs of tasks gain."""

from pathlib import Path

import pytest
import srsly

ROOT = Path(__file__).parents[2]
SCORES = {  # of the task, alone and with another; "a" and "b" gain most together, "b" and "c" lose
    "a": {"a": 0.5},
    "b": {"b": 0.5},
    "c": {"c": 0.5},
    "a+b": {"a": 0.7, "b": 0.6},
    "a+c": {"a": 0.5, "c": 0.5},
    "b+c": {"b": 0.4, "c": 0.3},
}
COSINES = {"a b": {"0": 0.3, "1": -0.3}, "a c": {"0": 0.2, "1": 0.1}, "b c": {"0": 0.1, "1": 0.2}, "a a": {"0": 1.0}}


def write(folder: Path, cell: str, **measured: object) -> None:
    """A result as the lab writes it."""
    common = {"cell": cell, "row": cell, "seed": 0, "settings": {"steps": 1}, "seconds": {"train": 1.0}}
    folder.mkdir(parents=True, exist_ok=True)
    srsly.write_json(folder / f"{cell}.json", {**common, **measured})


def test_agreement_and_its_opposite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from rank_transfer import gains, main, spearman

    for cell, scores in SCORES.items():
        write(tmp_path / "pairs" / "cells", cell, scores={"test": {task: {"score": n} for task, n in scores.items()}})
    write(tmp_path / "gradients" / "cells", "fresh", cosines=COSINES)
    found = gains(tmp_path / "pairs")
    assert found[frozenset("ab")] == pytest.approx(15.0)
    assert found[frozenset("ac")] == pytest.approx(0.0)
    assert found[frozenset("bc")] == pytest.approx(-15.0)
    main(tmp_path / "pairs", tmp_path / "gradients")
    printed = capsys.readouterr().out
    # of three pairs one order in six is the same, and one the reverse
    assert "| fresh | 3 | +1.00 (0.3" in printed
    assert "| -1.00 (0.3" in printed
    assert printed.splitlines()[-3:] == ["a and b: +15.0", "a and c: +0.0", "b and c: -15.0"]
    assert spearman([0.1, 0.1], [1.0, 2.0]) == ""
