"""What a pipeline takes to keep and to run, measured in a fresh process. ``python -m spacy_medmtl.lab.costs PIPELINE
[CODE]`` is how the worker starts it."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ..additional_code import import_code
from ..training.pipeline_saving import save_whole

BATCH_SIZE = 32


def measure_costs(nlp: Any, code: str | None = None) -> dict[str, float]:
    """``disk_megabytes`` of the saved pipeline, and what ``run_costs`` says of it. code: as of ``import_code``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        save_whole(nlp, path)
        command = [sys.executable, "-m", __name__, str(path), *([code] if code else [])]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {"disk_megabytes": size / 1e6, **json.loads(output)}


def run_costs(path: Path) -> dict[str, float]:
    """Load a pipeline and annotate the test documents of its config with all of its components: words per second of
    processor time, and the gigabytes by which the process grew at most."""
    import spacy
    from spacy.util import resolve_dot_names

    before = peak_gigabytes()
    nlp = spacy.load(path)
    (reader,) = resolve_dot_names(nlp.config.interpolate(), ["corpora.test"])
    docs = [example.predicted for example in reader(nlp)]
    n_words = sum(map(len, docs))
    start = time.process_time()
    for _ in nlp.pipe(docs, batch_size=BATCH_SIZE):
        pass
    seconds = time.process_time() - start
    return {"words_per_second": n_words / seconds, "memory_gigabytes": peak_gigabytes() - before}


def peak_gigabytes() -> float:
    """The most memory that this process has held so far; on a GPU the most that torch has held there.

    Linux says it of the program that runs now. What ``getrusage`` says there begins with the process that started it.
    """
    import resource

    import torch

    if torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 1e9
    status = Path("/proc/self/status")
    for line in status.read_text(encoding="ascii").splitlines() if status.is_file() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


if __name__ == "__main__":
    import_code(sys.argv[2] if len(sys.argv) > 2 else None)
    sys.stdout.write(json.dumps(run_costs(Path(sys.argv[1]))))
