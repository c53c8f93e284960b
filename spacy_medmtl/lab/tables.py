"""From the JSONs of an experiment to its table: mean and standard deviation over seeds, as Markdown, CSV and JSON."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import srsly

from ..errors import MedmtlError
from ..training.report import table

SEPARATOR = " and "  # of two tasks
Result = dict[str, Any]  # what the worker wrote of a cell


@dataclass(frozen=True)
class Stat:
    """A number over seeds. sd: the sample's (n - 1), None for one seed."""

    mean: float
    sd: float | None
    n: int
    digits: int = 1
    signed: bool = False

    def __str__(self) -> str:
        text = f"{self.mean:{'+' if self.signed else ''}.{self.digits}f}"
        return text if self.sd is None else f"{text} ± {self.sd:.{self.digits}f}"


Value = str | int | float | Stat | None


@dataclass(frozen=True)
class Table:
    """A line for each row of the experiment."""

    header: list[str]
    rows: list[list[Value]]

    def markdown(self) -> list[str]:
        return table(self.header, [["" if value is None else str(value) for value in row] for row in self.rows])

    def json(self) -> str:
        """One object per line of the table; numbers as mean, sd and n."""
        rows = [{k: vars(v) if isinstance(v, Stat) else v for k, v in zip(self.header, row)} for row in self.rows]
        return str(srsly.json_dumps(rows, indent=2)) + "\n"

    def csv(self) -> str:
        """With the standard deviation in a column of its own."""
        numbers = [any(isinstance(row[i], Stat) for row in self.rows) for i in range(len(self.header))]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        heads = [[name, f"{name} sd"] if is_stat else [name] for name, is_stat in zip(self.header, numbers)]
        writer.writerow([name for head in heads for name in head])
        for row in self.rows:
            cells = [_csv_cells(value, is_stat) for value, is_stat in zip(row, numbers)]
            writer.writerow([value for cell in cells for value in cell])
        return out.getvalue()


def _csv_cells(value: Value, is_stat: bool) -> list[Any]:
    if isinstance(value, Stat):
        return [value.mean, "" if value.sd is None else value.sd]
    return [value, ""] if is_stat else [value]


def stat(values: Sequence[float], digits: int = 1, signed: bool = False) -> Stat | None:
    """Mean and sample standard deviation; None of nothing."""
    if not values:
        return None
    return Stat(mean(values), stdev(values) if len(values) > 1 else None, len(values), digits, signed)


def read_results(folder: Path) -> dict[str, Result]:
    """All results in a folder, by the names of their files, oldest first. Raises MedmtlError E347 for a file that is
    none."""
    results: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name)):
        try:
            result: Any = srsly.read_json(path)
            _ = result["cell"], result["row"], result["seed"], result["settings"]["steps"], result["seconds"]["train"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MedmtlError("E347", path=path, problem=type(error).__name__) from error
        results[path.name] = result
    return results


def current(results: dict[str, Result], planned: set[str]) -> dict[str, Result]:
    """Without what was measured of another state of the config, the corpora or the encoder: of results that a table
    could not tell apart, the one that is ``planned`` counts, or else the newest. ``results``: oldest first."""
    kept: dict[str, str] = {}
    for file, result in sorted(results.items(), key=lambda item: item[0] in planned):
        kept[srsly.json_dumps([result[name] for name in ("cell", "seed", "settings")], sort_keys=True)] = file
    return {file: results[file] for file in kept.values()}


def by_row(results: Sequence[Result], rows: Sequence[str]) -> list[list[Result]]:
    """Results that differ in seed (and corpora that they are about) only, in the order of ``rows``; others behind."""

    def key(result: Result) -> Any:
        place = rows.index(result["row"]) if result["row"] in rows else len(rows)
        settings = result["settings"]  # those with the fewest changes first, then by value: 600 steps before 2100
        values = [(name, *_by_size(value)) for name, value in sorted(settings.items())]
        return place, result["row"], len(settings), values

    return [list(group) for _, group in groupby(sorted(results, key=key), key)]


def _by_size(value: Any) -> tuple[bool, float, str]:
    """What sorts numbers by size, and anything else as text behind them."""
    is_number = isinstance(value, (int, float))
    return (not is_number, value, "") if is_number else (True, 0.0, str(srsly.json_dumps(value)))


def varying(results: Sequence[Result]) -> list[str]:
    """The settings with several values; a setting that only some results of a row have is one of them."""
    names = dict.fromkeys(name for result in results for name in result["settings"])
    settings = []
    for name in names:
        values = {(result["row"], str(result["settings"].get(name))) for result in results}
        given = {str(result["settings"][name]) for result in results if name in result["settings"]}
        if len(given) > 1 or len(values) > len({row for row, _ in values}):
            settings.append(name)
    return settings


def per_seed(group: Sequence[Result], task: str, part: str) -> dict[int, float]:
    """A task's score in percent, by seed; that of the cell that has it."""
    scored = {result["seed"]: result["scores"][part] for result in group if task in result["scores"][part]}
    return {seed: 100.0 * scores[task]["score"] for seed, scores in scored.items()}


def score_table(results: Sequence[Result], rows: Sequence[str], tasks: Sequence[str], part: str = "test") -> Table:
    """Scores of each task, their mean, and what training cost: seconds and parameters of all cells of a row, memory of
    the largest. Seeds for which a row has fewer cells than for others count for neither mean nor cost."""
    settings = varying(results)
    lines: list[list[Value]] = []
    for group in by_row(results, rows):
        scores = {task: per_seed(group, task, part) for task in tasks}
        seeds = sorted({result["seed"] for result in group})
        means = [mean(scores[task][seed] for task in tasks) for seed in seeds if all(seed in scores[t] for t in tasks)]
        own = {seed: [result for result in group if result["seed"] == seed] for seed in seeds}
        most = max(map(len, own.values()))
        own = {seed: cells for seed, cells in own.items() if len(cells) == most}
        n_parameters = [sum(sum(result["parameters"].values()) for result in cells) for cells in own.values()]
        lines.append(
            [
                group[0]["row"],
                *(group[0]["settings"].get(name) for name in settings),
                *(stat(list(scores[task].values())) for task in tasks),
                stat(means),
                len(own),
                stat([sum(result["seconds"]["train"] for result in cells) for cells in own.values()], 0),
                stat([max(result["peak_gigabytes"] for result in cells) for cells in own.values()], 2),
                f"{max(n_parameters) / 1e6:.2f}",
            ]
        )
    return Table(["", *settings, *tasks, "mean", "seeds", "train s", "GB", "million parameters"], lines)


def transfer_table(results: Sequence[Result], rows: Sequence[str], tasks: Sequence[str], part: str = "test") -> Table:
    """What learning with the task of a line changes on that of a column, in points, against learning it alone."""
    known = {(result["cell"], result["seed"]): result["scores"][part] for result in results}
    seeds = sorted({seed for _, seed in known})

    def delta(source: str, target: str) -> Stat | None:
        names = ("+".join(pair) for pair in ((source, target), (target, source)))
        pair = next((name for name in names if any((name, seed) in known for seed in seeds)), "")
        both = [seed for seed in seeds if (pair, seed) in known and (target, seed) in known]
        values = [known[pair, s][target]["score"] - known[target, s][target]["score"] for s in both]
        return stat([100.0 * value for value in values], signed=True)

    lines: list[list[Value]] = [
        [source, *(None if source == target else delta(source, target) for target in tasks)] for source in tasks
    ]
    alone = [stat([100.0 * known[task, s][task]["score"] for s in seeds if (task, s) in known]) for task in tasks]
    return Table(["learned with", *tasks], [["(alone)", *alone], *lines])


def cosine_table(results: Sequence[Result], rows: Sequence[str], tasks: Sequence[str], part: str = "test") -> Table:
    """Mean cosine of the gradients of two tasks, layer by layer; of a task with itself, between its batches."""
    layers = list(
        dict.fromkeys(layer for result in results for by_layer in result["cosines"].values() for layer in by_layer)
    )
    lines: list[list[Value]] = []
    for group in by_row(results, rows):
        for pair in group[0]["cosines"]:
            cosines = [result["cosines"][pair] for result in group if pair in result["cosines"]]
            values = [stat([by_layer[layer] for by_layer in cosines if layer in by_layer], 3, True) for layer in layers]
            lines.append([group[0]["row"], pair.replace(" ", SEPARATOR), *values])
    return Table(["encoder", "tasks", *layers], lines)


def cost_table(results: Sequence[Result], rows: Sequence[str], tasks: Sequence[str], part: str = "test") -> Table:
    """What pipelines take to keep and to run, and how many times that of the first line it is."""
    lines: list[list[Value]] = []
    first: dict[str, float] = {}
    for group in by_row(results, rows):
        costs = {
            "million parameters": [sum(result["parameters"].values()) / 1e6 for result in group],
            "MB on disk": [result["costs"]["disk_megabytes"] for result in group],
            "GB in memory": [result["costs"]["memory_gigabytes"] for result in group],
            "words/s": [result["costs"]["words_per_second"] for result in group],
        }
        means = {name: mean(values) for name, values in costs.items()}
        first = first or means
        line: list[Value] = [group[0]["row"]]
        for name, digits in (("million parameters", 1), ("MB on disk", 0), ("GB in memory", 2), ("words/s", 0)):
            line += [stat(costs[name], digits), stat([means[name] / first[name]], 2)]
        lines.append(line)
    names = ("million parameters", "MB on disk", "GB in memory", "words/s")
    return Table(["", *(head for name in names for head in (name, f"times ({name})"))], lines)


TABLES = {"scores": score_table, "pairwise": transfer_table, "gradients": cosine_table, "costs": cost_table}
