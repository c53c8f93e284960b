"""Things that need a process of their own: ``n_process=2``, and the same bytes from the same seed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

LIMIT = 120  # seconds; a hang fails


def run(*args: str, **env: str) -> Any:
    """What worker_script.py prints."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", str(here / "worker_script.py"), *args],
        env={**os.environ, "HF_HUB_OFFLINE": "1", **env},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_two_worker_processes_give_the_same_and_do_not_hang(trained_path: Path):
    """Four torch threads run in the parent when it forks; a child that waits for them would wait for ever."""
    together, alone = run("pipe", str(trained_path), OMP_NUM_THREADS="4")
    assert together == alone
    assert any(doc["medmtl_findings"][0] for doc in together)


def files(folder: Path) -> Dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_seed_same_bytes(tiny_encoder: Path, tmp_path: Path):
    """Two processes with other hash seeds: equal losses, and equal bytes of every file of the pipeline."""
    losses = [run("train", str(tiny_encoder), str(tmp_path / seed), PYTHONHASHSEED=seed) for seed in ("1", "2")]
    one, two = files(tmp_path / "1"), files(tmp_path / "2")
    assert losses[0] == losses[1]
    assert one.keys() == two.keys()
    differing = {name for name in one if one[name] != two[name]}
    assert differing <= {"sentencizer.json"}  # spaCy's own: a set, written in the order of the hash seed
    punct = [set(json.loads(folder["sentencizer.json"])["punct_chars"]) for folder in (one, two)]
    assert punct[0] == punct[1]
    assert "encoder/encoder.safetensors" in one
