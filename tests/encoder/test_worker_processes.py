"""Things that need a process of their own: ``n_process=2`` in each way of starting them, and the same bytes from the
same seed."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from worker_script import train

LIMIT = 300  # seconds; a hang fails


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the other process writes the pipeline that it trains."""
    return tmp_path_factory.mktemp("other")


@pytest.fixture(scope="module")
def elsewhere(tiny_encoder: Path, trained_path: Path, output: Path) -> dict[str, Any]:
    """What worker_script.py found in a fresh process with another hash seed and four threads."""
    script = Path(__file__).parent / "worker_script.py"
    with subprocess.Popen(
        [sys.executable, "-W", "error::UserWarning", str(script), str(tiny_encoder), str(output), str(trained_path)],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "4", "PYTHONHASHSEED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the workers too, which would outlive it
            pytest.fail(f"no end after {LIMIT} seconds")
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_two_worker_processes_give_the_same_and_do_not_hang(elsewhere: dict[str, Any], method: str):
    """Four torch threads run in the parent when it forks; a child that waits for them would wait for ever. Spawned
    processes, and those of a fork server, which Python 3.14 has by default, get the pipeline pickled."""
    assert elsewhere["together"][method] == elsewhere["alone"]
    assert any(doc["medmtl_findings"][0] for doc in elsewhere["together"][method])


def test_torch_threads_of_workers(elsewhere: dict[str, Any]):
    """In a forked one more than one would hang, whoever asked for them; others have what the user says, else one."""
    threads = elsewhere["threads"]
    told = threads["told, no pipeline"]  # of the four, as many as there are cores
    assert threads["spawn"] == threads.get("forkserver", told) == told
    assert threads.get("fork", [1]) == [1]
    assert (threads["spawn, not told"], threads["spawn, own"]) == ([1], [3])


def test_collecting_garbage_in_a_forked_worker_copies_nothing_of_its_parent(elsewhere: dict[str, Any]):
    """The collector writes on each object that it looks at, and a page that is written on is shared no longer."""
    frozen = elsewhere["frozen"]  # shares of the objects of the parent
    assert frozen.pop("fork", 1) > 0.9
    assert set(frozen.values()) == {0}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_seed_same_bytes(elsewhere: dict[str, Any], output: Path, tiny_encoder: Path, tmp_path: Path):
    """Here and in a fresh process with another hash seed: equal losses, and equal bytes of every file."""
    assert train(str(tiny_encoder), str(tmp_path)) == elsewhere["losses"]
    one, two = files(tmp_path), files(output)
    assert one.keys() == two.keys()
    differing = {name for name in one if one[name] != two[name]}
    assert differing <= {"sentencizer.json"}  # spaCy's own: a set, written in the order of the hash seed
    punct = [set(json.loads(folder["sentencizer.json"])["punct_chars"]) for folder in (one, two)]
    assert punct[0] == punct[1]
    assert "encoder/encoder.safetensors" in one
