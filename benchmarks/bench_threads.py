"""Threads under load: what an encoder pass takes beside busy neighbours, by number of threads and how they wait.

Each setting is a process of its own, because OpenMP reads it once: layers of MiniLM's shape over 4 sequences of 64
wordpieces, forwards and backwards. Neighbours are loops that keep a core busy each. What is to be seen is wall time,
with CPU time beside it: threads that spin while they wait take CPU time and give nothing for it. Settings take turns.

    python benchmarks/bench_threads.py --neighbours 2
"""

import multiprocessing
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import srsly
import typer

from spacy_medmtl.training.report import table

SETTINGS: dict[str, dict[str, str]] = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2"},
    "2 threads, OMP_WAIT_POLICY=passive": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"},
    "2 threads, OMP_WAIT_POLICY=active": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "active"},
}
WORKER = """
import sys, time
import torch
from torch import nn
layers = [nn.TransformerEncoderLayer(384, 12, 1536, dropout=0.0, batch_first=True) for _ in range(6)]
rows = torch.randn(4, 64, 384)
def step():
    hidden = rows
    for layer in layers:
        hidden = layer(hidden)
    hidden.sum().backward()
step()
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(int(sys.argv[1])):
    step()
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def busy() -> None:
    while True:
        pass


def measure(setting: dict[str, str], steps: int) -> tuple[float, float]:
    """Wall and CPU seconds of a step."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(steps)]
    wall, cpu = subprocess.check_output(command, env={**environment, **setting}, text=True).split()
    return float(wall) / steps, float(cpu) / steps


def main(
    neighbours: Annotated[int, typer.Option(min=0, help="Busy processes beside it.")] = 2,
    steps: Annotated[int, typer.Option(min=1, help="Steps that are timed together.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, help="Turns of all settings.")] = 3,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/threads"),
) -> None:
    """Measure, and write JSON and a Markdown table."""
    processes = [multiprocessing.Process(target=busy, daemon=True) for _ in range(neighbours)]
    for process in processes:
        process.start()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SETTINGS}
    try:
        for _ in range(repeats):
            for name, setting in SETTINGS.items():
                found[name].append(measure(setting, steps))
    finally:
        for process in processes:
            process.terminate()
    medians = {name: [statistics.median(kind) for kind in zip(*runs)] for name, runs in found.items()}
    rows = [[name, f"{1000 * wall:,.0f}", f"{1000 * cpu:,.0f}"] for name, (wall, cpu) in medians.items()]
    lines = table(["", "ms a step", "CPU ms a step"], rows)
    lines += [
        "",
        f"{os.cpu_count()} cores, {neighbours} busy neighbours, load {os.getloadavg()[0]:.0f}, {repeats} turns.",
    ]
    output.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output / "results.json", {"cores": os.cpu_count(), "neighbours": neighbours, "seconds": medians})
    (output / "table.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
