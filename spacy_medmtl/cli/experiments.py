"""``medmtl lab systems``, ``kshot``, ...: one command for each experiment in ``spacy_medmtl/lab/experiments.py``."""

import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from tqdm import tqdm
from wasabi import msg

from ..additional_code import import_code
from ..corpora.outputs import write_atomically
from ..errors import MedmtlError, writing
from ..lab.cells import PROFILES, Budget, Cell, with_seeds
from ..lab.experiments import EXPERIMENTS, routes_of, with_tasks
from ..lab.tables import TABLES, current, read_results, varying
from .loading import Code, GpuId, config_overrides, use_device

PARTS = ("test", "dev")
# Overrides that have a column of their own in any case
SHOWN_ANYWAY = ("lab.sharing.progressive.init", "training.optimizer.learn_rate.initial_rate")
MEANING = {
    "scores": "Micro-F1 on the {part} part in percent (strict; or what [lab.metrics] says, of values Pearson's "
    "correlation), mean ± standard deviation over seeds; last weights, nothing selected.",
    "pairwise": "Change of micro-F1 on the {part} part in points, mean ± standard deviation over seeds; last weights.",
    "gradients": "Cosines of gradients on training batches, mean ± standard deviation over seeds.",
    "costs": "Untrained pipelines. Memory: by how much a fresh process grows that loads one and annotates the test "
    "documents of all tasks with all components. Times: the number, divided by that of the first line.",
}


def experiment_command(name: str) -> Callable[..., None]:
    """The command of one experiment."""

    def command(
        ctx: typer.Context,
        config: Annotated[
            Path, typer.Option(help="The base config. Its settings may follow: --training.batcher.size 320.")
        ] = Path("configs/lab/progressive.cfg"),
        data: Annotated[Path | None, typer.Option(help="Folder of the corpora, if not the config's.")] = None,
        encoder: Annotated[Path | None, typer.Option(help="Folder of the encoder, if not the config's.")] = None,
        output: Annotated[
            Path | None, typer.Option(help=f"Folder for all results. metrics/lab/{name} if left out.")
        ] = None,
        profile: Annotated[str, typer.Option(help=f"Budget of {' or '.join(PROFILES)}.")] = "cpu",
        steps: Annotated[int, typer.Option(min=0, help="Training steps for each task; 0 for the profile's.")] = 0,
        seeds: Annotated[int, typer.Option(min=0, help="Seeds, from 0 on; 0 for the profile's number.")] = 0,
        init: Annotated[str, typer.Option(help="How progressive FFNs start, if not as in the config.")] = "",
        task: Annotated[
            list[str] | None,
            typer.Option(help="With this task, in the order given, easy to hard. May be repeated; all if left out."),
        ] = None,
        only: Annotated[list[str] | None, typer.Option(help="Run this cell. May be repeated.")] = None,
        jobs: Annotated[int, typer.Option(min=1, help="Cells that run at once.")] = 1,
        code: Code = None,
        gpu_id: GpuId = -1,
    ) -> None:
        from ..lab.checks import read_base

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no cell outlives this process
        import_code(code)
        folder = output or Path("metrics") / "lab" / name
        overrides = config_overrides(ctx.args)
        shorthands = {"paths.data": data, "paths.encoder": encoder, "lab.sharing.progressive.init": init}
        overrides.update({key: str(value) for key, value in shorthands.items() if value})
        budget = budget_of(profile, steps, seeds)
        if gpu_id >= 0:  # can it be used at all? The cells will, this process needs none
            use_device(gpu_id)
            spacy.require_cpu()
        base = read_base(config, overrides)
        origin = origin_of(config, overrides)
        if task:
            base, origin = with_tasks(base, task), {**origin, "tasks": " ".join(task)}
        failed = run_experiment(
            name, base, budget, folder, origin, only=only or [], jobs=jobs, gpu_id=gpu_id, code=code
        )
        for failure in failed:
            typer.secho(failure, fg=typer.colors.RED, err=True)
        if failed:
            raise typer.Exit(1)

    return command


def budget_of(profile: str, steps: int, seeds: int) -> Budget:
    """The profile's, with what was asked for instead. Raises MedmtlError E404 for an unknown profile."""
    if profile not in PROFILES:
        raise MedmtlError("E404", option="--profile", received=profile, expected=" or ".join(PROFILES))
    budget = PROFILES[profile]
    return replace(budget, steps=steps or budget.steps, seeds=tuple(range(seeds)) if seeds else budget.seeds)


def origin_of(config: Path, overrides: dict[str, Any]) -> dict[str, str]:
    """What stands in a table where results of several base configs, or of changed ones, are in one folder."""
    return {
        "config": config.stem,
        **{name: str(value) for name, value in overrides.items() if name not in SHOWN_ANYWAY},
    }


def run_experiment(
    name: str,
    base: Any,
    budget: Budget,
    folder: Path,
    origin: dict[str, str],
    *,
    only: list[str],
    jobs: int,
    gpu_id: int,
    code: Path | None,
) -> list[str]:
    """Check everything, run what is not done, write the tables; the messages of cells that failed."""
    from ..lab.checks import check
    from ..lab.kshot import sampled_cells
    from ..lab.limiting import limited_cells
    from ..lab.runner import plan, run

    once = list(EXPERIMENTS[name].cells(base, budget.steps))
    names = chosen(once, only)
    check_folder(name, folder)
    cells = with_seeds(once, budget.seeds)
    if any(cell.shots for cell in cells):
        cells = sampled_cells(base, cells, folder, show)
    cells = limited_cells(base, cells, budget, folder)
    planned = plan(name, base, cells, budget, folder, gpu_id, origin, code)
    wanted = [planned_cell for planned_cell in planned if planned_cell.cell.name in names]
    if not all(planned_cell.is_done for planned_cell in wanted):
        check(base, wanted, budget, show)
    with tqdm(total=len(wanted), desc=name, unit="cell", disable=None) as bar:

        def tick(n_done: int, running: list[str]) -> None:
            bar.set_postfix_str(", ".join(running), refresh=False)
            bar.n = n_done
            bar.refresh()

        failed = run(wanted, jobs=jobs, report=tqdm.write, tick=tick)
    write_tables(
        name,
        [cell.title for cell in once],
        routes_of(base),
        folder,
        {planned_cell.output.name for planned_cell in planned},
    )
    return failed


def check_folder(name: str, folder: Path) -> None:
    """Find out now what would be found wrong with the folder after hours. Raises MedmtlError E407 where it cannot be
    written or belongs to another experiment, E347 for a damaged result."""
    with writing(folder):
        (folder / "cells").mkdir(parents=True, exist_ok=True)
    other_experiments = {result["experiment"] for result in read_results(folder / "cells").values()} - {name}
    if other_experiments:
        problem = f"holds results of the experiment '{min(other_experiments)}'. Choose another folder for '{name}'"
        raise MedmtlError("E407", path=folder, problem=problem)


def chosen(cells: list[Cell], only: list[str]) -> set[str]:
    """The names of these cells, with those that they start from; of all, if none is named. Raises MedmtlError E345."""
    names = [cell.name for cell in cells]
    for name in only:
        if name not in names:
            raise MedmtlError("E345", received=name, expected=names)
    return {name for cell in cells if cell.name in (only or names) for name in (cell.name, cell.after) if name}


def write_tables(name: str, rows: list[str], tasks: list[str], folder: Path, planned: set[str]) -> None:
    """table.md, table.csv, table.json and plot.svg, and the table of the dev part: of all results in the folder, or,
    where lines have no room for other budgets, of the ``planned`` ones."""
    from ..lab.plots import draw

    kind = EXPERIMENTS[name].kind
    all_results = read_results(folder / "cells")
    kept = current(all_results, planned)
    if len(kept) < len(all_results):
        msg.warn(
            f"{len(all_results) - len(kept)} results from before the config, corpora or weights changed are left out"
        )
    results = [result for file, result in kept.items() if kind == "scores" or file in planned]
    if not results:
        return
    for part in PARTS if kind in ("scores", "pairwise") else PARTS[:1]:
        made = TABLES[kind](results, rows, tasks, part)
        stem = "table" if part == "test" else f"table_{part}"
        lines = [*made.markdown(), "", MEANING[kind].format(part=part), *notes(results)]
        write_atomically(folder / f"{stem}.md", ("\n".join(lines) + "\n").encode())
        write_atomically(folder / f"{stem}.csv", made.csv().encode())
        if part == "test":
            typer.echo("\n".join(made.markdown()))
            write_atomically(folder / "table.json", made.json().encode())
            picture = draw(kind, made, tasks, name)
            if picture:
                write_atomically(folder / "plot.svg", picture)
    msg.good(f"Wrote {folder}")


def notes(results: list[Any]) -> list[str]:
    """What a table needs to be read."""
    machines = sorted(
        {f"{result['machine']}, {result['device']}, torch {result['versions']['torch']}" for result in results}
    )
    common = [
        f"{name} {results[0]['settings'][name]}" for name in results[0]["settings"] if name not in varying(results)
    ]
    return [
        *sorted({f"Encoder {result['encoder']}. {result['note']}".strip() for result in results}),
        f"In all lines: {', '.join(common)}.",
        f"Machine: {'; '.join(machines)}.",
    ]


def show(items: Iterable[Any], what: str) -> Iterable[Any]:
    return tqdm(items, desc=what, disable=None, leave=False)


COMMANDS = {name: experiment_command(name) for name in EXPERIMENTS}
