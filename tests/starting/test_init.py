"""``medmtl init``: what it writes is a complete config and a project that runs."""

import os
import sys
from pathlib import Path

import pytest
import srsly
from spacy.cli.init_config import fill_config
from spacy.util import load_config, load_model_from_config
from typer.testing import CliRunner
from weasel.cli.run import project_run
from weasel.util import load_project_config, split_command

from spacy_medmtl.cli import app
from spacy_medmtl.starting.answers import SAMPLE_FOLDER, TASKS

NOTE = "No fever today. The left knee has pain. Mother had a cough."
ROWS = (
    "T1\tProblem 3 8\tfever\nA1\tNegation T1\nT2\tProblem 20 38\tleft knee has pain\nT3\tAnatomy 20 29\tleft knee\n",
)
SENTENCES = {"hello thanks": "social", "no fever today": "denial", "the knee has pain": "finding"}


def medmtl(*arguments: object, typed: str | None = None):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def own_data(tmp_path) -> Path:
    """A brat folder ``notes`` and a table ``sentences.csv``, each large enough for two parts."""
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(60):
        (notes / f"{number}.txt").write_text(f"{NOTE} Visit {number}.", encoding="utf8")
        (notes / f"{number}.ann").write_text("\n".join(ROWS), encoding="utf8")
    rows = [f"{text} {number},{label}" for number in range(40) for text, label in SENTENCES.items()]
    (tmp_path / "sentences.csv").write_text("\n".join(["text,label", *rows, ""]), encoding="utf8")
    return tmp_path


@pytest.mark.parametrize(
    ("data", "tasks", "sharing"),
    [
        ([f"sample={SAMPLE_FOLDER}"], TASKS, "progressive"),
        (["brat=notes"], ("pair_relation", "sru_nested_ner", "cpncf_assertion"), "shared"),
        (["brat=notes", "csv_sentences=sentences.csv"], ("sentence_intent", "cpncf_assertion"), "separate"),
        (["csv_pairs=sentences.csv"], ("pair_relation",), "mmoe"),
        (["csv_scores=sentences.csv"], ("pair_relation",), "progressive"),
    ],
)
def test_configs_are_complete_and_make_a_pipeline(own_data, tiny_encoder, monkeypatch, data, tasks, sharing):
    monkeypatch.chdir(own_data)
    given = [part for one in data for part in ("--data", one)] + [part for one in tasks for part in ("--task", one)]
    result = medmtl("init", "mine", *given, "-e", tiny_encoder, "--sharing", sharing, "--yes")
    assert result.exit_code == 0, result.output
    config = load_config("mine/config.cfg", interpolate=False)
    assert config == fill_config("-", Path("mine/config.cfg"), silent=True)[1]
    nlp = load_model_from_config(load_config("mine/config.cfg"), auto_fill=False)
    assert nlp.pipe_names == ["medmtl_sentences", "encoder", *tasks]
    assert nlp.get_pipe("encoder").model.attrs["routes"] == list(tasks)
    assert config["components"]["encoder"]["model"]["window"] == 128  # what the encoder can read
    assert srsly.read_yaml("mine/project.yml")["vars"]["name"] == "mine"
    paths = [one["path"] for one in config["corpora"]["train"]["corpora"].values()]
    script = " ".join(srsly.read_yaml("mine/project.yml")["commands"][0]["script"])
    assert "prepare sample" in script or all(path.replace("${paths.corpus}", "corpus") in script for path in paths)


def test_paths_with_blanks_and_quotes(own_data, tiny_encoder, monkeypatch):
    monkeypatch.chdir(own_data)
    data, encoder = Path("O'Brien's \"old\" notes"), Path("d'une langue")
    Path("notes").rename(data)
    encoder.symlink_to(tiny_encoder)
    result = medmtl("init", "mine", "--data", f"brat={data}", "-t", "sru_nested_ner", "-e", encoder, "--yes")
    assert result.exit_code == 0, result.output
    commands = {one["name"]: one for one in load_project_config(Path("mine"))["commands"]}
    assert commands["convert"]["deps"] == [f"../{data}"]
    arguments = {name: split_command(command["script"][0]) for name, command in commands.items()}
    assert arguments["convert"][5] == f"../{data}"
    for name in ("check", "train"):
        place = arguments[name].index("--paths.encoder") + 1
        assert Path("mine", arguments[name][place]).resolve() == tiny_encoder.resolve()


@pytest.mark.slow
def test_the_project_runs(own_data, tiny_encoder, monkeypatch):
    """All but the wheel, for which pip needs the network."""
    monkeypatch.chdir(own_data)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    data = ["--data", "brat=notes", "--data", "csv_sentences=sentences.csv"]
    tasks = ["--task", "sentence_intent", "--task", "sru_nested_ner", "--task", "cpncf_assertion"]
    assert medmtl("init", "mine", *data, *tasks, "-e", tiny_encoder, "-y").exit_code == 0
    steps = srsly.read_yaml("mine/project.yml")["workflows"]["all"]
    assert steps == ["convert", "check", "train", "calibrate", "evaluate", "card", "package"]
    for step in steps[:-1]:
        project_run(Path("mine"), step, overrides={"vars.max_steps": 8})
    scores = srsly.read_json("mine/metrics/scores.json")
    assert set(scores["corpora"]) == {"brat", "csv_sentences"}
    assert "en_mine" in Path("mine/metrics/card.md").read_text(encoding="utf8")


def test_it_asks_for_what_no_option_says(own_data, tiny_encoder, monkeypatch):
    monkeypatch.chdir(own_data)
    typed = f"brat=notes\nen\nsru_nested_ner\n{tiny_encoder}\nshared\n0\n"
    result = medmtl("init", "asked", typed=typed)
    assert result.exit_code == 0, result.output
    assert load_config("asked/config.cfg")["nlp"]["pipeline"] == ["medmtl_sentences", "encoder", "sru_nested_ner"]
    assert srsly.read_yaml("asked/project.yml")["vars"]["gpu_id"] == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--data", "brat=nowhere"], "E404"),
        (["--data", "nothing=notes"], "E403"),
        (["--data", "bc5cdr_iob=notes"], "E404"),
        (["--task", "sentence_intent"], "'pair_relation', 'sru_nested_ner', 'cpncf_assertion'"),
        (["--lang", "qqq"], "E406"),
        (["--lang", "punctuation"], "E406"),
        (["--sharing", "none"], "'progressive', 'shared'"),
        (["--encoder", "notes"], "E404"),
        (["--encoder", "damaged"], "E404"),
        (["--data", "brat="], "E404"),
    ],
)
def test_answers_that_cannot_be(own_data, monkeypatch, options, told):
    monkeypatch.chdir(own_data)
    Path("damaged").mkdir()
    Path("damaged/config.json").write_text("{", encoding="utf8")
    Path("damaged/model.safetensors").touch()
    data = [] if "--data" in options else ["--data", "brat=notes"]
    result = medmtl("init", "mine", *data, *options, "--yes")
    assert result.exit_code == 1
    assert told in result.stderr
    assert not Path("mine").exists()


def test_a_folder_with_something_in_it_stays(own_data):
    result = medmtl("init", own_data, "--data", f"brat={own_data / 'notes'}", "--yes")
    assert (result.exit_code, "E407" in result.stderr) == (1, True)
    assert not (own_data / "config.cfg").exists()


def test_a_folder_whose_name_no_package_can_have(own_data):
    folder = own_data / "café [1]"
    result = medmtl("init", folder, "--data", f"brat={own_data / 'notes'}", "--yes")
    assert f"cd '{folder}'" in " ".join(result.output.split())
    assert srsly.read_yaml(folder / "project.yml")["vars"]["name"] == "cafe_1"


def test_without_an_answer_it_says_what_to_give(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = medmtl("init", "asked", typed="")
    assert result.exit_code == 1
    assert "--yes" in result.output
    assert not (tmp_path / "asked").exists()
