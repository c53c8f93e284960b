"""What holds of every command: help with an example, JSON for programs, exit codes, no traceback unless asked for."""

import json
import re
import subprocess
import sys
import traceback
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import spacy_medmtl
from spacy_medmtl.cli import app
from spacy_medmtl.errors import MedmtlError

ROOT = typer.main.get_command(app)
LONGEST_HELP = 60  # lines of a terminal that is 120 wide


def commands(group: Any, *path: str) -> dict[str, Any]:
    """All commands below a group, by what one types."""
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found.update(commands(command, *path, name))
        else:
            found[" ".join((*path, name))] = command
    return found


LEAVES = commands(ROOT)


def run(*arguments: str):
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, list(arguments), prog_name="medmtl")


@pytest.mark.parametrize("name", LEAVES)
def test_help_is_short_and_its_example_fits_the_command(name):
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) <= LONGEST_HELP
    example = re.search(r"Example: (medmtl .+)", LEAVES[name].help or "")
    assert example, f"{name} has no example"
    words = example[1].split()
    assert words[1 : 1 + len(name.split())] == name.split()
    command, given = LEAVES[name], words[1 + len(name.split()) :]
    with command.make_context(name, given, resilient_parsing=False) as context:  # raises for what it does not take
        assert context.params


@pytest.mark.parametrize("name", LEAVES)
def test_sections_of_configs_are_in_the_help(name):
    """Rich would take [training] for a style, and print nothing."""
    texts = (LEAVES[name].help, *(getattr(parameter, "help", None) for parameter in LEAVES[name].params))
    sections = re.findall(r"\[[a-z._]+\]", " ".join(filter(None, texts)))
    output = run(*name.split(), "--help").output
    assert [section for section in sections if section not in output] == []


@pytest.mark.parametrize("name", LEAVES)
def test_every_option_and_argument_is_told(name):
    for parameter in LEAVES[name].params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


@pytest.mark.parametrize("name", LEAVES)
def test_an_unknown_option_ends_with_a_message(name):
    result = run(*name.split(), "--no-such-option")
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert result.stderr


def test_version():
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"spacy-medmtl {spacy_medmtl.__version__}\n")


def test_completion_can_be_had():
    assert {"install_completion", "show_completion"} <= {parameter.name for parameter in ROOT.params}


@pytest.fixture
def broken():
    """A command with a bug, whose exception quotes a note."""

    def fail() -> None:
        raise KeyError("Anna Berg has a fever")

    app.command("break")(fail)
    yield
    app.registered_commands.pop()


def test_a_bug_is_told_without_the_text_in_it(broken):
    result = run("break")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "[MEDMTL-E500]" in result.stderr
    assert "KeyError" in result.stderr
    assert "Anna" not in result.output


def test_a_reader_that_leaves_is_no_bug():
    """As ``head`` does. Here it is gone before anything is written."""
    command = [sys.executable, "-m", "spacy_medmtl.cli", "corpora"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_another_pipe_that_breaks_is_one():
    def fail() -> None:
        raise BrokenPipeError

    app.command("break")(fail)
    result = run("break")
    app.registered_commands.pop()
    assert "[MEDMTL-E500]" in result.stderr


def test_debug_shows_where_it_is(broken):
    result = run("--debug", "break")
    assert isinstance(result.exception, KeyError)
    assert traceback.extract_tb(result.exc_info[2])[-1].name == "fail"


def test_debug_shows_where_a_coded_error_comes_from(tmp_path):
    result = run("--debug", "info", str(tmp_path))
    assert isinstance(result.exception, MedmtlError)


def test_what_one_converter_takes():
    told = run("corpora", "--about", "brat")
    assert told.exit_code == 0
    assert "--set discontinuous=cover" in told.output
    (row,) = json.loads(run("corpora", "--about", "brat", "--json").output)
    assert row["settings"]["group"]["default"] == "ner"
    assert "[MEDMTL-E403]" in run("corpora", "--about", "nonsense").stderr
