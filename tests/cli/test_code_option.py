"""``--code``: a pipeline or config that needs a Python file of the user's works with every command that loads one."""

import json
import subprocess
import sys

import pytest
import spacy
from annotating import unwrapped
from test_all_commands import LEAVES

TAKES_ONE = [
    name for name, command in LEAVES.items() if {"pipeline", "model", "config"} & {one.name for one in command.params}
]
ARGUMENTS = {
    "annotate": ("notes", "-o", "out.jsonl"),
    "calibrate": ("corpus", "-o", "out"),
    "evaluate": ("corpus", "-o", "out.json"),
    "optimize": ("corpus", "out"),
    "preannotate": ("notes", "--for", "prodigy", "-o", "out.jsonl"),
    "push": ("clinic/en_x",),
}
CODE = """
from spacy.language import Language
from spacy_medmtl.annotations.groups import FINDINGS, write_group


@Language.component("NAME")
def find(doc):
    spans = [doc[token.i : token.i + 1] for token in doc if token.text == "cough"]
    write_group(doc, FINDINGS, spans, assertion=["positive"] * len(spans), scores=[0.9] * len(spans))
    return doc
"""
SPAWNED = """
import multiprocessing
from spacy_medmtl.cli import app

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    app()
"""


@pytest.fixture
def own(pipeline, tmp_path, request):
    """A pipeline whose component stands in a file that nobody has imported, and that file."""
    name = "".join(letter if letter.isalnum() else "_" for letter in f"own_{request.node.name}")
    nlp = spacy.load(pipeline)
    nlp.to_disk(tmp_path / "own")
    config = tmp_path / "own" / "config.cfg"
    config.write_text(config.read_text().replace('factory = "test_findings"', f'factory = "{name}"'))
    (tmp_path / "own.py").write_text(CODE.replace("NAME", name))
    return tmp_path / "own", tmp_path / "own.py"


@pytest.mark.parametrize("name", TAKES_ONE)
def test_every_command_with_a_pipeline_or_config_takes_it_as_spacys_do(name):
    (option,) = [one for one in LEAVES[name].params if one.name == "code"]
    assert option.opts == ["--code", "-c"]


@pytest.mark.parametrize("name", [name for name in TAKES_ONE if not name.startswith("lab ") or name == "lab order"])
def test_every_one_imports_it(medmtl, own, notes, corpus, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("import no_such_module")
    config = () if name in ("debug-data", "lab order") else ARGUMENTS.get(name, ())
    first = own[0] / "config.cfg" if name in ("debug-data", "lab order") else own[0]
    for code, problem in (("nowhere.py", "FileNotFoundError"), ("broken.py", "No module named 'no_such_module'")):
        result = medmtl(*name.split(), first, *config, "--code", code)
        assert result.exit_code == 1
        assert "[MEDMTL-E509]" in result.output
        assert problem in unwrapped(result.output)


@pytest.mark.parametrize("name", ["annotate", "card", "evaluate", "info", "preannotate", "show", "view"])
def test_a_pipeline_of_own_code(medmtl, own, notes, corpus, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    rest = {"view": ("notes",)}.get(name, ARGUMENTS.get(name, ()))
    without = medmtl(name, own[0], *rest)
    assert "[MEDMTL-E501]" in without.output
    assert "--code" in unwrapped(without.output)
    result = medmtl(name, own[0], *rest, "-c", own[1])
    assert result.exit_code == 0, result.output


def test_workers_know_it(medmtl, own, notes, tmp_path):
    result = medmtl("annotate", own[0], notes, "-o", tmp_path / "out.jsonl", "-c", own[1], "--workers", 2)
    if result.exit_code:  # where processes are spawned: told before anything is done
        assert "[MEDMTL-E404]" in result.output
    else:
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert sum(len(row["findings"]) for row in rows) == 3


def test_workers_that_cannot_know_it_are_refused(own, notes, tmp_path):
    (tmp_path / "spawned.py").write_text(SPAWNED)
    command = [sys.executable, "spawned.py", "annotate", str(own[0]), str(notes), "-o", "out.csv", "-c", str(own[1])]
    done = subprocess.run([*command, "-w", "2"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[MEDMTL-E404] --workers is 2" in done.stderr
    assert not (tmp_path / "out.csv").exists()
