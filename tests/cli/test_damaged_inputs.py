"""``evaluate``, ``report`` and ``show`` on what cannot be read or written: a coded message, no traceback."""

import json
from collections.abc import Callable

import pytest
import spacy
from typer.testing import Result

from spacy_medmtl.training.evaluation import evaluate_corpora

Run = Callable[..., Result]


@pytest.mark.parametrize("file", ["meta.json", "config.cfg", "vocab/strings.json"])
@pytest.mark.parametrize("command", ["show", "evaluate"])
def test_damaged_pipeline(medmtl: Run, model, corpus, tmp_path, file: str, command: str) -> None:
    (model / file).write_text("[nlp\n{")
    rest = [corpus, "-o", tmp_path / "m.json"] if command == "evaluate" else []
    result = medmtl(command, model, *rest)
    assert result.exit_code == 1
    assert "MEDMTL-E501" in result.output


def test_a_component_that_no_package_registers_is_named(medmtl: Run, model, corpus, tmp_path) -> None:
    config = (model / "config.cfg").read_text().replace("pipeline = []", 'pipeline = ["token_kind"]')
    block = '[components]\n\n[components.token_kind]\nfactory = "token_kind"\n'
    (model / "config.cfg").write_text(config.replace("[components]", block))
    result = medmtl("evaluate", model, corpus, "-o", tmp_path / "m.json")
    assert "MEDMTL-E501" in result.output
    assert "'token_kind'" in result.output


@pytest.mark.parametrize("output", ["folder", "file/m.json"])
def test_evaluate_cannot_write(medmtl: Run, model, corpus, tmp_path, output: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    result = medmtl("evaluate", model, corpus, "-o", tmp_path / output)
    assert result.exit_code == 1
    assert "MEDMTL-E407" in result.output


@pytest.mark.parametrize("output", ["folder", "file/m.md"])
def test_report_cannot_write(medmtl: Run, model, corpus, tmp_path, output: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert medmtl("evaluate", model, corpus, "-o", tmp_path / "m.json").exit_code == 0
    result = medmtl("report", tmp_path / "m.json", tmp_path / output)
    assert result.exit_code == 1
    assert "MEDMTL-E407" in result.output


def test_report_of_other_json(medmtl: Run, model, corpus, tmp_path) -> None:
    medmtl("evaluate", model, corpus, "-o", tmp_path / "m.json")
    metrics = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps({**metrics, "corpora": []}))
    result = medmtl("report", tmp_path / "m.json", tmp_path / "r.md")
    assert result.exit_code == 1
    assert "MEDMTL-E502" in result.output


def test_evaluate_on_what_is_no_corpus_file(medmtl: Run, model, tmp_path) -> None:
    (tmp_path / "x.txt").write_text("fever")
    result = medmtl("evaluate", model, tmp_path / "x.txt", "-o", tmp_path / "m.json")
    assert "MEDMTL-E301" in result.output
    assert "is no .spacy file" in result.output
    (tmp_path / "empty").mkdir()
    for path, problem in (("empty", "a folder without .spacy files"), ("nowhere", "does not exist")):
        result = medmtl("evaluate", model, tmp_path / path, "-o", tmp_path / "m.json")
        assert "MEDMTL-E301" in result.output
        assert problem in result.output


def test_evaluate_says_where_nothing_was_scored(medmtl: Run, model, corpus, tmp_path) -> None:
    result = medmtl("evaluate", model, corpus, "-o", tmp_path / "m.json")
    assert result.exit_code == 0
    assert "Nothing was scored" in result.output


@pytest.mark.parametrize(("option", "value", "status"), [("--limit", -1, 2), ("--gpu-id", 99, 1)])
def test_evaluate_with_bad_options(medmtl: Run, model, corpus, tmp_path, option: str, value: int, status: int) -> None:
    result = medmtl("evaluate", model, corpus, "-o", tmp_path / "m.json", option, value)
    assert result.exit_code == status
    assert option in result.output


def test_show_a_text_that_is_too_long(medmtl: Run, model, tmp_path) -> None:
    (tmp_path / "long.txt").write_text("fever. " * 150_000)
    result = medmtl("show", model, tmp_path / "long.txt")
    assert result.exit_code == 1
    assert "MEDMTL-E504" in result.output


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_show_finds_the_encoding_of_a_text_as_convert_does(medmtl: Run, model, tmp_path, encoding: str) -> None:
    (tmp_path / "note.txt").write_bytes("No fever.\r\nÜbelkeit.".encode(encoding))
    result = medmtl("show", model, tmp_path / "note.txt", "--json")
    assert result.exit_code == 0, result.output
    sentences = [row["text"] for row in json.loads(result.output)["sentences"]]
    assert "\n".join(sentences).splitlines()[-1] == "Übelkeit."


def test_show_what_is_no_text(medmtl: Run, model, tmp_path) -> None:
    (tmp_path / "zip.txt").write_bytes(b"PK\x03\x04 and more")
    assert "MEDMTL-E402" in medmtl("show", model, tmp_path / "zip.txt").output
    (tmp_path / "other.txt").write_bytes("Übelkeit".encode("cp1252"))
    assert "MEDMTL-E503" in medmtl("show", model, tmp_path / "other.txt").output


def test_corpora_with_equal_file_names_are_scored_apart(corpus) -> None:
    """The last one's scores stood for all."""
    nlp = spacy.blank("en")
    other = corpus.parent / "other"
    other.mkdir()
    (other / "x.spacy").write_bytes((corpus / "x.spacy").read_bytes())
    results = evaluate_corpora(nlp, [corpus, other], gold_sents=False)
    assert list(results) == [str(corpus / "x.spacy"), str(other / "x.spacy")]


def test_a_file_that_is_not_there_is_called_so(medmtl: Run, model, tmp_path) -> None:
    assert "No such file" in medmtl("show", model, tmp_path / "nowhere.txt").output
    assert "no such file" in medmtl("report", tmp_path / "nowhere.json", tmp_path / "r.md").output
