"""The arithmetic of tables: mean and standard deviation over seeds, rows of several cells, transfer, cosines."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_medmtl.errors import MedmtlError, MedmtlWarning
from spacy_medmtl.lab.plots import draw
from spacy_medmtl.lab.tables import cosine_table, current, read_results, score_table, stat, transfer_table


def result(cell: str, seed: int, scores: dict[str, float], row: str = "", **settings: Any) -> dict[str, Any]:
    by_task = {task: {"score": score} for task, score in scores.items()}
    return {
        "cell": cell,
        "row": row or cell,
        "seed": seed,
        "settings": {"steps": 4, **settings},
        "scores": {"test": by_task, "dev": {}},
        "seconds": {"train": 10.0 * (seed + 1)},
        "peak_gigabytes": 1.0 + seed,
        "parameters": {"encoder": 2_000_000, "head": 500_000},
    }


def test_mean_and_standard_deviation():
    found = stat([1.0, 2.0, 4.0])
    assert (found.mean, found.sd, found.n) == (pytest.approx(7 / 3), pytest.approx(1.527525), 3)
    assert str(found) == "2.3 ± 1.5"
    assert str(stat([50.0])) == "50.0"
    assert stat([]) is None
    assert str(stat([0.04, 0.06], 3, True)) == "+0.050 ± 0.014"


def test_scores_over_seeds():
    results = [
        result("b", 0, {"x": 0.5, "y": 0.3}),
        result("b", 1, {"x": 0.7, "y": 0.1}),
        result("a", 0, {"x": 0.9, "y": 0.8}),
    ]
    table = score_table(results, ["a", "b"], ["x", "y"])
    assert table.header == ["", "x", "y", "mean", "seeds", "train s", "GB", "million parameters"]
    assert table.markdown()[2:] == [
        "| a | 90.0 | 80.0 | 85.0 | 1 | 10 | 1.00 | 2.50 |",
        "| b | 60.0 ± 14.1 | 20.0 ± 14.1 | 40.0 ± 0.0 | 2 | 15 ± 7 | 1.50 ± 0.71 | 2.50 |",
    ]
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert [float(rows[1]["x"]), float(rows[1]["x sd"])] == [pytest.approx(60.0), pytest.approx(14.142136)]
    assert rows[0]["x sd"] == ""
    assert json.loads(table.json())[1]["x"]["n"] == 2


def test_settings_that_differ_are_shown_and_not_averaged():
    results = [result("a", 0, {"x": 0.5}), result("a", 0, {"x": 0.7}, steps=8)]
    table = score_table(results, ["a"], ["x"])
    assert table.header[:3] == ["", "steps", "x"]
    assert [[str(value) for value in row[:3]] for row in table.rows] == [["a", "4", "50.0"], ["a", "8", "70.0"]]


def test_settings_are_in_the_order_of_numbers():
    budgets = ((2100, 1.0), (600, 0.5))
    results = [result("a", 0, {"x": 0.1}, steps=steps, rate=rate) for steps, rate in budgets]
    results.append(result("a", 0, {"x": 0.3}, steps="all", rate=0.5))
    rows = score_table(results, ["a"], ["x"]).rows
    assert [row[1] for row in rows] == [600, "all", 2100]  # rate stands before steps


def test_a_setting_that_only_some_results_of_a_row_have_tells_them_apart():
    changed = {"training.dropout": "0.2"}
    results = [result("a", 0, {"x": 0.5}), result("a", 0, {"x": 0.7}, **changed), result("b", 0, {"x": 0.1})]
    table = score_table(results, ["a", "b"], ["x"])
    assert table.header[:3] == ["", "training.dropout", "x"]
    assert [str(row[2]) for row in table.rows] == ["50.0", "70.0", "10.0"]


def test_a_setting_that_belongs_to_a_row_is_no_column():
    results = [result("a", 0, {"x": 0.5}, init="mean"), result("b", 0, {"x": 0.1})]
    assert score_table(results, ["a", "b"], ["x"]).header[:2] == ["", "x"]
    results.append(result("a", 0, {"x": 0.6}, init="zero"))
    assert score_table(results, ["a", "b"], ["x"]).header[:3] == ["", "init", "x"]


def test_results_of_an_earlier_state_are_left_out():
    old, new = result("a", 0, {"x": 0.1}), result("a", 0, {"x": 0.9})
    found = {"a-0-old.json": old, "a-0-new.json": new, "a-1-old.json": result("a", 1, {"x": 0.2})}
    assert set(current(found, set())) == {"a-0-new.json", "a-1-old.json"}
    assert set(current(found, {"a-0-old.json"})) == {"a-0-old.json", "a-1-old.json"}


def test_a_row_of_several_cells():
    """Each fine-tuned task is a cell of its own; seconds add up. A task that failed leaves a gap, and no mean."""
    cells = [result("x", 0, {"x": 0.2}, "tuned"), result("y", 0, {"y": 0.4}, "tuned")]
    row = score_table(cells, ["tuned"], ["x", "y"]).rows
    assert [str(value) for value in row[0][:6]] == ["tuned", "20.0", "40.0", "30.0", "1", "20"]
    assert score_table(cells[:1], ["tuned"], ["x", "y"]).rows[0][2:4] == [None, None]
    (two_seeds,) = score_table([*cells, result("x", 1, {"x": 0.4}, "tuned")], ["tuned"], ["x", "y"]).rows
    assert [str(value) for value in two_seeds[1:]] == ["30.0 ± 14.1", "40.0", "30.0", "1", "20", "1.00", "5.00"], (
        "half a seed counts neither for the mean nor for seconds, and parameters add up"
    )


def test_transfer_is_the_change_against_learning_alone():
    results = [
        *(result("x", seed, {"x": 0.5}) for seed in (0, 1)),
        *(result("y", seed, {"y": 0.4}) for seed in (0, 1)),
        result("x+y", 0, {"x": 0.6, "y": 0.3}),
        result("x+y", 1, {"x": 0.8, "y": 0.4}),
    ]
    table = transfer_table(results, [], ["x", "y"])
    assert [[str(value) for value in row] for row in table.rows] == [
        ["(alone)", "50.0 ± 0.0", "40.0 ± 0.0"],
        ["x", "None", "-5.0 ± 7.1"],
        ["y", "+20.0 ± 14.1", "None"],
    ]
    assert transfer_table(results[:2], [], ["x", "y"]).rows[0][2] is None, "a cell that failed leaves a gap"
    second_only = transfer_table([*results[:4], results[5]], [], ["x", "y"])
    assert str(second_only.rows[2][1]) == "+30.0", "of a seed alone, if the first one failed"


def test_cosines():
    results = [result("fresh", seed, {}) for seed in (0, 1)]
    for one, value in zip(results, (0.25, -0.05)):
        one["cosines"] = {"x y": {"embeddings": value, "layer 0": 0.5}}
    table = cosine_table(results, ["fresh"], ["x", "y"])
    assert table.header == ["encoder", "tasks", "embeddings", "layer 0"]
    assert [str(value) for value in table.rows[0]] == ["fresh", "x and y", "+0.100 ± 0.212", "+0.500 ± 0.000"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"row": 1, "seed": 0, "settings": []}'])
def test_a_broken_result(tmp_path: Path, text: str):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(MedmtlError, match="E347.*x.json"):
        read_results(tmp_path)


def plots() -> dict[str, Any]:
    scores = [result(cell, seed, {"x": 0.5, "y": 0.1 * seed}) for cell in ("x", "y", "x+y") for seed in (0, 1)]
    cosines = [{**one, "cosines": {"x y": {"layer 0": 0.1}, "x x": {"layer 0": 0.4}}} for one in scores[:2]]
    return {
        "scores": score_table(scores, [], ["x", "y"]),
        "pairwise": transfer_table(scores, [], ["x", "y"]),
        "gradients": cosine_table(cosines, [], ["x", "y"]),
    }


@pytest.mark.parametrize("kind", ["scores", "pairwise", "gradients"])
def test_plots_are_svg(kind: str):
    pytest.importorskip("matplotlib")
    picture = draw(kind, plots()[kind], ["x", "y"], kind)
    assert picture.startswith(b"<?xml")
    assert b"</svg>" in picture


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.warns(MedmtlWarning, match="W340"):
        assert draw("scores", plots()["scores"], ["x", "y"], "title") == b""
