"""One cell in a process of its own: train, score, write one JSON. ``python -m spacy_medmtl.lab.worker`` is how the
runner starts it; peak memory and seconds are therefore the cell's own.

On failure, what the user is to read stands in OUT with the ending ``.failed``; the log has the places in the code, but
nothing of the data.
"""

import json
import os
import platform
import sys
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..additional_code import import_code
from ..training.pipeline_saving import save_whole
from ..training.provenance import SCORED_WITH
from .costs import measure_costs, peak_gigabytes
from .order import METRICS


def measure(config_path: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Train the config and measure what the job says: ``gpu_id``, ``code`` (a Python file to import first, or None),
    ``limits`` (part -> corpus -> documents), ``gradients``, ``costs``, ``metrics`` (task -> metric), ``keep`` (a
    folder, or nothing)."""
    import torch
    from spacy import require_gpu, util
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import train

    if job["gpu_id"] >= 0:
        require_gpu(job["gpu_id"])
    import_code(job["code"])
    config = util.load_config(config_path, interpolate=False)
    start = time.perf_counter()
    nlp = init_nlp(config, use_gpu=job["gpu_id"])
    ready, ready_cpu = time.perf_counter(), time.process_time()
    if config["training"]["max_steps"]:
        nlp, _ = train(nlp, None, use_gpu=job["gpu_id"])
    trained, trained_cpu = time.perf_counter(), time.process_time()
    memory = peak_gigabytes()
    if job["keep"]:
        save_whole(nlp, Path(job["keep"]))
    if job["gradients"]:
        from .gradients import layer_cosines

        measured: dict[str, Any] = {"cosines": layer_cosines(nlp, seed=config["system"]["seed"])}
    elif job["costs"]:
        measured = {"costs": measure_costs(nlp, job["code"])}
    else:
        corpora = config.interpolate()["corpora"]
        limits, metrics = job["limits"], job["metrics"]
        measured = {"scores": {part: task_scores(nlp, corpora[part], limits[part], metrics) for part in limits}}
    return {
        **measured,
        "seconds": {"initialize": ready - start, "train": trained - ready, "score": time.perf_counter() - trained},
        # "whole" is with those of processes that it started
        "cpu_seconds": {"train": trained_cpu - ready_cpu, "whole": sum(os.times()[:4])},
        "peak_gigabytes": memory,
        "parameters": n_parameters(nlp),
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} thread(s)",
        "device": torch.cuda.get_device_name() if job["gpu_id"] >= 0 else "CPU",
        "versions": {name: version(name) for name in SCORED_WITH},
    }


def task_scores(nlp: Any, reader: dict[str, Any], limits: dict[str, int], metrics: dict[str, str]) -> dict[str, Any]:
    """By task: ``score`` (mean over its corpora), its floor where there is one, documents, and all scores of each
    corpus. metrics: what a task is scored by, where that is not the first of METRICS."""
    from ..training.corpus import corpus_entry
    from ..training.evaluation import evaluate_entry

    by_task: dict[str, Any] = {}
    for name, settings in reader["corpora"].items():
        entry = corpus_entry(name, {**settings, "limit": limits[name]})
        result = evaluate_entry(nlp, entry, gold_sents=reader.get("gold_sents", False))
        for task in settings["tasks"]:
            scores, floors = result["scores"], result["floors"]
            names = [metrics[task]] if task in metrics else METRICS
            main = next((f"{task}_{metric}" for metric in names if f"{task}_{metric}" in scores), "")
            of_corpus = {"score": scores.get(main, 0.0), "floor": floors.get(main), "n_docs": result["n_docs"]}
            of_corpus["scores"] = {key: value for key, value in scores.items() if key.startswith(f"{task}_")}
            by_task.setdefault(task, {})[name] = of_corpus
    return {
        task: {"score": sum(of_corpus["score"] for of_corpus in corpora.values()) / len(corpora), "corpora": corpora}
        for task, corpora in by_task.items()
    }


def n_parameters(nlp: Any) -> dict[str, int]:
    """Trainable numbers in each component that holds a torch module."""
    from ..encoder.bridge import TorchShim

    pipes: list[tuple[str, Any]] = [(name, pipe.model) for name, pipe in nlp.pipeline if hasattr(pipe, "model")]
    return {
        name: sum(parameter.numel() for parameter in shim.module.parameters())
        for name, model in pipes
        for shim in model.shims
        if isinstance(shim, TorchShim)
    }


def main(config_path: Path, output: Path, job: dict[str, Any]) -> int:
    """Measure and write; 0, or 1 where it failed."""
    from ..corpora.outputs import write_atomically
    from ..errors import MedmtlError

    try:
        result = {**job["result"], **measure(config_path, job)}
    except MedmtlError as error:
        problem = str(error)
    except Exception as error:  # whatever it is, other cells go on; messages of libraries may quote texts
        traceback.print_tb(error.__traceback__)
        problem = type(error).__name__
    else:
        write_atomically(output, (json.dumps(result, indent=2) + "\n").encode())
        return 0
    write_atomically(output.with_suffix(".failed"), problem.encode())
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])))
