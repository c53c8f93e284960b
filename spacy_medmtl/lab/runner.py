"""Running cells, each in a process of its own. What is measured already is not run again, a cell that fails stops no
other one, and an interrupted run loses no more than the cells it was at."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinc.api import Config

from ..errors import message
from ..training.provenance import file_sha256
from .cells import ENCODER, Budget, Cell, cell_config, doc_limits, file_digests, fingerprint

POLL_SECONDS = 0.5
Report = Callable[[str], None]


@dataclass(frozen=True)
class Planned:
    """A cell ready to run: its training config, where its result goes (JSON), and what the worker is told."""

    cell: Cell
    config: Config
    output: Path
    job: dict[str, Any]

    @property
    def is_done(self) -> bool:
        """Results are written whole or not at all. A pipeline that others start from must be there too."""
        keep = self.job["keep"]
        return self.output.is_file() and (not keep or (Path(keep) / "config.cfg").is_file())

    def start(self, jobs: int) -> "subprocess.Popen[bytes]":
        """Write the config and start the worker, whose words go to a log. Cells that run at once share the cores."""
        stem = self.output.with_suffix("")
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".failed").unlink(missing_ok=True)
        stem.with_suffix(".cfg").write_text(self.config.to_str(interpolate=False), encoding="utf8")
        arguments = [str(stem.with_suffix(".cfg")), str(self.output), json.dumps(self.job)]
        with stem.with_suffix(".log").open("wb") as log:
            command = [sys.executable, "-m", "spacy_medmtl.lab.worker", *arguments]
            threads = str(max(1, (os.cpu_count() or 1) // jobs))
            patient = {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}  # see docs/performance.md
            environment = {**patient, **os.environ, "PYTHONHASHSEED": "0"}
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)

    def problem(self, status: int) -> str:
        """Why it failed, from what the worker left or how it ended."""
        note = self.output.with_suffix(".failed")
        return note.read_text(encoding="utf8") if note.is_file() else f"its process ended with status {status}"


def plan(
    experiment: str,
    base: Config,
    cells: Sequence[Cell],
    budget: Budget,
    folder: Path,
    gpu_id: int,
    origin: dict[str, str] | None = None,
    code: Path | None = None,
) -> list[Planned]:
    """The cells of an experiment with their configs, in the folder's ``cells``.

    origin: what tells this base config from others whose results are in the same table, by name. code: a Python file
    that every cell imports first.
    """
    planned: list[Planned] = []
    known: dict[str, str] = {}
    code_digest = {} if code is None else {str(code): file_sha256(code)}
    for cell in cells:
        source = _source(cell, planned)
        config = cell_config(base, cell, budget)
        if source is not None:
            config["components"][ENCODER] = {"source": source.job["keep"]}
        files = file_digests(config, known)
        known.update(files)
        files.update(code_digest)
        limits = doc_limits(base, budget)
        device = "CPU" if gpu_id < 0 else "GPU"
        scored = {part: limits[part] for part in ("dev", "test")}
        measured = {"gradients": cell.gradients, "costs": cell.costs, "limits": scored, "device": device}
        measured["metrics"] = dict(base["lab"].get("metrics", {}))
        mark = fingerprint(config, measured, files)
        name = f"{cell.name}-{cell.seed}-{mark}"
        settings = {
            "steps": cell.steps,
            "rate": config["training"]["optimizer"]["learn_rate"]["initial_rate"],
            **{f"{part} docs": " ".join(map(str, limits[part].values())) for part in ("train", "test")},
            "device": device,
            **(origin or {}),
        }
        rule = config["components"].get(ENCODER, {}).get("model", {}).get("sharing", {})
        settings.update({"init": rule["init"]} if "init" in rule else {})
        result = {"experiment": experiment, "cell": cell.name, "row": cell.title, "seed": cell.seed}
        result["encoder"] = str(base.interpolate()["initialize"]["components"][ENCODER]["loader"].get("path", ""))
        result["note"] = str(base["lab"].get("note", ""))
        job = {
            "gpu_id": gpu_id,
            "code": None if code is None else str(code),
            **measured,
            "keep": str(folder / "pipelines" / name) if cell.keeps else "",
            "result": {**result, "fingerprint": mark, "settings": settings},
        }
        planned.append(Planned(cell, config, folder / "cells" / f"{name}.json", job))
    return planned


def run(planned: Sequence[Planned], *, jobs: int, report: Report, tick: Callable[[int, list[str]], None]) -> list[str]:
    """Run what is not done, at most ``jobs`` at once, in their order; a coded message per cell that failed.

    report: gets a line for each cell that ends. tick: gets, again and again, how many are done and which are running.
    """
    waiting = [planned_cell for planned_cell in planned if not planned_cell.is_done]
    running: dict[str, Any] = {}  # output -> (planned, process)
    failed: dict[str, str] = {}  # output -> message
    try:
        while waiting or running:
            for planned_cell in list(waiting):
                source = _source(planned_cell.cell, planned)
                if source is not None and str(source.output) in failed:
                    waiting.remove(planned_cell)
                    failed[str(planned_cell.output)] = _failure(
                        planned_cell, f"it starts from the cell '{planned_cell.cell.after}', which failed"
                    )
                elif len(running) < jobs and (source is None or source.is_done):
                    waiting.remove(planned_cell)
                    running[str(planned_cell.output)] = (planned_cell, planned_cell.start(jobs))
            for key, (planned_cell, process) in list(running.items()):
                status = process.poll()
                if status is not None:
                    del running[key]
                    if status or not planned_cell.is_done:
                        failed[key] = _failure(planned_cell, planned_cell.problem(status))
                    report(failed.get(key, f"{planned_cell.output.stem}: done"))
            tick(
                len(planned) - len(waiting) - len(running),
                [str(planned_cell.output.stem) for planned_cell, _ in running.values()],
            )
            time.sleep(POLL_SECONDS if running else 0.0)
    finally:  # interrupted: no process outlives this one
        for _, process in running.values():
            process.terminate()
            process.wait()
    return list(failed.values())


def _source(cell: Cell, planned: Iterable[Planned]) -> Planned | None:
    """What a cell starts from, if it does not start anew."""
    return next(
        (
            planned_cell
            for planned_cell in planned
            if (planned_cell.cell.name, planned_cell.cell.seed) == (cell.after, cell.seed)
        ),
        None,
    )


def _failure(planned_cell: Planned, problem: str) -> str:
    return message("E341", cell=planned_cell.output.stem, problem=problem, log=planned_cell.output.with_suffix(".log"))
