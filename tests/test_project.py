"""The workflow: project.yml says exactly what each command reads and writes, and the configs are whole."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import srsly
from spacy.cli.debug_config import debug_config
from spacy.cli.init_config import fill_config
from spacy.util import load_config
from weasel.cli.run import project_run

ROOT = Path(__file__).parent.parent
# fine_tune.cfg needs a refined pipeline: tests/training/test_refine_fine_tune.py makes one
CONFIGS = sorted(path for path in (ROOT / "configs").glob("*.cfg") if path.stem != "fine_tune")
FOLDERS = ("assets", "configs", "corpus", "training", "metrics", "packages")


def project() -> dict:
    return srsly.read_yaml(ROOT / "project.yml")


def resolved(text: str) -> str:
    variables = project()["vars"]
    return re.sub(r"\$\{vars\.(\w+)\}", lambda match: str(variables[match[1]]), text)


def paths_in(script: list[str]) -> set[str]:
    words = " ".join(resolved(line) for line in script).split()
    return {word for word in words if word.split("/")[0] in FOLDERS and "/" in word}


@pytest.mark.parametrize("command", project()["commands"], ids=lambda command: command["name"])
def test_every_path_of_a_script_is_declared(command):
    declared = [resolved(path) for kind in ("deps", "outputs", "outputs_no_cache") for path in command.get(kind, [])]
    for path in paths_in(command["script"]):
        assert any(one == path or one.startswith(f"{path}/") for one in declared), path


def test_what_a_command_needs_was_made_by_an_earlier_one_or_is_committed():
    made = set()
    for name in project()["workflows"]["all"]:
        command = next(one for one in project()["commands"] if one["name"] == name)
        for path in map(resolved, command.get("deps", [])):
            assert (ROOT / path).exists() or any(path == one or path.startswith(f"{one}/") for one in made), path
        made |= {resolved(path) for kind in ("outputs", "outputs_no_cache") for path in command.get(kind, [])}


def test_assets_are_extra_and_no_command_needs_them():
    """A corpus lies below one folder; what is downloaded is pinned to a commit and mostly has a checksum."""
    assets = project()["assets"]
    assert len({asset["dest"] for asset in assets}) == len(assets)
    for asset in assets:
        assert asset["extra"]
        assert asset["dest"].startswith("assets/corpora/")
        assert "url" not in asset or re.search(r"/[0-9a-f]{40}/", asset["url"])
        assert "url" in asset or "https://" in asset["description"] or "http://" in asset["description"]
    for command in project()["commands"]:
        assert not any("assets/corpora" in resolved(path) for path in command.get("deps", []))


def test_commands_write_what_they_declare(tmp_path, tiny_encoder, monkeypatch):
    """The steps from convert to report in a fresh copy: all outputs are there, and nothing else was written."""
    for part in ("train", "dev", "test"):  # one kind of text is enough
        (tmp_path / "assets" / "sample" / part).mkdir(parents=True)
        shutil.copy(ROOT / "assets" / "sample" / part / "dialogue.txt", tmp_path / "assets" / "sample" / part)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copytree(tiny_encoder, tmp_path / "assets" / "encoder" / "minilm")
    shutil.copy(ROOT / "project.yml", tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for variable, value in {"PATH": path, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}.items():
        monkeypatch.setenv(variable, value)
    for name in ("convert", "train", "calibrate", "evaluate", "report"):
        command = next(one for one in project()["commands"] if one["name"] == name)
        outputs = [tmp_path / resolved(path) for path in command["outputs"]]
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        project_run(tmp_path, name, overrides={"vars.config": "tiny"})
        assert all(path.exists() for path in outputs), name
        written = {path for path in tmp_path.rglob("*") if path.is_file()} - before - {tmp_path / "project.lock"}
        assert all(any(path == one or one in path.parents for one in outputs) for path in written), name
    assert "# Scores of" in (tmp_path / "metrics" / "sample.md").read_text(encoding="utf8")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_are_valid_and_complete(path):
    debug_config(path)
    assert load_config(path, interpolate=False) == fill_config("-", path, silent=True)[1]


def test_the_fast_config_differs_in_sharing_alone():
    config, fast = (load_config(ROOT / "configs" / f"{name}.cfg") for name in ("en_medmtl", "en_medmtl_fast"))
    assert fast["components"]["encoder"]["model"].pop("sharing") == {"@misc": "spacy-medmtl.shared_rule.v1"}
    assert config["components"]["encoder"]["model"].pop("sharing")["@misc"] == "spacy-medmtl.progressive_rule.v1"
    descriptions = [one["training"]["before_to_disk"]["meta"].pop("description") for one in (config, fast)]
    assert len(set(descriptions)) == 2
    assert fast == config


def test_readme_shows_the_project(tmp_path):
    readme = tmp_path / "README.md"
    shutil.copy(ROOT / "README.md", readme)
    command = [sys.executable, "-m", "spacy", "project", "document", str(ROOT), "--output", str(readme)]
    subprocess.run(command, check=True, capture_output=True)
    assert readme.read_text(encoding="utf8") == (ROOT / "README.md").read_text(encoding="utf8")


def test_configs_that_texts_name_are_there():
    texts = [path for folder in ("docs", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.[mp][dy]")]
    for path in (ROOT / "README.md", ROOT / "project.yml", *texts):
        for name in re.findall(r"\bconfigs/[\w/]+\.cfg", path.read_text(encoding="utf8")):
            assert (ROOT / name).is_file(), (path, name)
