"""Outputs over inputs, devices, links and folders; output that is no terminal, or in an encoding that lacks letters."""

import errno
import json
import os
import re
import subprocess
import sys

import pytest
from annotating import unwrapped
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.corpora.outputs import write_atomically
from spacy_medmtl.errors import MedmtlError

MEDMTL = [sys.executable, "-m", "spacy_medmtl.cli"]


def test_no_command_writes_over_what_it_reads(medmtl, model, corpus, tmp_path):
    corpus, scores = corpus / "x.spacy", tmp_path / "s.json"
    assert medmtl("evaluate", model, corpus, "-o", scores).exit_code == 0
    for command in (
        ("evaluate", model, corpus.parent, "-o", corpus),
        ("evaluate", model, corpus, "-o", tmp_path / "y", "--page", tmp_path / "y"),
        ("report", scores, scores),
        ("card", model, "--scores", scores, "-o", scores, "--force"),
        ("export", "jsonl", corpus, "-o", corpus, "--force"),
    ):
        before = corpus.read_bytes(), scores.read_bytes()
        result = medmtl(*command)
        assert result.exit_code == 1, command
        assert "MEDMTL-E407" in result.output
        assert (corpus.read_bytes(), scores.read_bytes()) == before


def test_a_device_keeps_its_place_and_a_link_stays_one(tmp_path):
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    with pytest.raises(MedmtlError, match=r"E407.*is a device or a pipe"):
        write_atomically(pipe, b"x")
    assert pipe.is_fifo()
    link.symlink_to(target)
    write_atomically(link, b"x")
    assert link.is_symlink()
    assert target.read_bytes() == b"x"


@pytest.mark.parametrize(("tool", "is_folder"), [("brat", False), ("prodigy", True)])
def test_preannotate_where_something_of_another_kind_is(medmtl, pipeline, notes, tmp_path, tool, is_folder):
    output = tmp_path / "out"
    output.mkdir() if is_folder else output.write_text("mine")
    result = medmtl("preannotate", pipeline, notes, "--for", tool, "-o", output, "--force")
    assert "MEDMTL-E407" in result.output
    assert output.is_dir() == is_folder


def test_preannotate_writes_no_tasks_among_the_notes(medmtl, pipeline, notes):
    before = sorted(notes.rglob("*"))
    assert "MEDMTL-E407" in medmtl("preannotate", pipeline, notes, "--for", "brat", "-o", notes, "--force").output
    assert sorted(notes.rglob("*")) == before


@pytest.mark.parametrize("encoding", ["base64", "rot13", "undefined", "nowhere"])
def test_encodings_that_are_none_of_texts(medmtl, pipeline, notes, tmp_path, encoding):
    for command in (
        ("convert", "csv_sentences", notes / "a.txt", "-o", tmp_path / "x.spacy"),
        ("preannotate", pipeline, notes, "--for", "prodigy", "-o", tmp_path / "p"),
    ):
        result = medmtl(*command, "--encoding", encoding)
        assert result.exit_code == 1
        assert "MEDMTL-E404" in result.output


def test_a_minus_is_no_output(medmtl, pipeline, notes, tmp_path, monkeypatch):
    """Of which people expect standard output, as of other programs."""
    monkeypatch.chdir(tmp_path)
    for command in (
        ("annotate", pipeline, notes, "-o", "-", "--format", "jsonl"),
        ("view", pipeline, notes / "a.txt", "-o", "-"),
        ("convert", "conll", notes / "a.txt", "-o", "-"),
        ("preannotate", pipeline, notes, "--for", "prodigy", "-o", "-"),
        ("export", "jsonl", notes, "-o", "-"),
    ):
        result = medmtl(*command)
        assert result.exit_code == 1, command
        assert not (tmp_path / "-").exists(), command
    assert "not standard output" in result.output + medmtl("card", pipeline, "-o", "-").output


def test_card_where_a_folder_is(medmtl, model, tmp_path):
    assert "is a folder" in unwrapped(medmtl("card", model, "-o", tmp_path).output)


def test_corpora_of_a_folder_that_is_not_there(medmtl, tmp_path):
    result = medmtl("corpora", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "MEDMTL-E404" in result.output


def test_no_colours_where_nobody_looks(medmtl, model, tmp_path):
    assert "\x1b" not in medmtl("card", model, "-o", tmp_path / "card.md").output


def test_letters_that_the_output_lacks_are_escaped(model, tmp_path):
    (tmp_path / "note.txt").write_text("Übelkeit.", encoding="utf8")
    command = [*MEDMTL, "show", str(model), str(tmp_path / "note.txt")]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert r"\xdcbelkeit." in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["corpora"], ["corpora", "--json"]])
def test_a_full_disk_behind_standard_output_is_told(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*MEDMTL, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"\[MEDMTL-E508\] There is no room for standard output \(.+\n", done.stderr)


def test_a_full_disk_behind_another_file_is_told():
    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "note of Anna Berg.txt")

    app.command("fill")(fail)
    result = CliRunner().invoke(app, ["fill"])
    app.registered_commands.pop()
    assert result.exit_code == 1
    assert "[MEDMTL-E508] There is no room for a file" in result.stderr
    assert "Anna" not in result.output


@pytest.fixture
def full_disk():
    """A limit on the size of files stands for it."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("tool", ["brat", "prodigy"])
def test_a_full_disk_behind_an_output_is_told(medmtl, pipeline, notes, tmp_path, tool, request):
    (notes / "long.txt").write_text("A cough. " * 500, encoding="utf8")
    request.getfixturevalue("full_disk")
    result = medmtl("preannotate", pipeline, notes, "--for", tool, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "MEDMTL-E407" in result.output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_of_files_that_are_no_utf_8(medmtl, pipeline, tmp_path):
    """As a disk of an older system has them. They are written as escapes, and nothing is lost for them."""
    folder = tmp_path / "notes"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9")
    (folder / f"{name}.txt").write_text("A cough.")
    (folder / f"{name}.ann").write_text("T1\tProblem 2 6\tcoug\n")
    for form in ("jsonl", "csv", "html", "brat"):
        assert medmtl("annotate", pipeline, folder, "-o", tmp_path / form, "--format", form).exit_code == 0
    assert json.loads((tmp_path / "jsonl").read_text())["doc_id"] == "caf\\udce9"
    shown = medmtl("show", pipeline, folder / f"{name}.txt", "--json")
    assert json.loads(shown.output)["findings"][0]["doc_id"].endswith("caf\\udce9.txt")
    converted = medmtl("convert", "brat", folder, "-o", tmp_path / "x.spacy")
    assert converted.exit_code == 0, converted.output
    audit = json.loads((tmp_path / "x.spacy.audit.json").read_text())
    assert [change["file"] for change in audit["changes"]] == [f"{folder / name}.ann"]
