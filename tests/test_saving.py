"""Folders that are whole or not there: whatever happens while one is written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors import SafetensorError

from spacy_medmtl.errors import MedmtlError, writing
from spacy_medmtl.saving import whole_folder

# Saves for as long as it lives; both files of a save hold its number.
SAVES_FOR_EVER = """
import sys
from pathlib import Path
from spacy_medmtl.saving import whole_folder
for number in range(10**6):
    with whole_folder(Path(sys.argv[1]), replaces="first") as part:
        for name in ("first", "second"):
            (part / name).write_text(str(number) * 10000)
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path: Path):
    for content in ("one", "two"):
        with whole_folder(tmp_path / "deep" / "out", replaces="file") as part:
            (part / "file").write_text(content)
            (part / content).mkdir()
            assert not (tmp_path / "deep" / "out" / content).exists()
    assert names(tmp_path / "deep") == {"out"}
    assert names(tmp_path / "deep" / "out") == {"file", "two"}


def save_half(path: Path, error: Exception) -> None:
    with whole_folder(path, replaces="file") as part:
        (part / "file").write_text("half")
        raise error


def test_what_raises_leaves_the_old_one(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("old")
    failures = {KeyError("a bug"): KeyError, OSError(28, "No space left on device"): MedmtlError}
    failures[SafetensorError("Error while serializing: I/O error: No space left on device")] = MedmtlError
    for raised, seen in failures.items():
        with pytest.raises(seen):
            save_half(tmp_path / "out", raised)
        assert names(tmp_path) == {"out"}
        assert (tmp_path / "out" / "file").read_text() == "old"


def test_nothing_of_others_is_deleted(tmp_path: Path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("some file")
    for name, reason in (("home", "holds something else"), ("file", "is a file")):
        with pytest.raises(MedmtlError, match=f"E407.*{reason}"), whole_folder(tmp_path / name, replaces="meta.json"):
            pytest.fail("the block was entered")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("some file")
    with pytest.raises(MedmtlError, match="E407.*cannot be made"), whole_folder(tmp_path / "file" / "out"):
        pytest.fail("the block was entered")


@pytest.mark.parametrize("where", [".", ".."])
def test_the_folder_that_one_is_in_keeps_its_place(tmp_path: Path, monkeypatch, where: str):
    """A shell would go on in the one that is gone."""
    (tmp_path / "within").mkdir()
    for folder in (tmp_path, tmp_path / "within"):
        (folder / "file").write_text("old")
    monkeypatch.chdir(tmp_path / "within")
    with pytest.raises(MedmtlError, match="E407.*that you are in"), whole_folder(Path(where), replaces="file"):
        pytest.fail("the block was entered")
    assert names(tmp_path) == {"file", "within"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("no number")])
def test_a_disk_that_takes_nothing_is_told_with_the_path(error: OSError):
    told = error.strerror or "OSError"
    with pytest.raises(MedmtlError, match=rf"E407.*'out' cannot be written \({told}\)"), writing(Path("out")):
        raise error


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_killed_at_any_moment_it_is_whole(tmp_path: Path):
    """Between the two renames (microseconds) the old folder is ``out.medmtl-old``: allowed, half a folder is not."""
    for wait in range(8):
        process = subprocess.Popen([sys.executable, "-c", SAVES_FOR_EVER, str(tmp_path / "out")])
        deadline = time.monotonic() + 60
        while not (tmp_path / "out").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.003 * wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = next(path for path in (tmp_path / "out", tmp_path / "out.medmtl-old") if path.exists())
        first, second = ((found / name).read_text() for name in ("first", "second"))
        assert first == second
        assert first
