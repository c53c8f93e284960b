"""A word that stands in every text, and must stand nowhere else: not in logs, warnings, errors, nor on the network."""

import logging
import socket
import traceback
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from toy import CASES, make_examples
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.corpus import CorpusEntry, read_entry

CANARY = "qzxvcanary"
TEXT = f"mother has no {CANARY} fever . the left knee {CANARY} has pain ."


@pytest.fixture(autouse=True)
def _no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even to this machine, which other tests may connect to."""

    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"a socket was opened: {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.mark.filterwarnings("default")
def test_prediction_and_training(saved: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]):
    caplog.set_level(logging.DEBUG)
    nlp = spacy.load(saved)
    list(nlp.pipe([TEXT, f"{CANARY} " * 300]))
    examples = make_examples(nlp, *(case.annotate for case in CASES), texts=[TEXT])
    nlp.update(examples, sgd=nlp.create_optimizer())
    nlp.evaluate(examples)
    nlp.to_bytes()
    shown = capfd.readouterr()
    assert CANARY not in caplog.text + shown.out + shown.err


def test_errors_of_a_component(saved: Path, capfd: pytest.CaptureFixture[str]):
    """Of a Doc that breaks, the error handler gets the Doc; the message does not quote it."""
    nlp = spacy.load(saved)
    messages: list[str] = []
    nlp.set_error_handler(lambda name, proc, docs, error: messages.append(f"{name}: {error}"))
    pipe = nlp.get_pipe("sru_nested_ner")
    pipe.predict = lambda docs: 1 / 0  # type: ignore[attr-defined]
    list(nlp.pipe([TEXT]))
    assert messages
    assert CANARY not in " ".join(messages) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "content", [f"{CANARY}".encode(), b"\xff\xfe" + CANARY.encode(), f'{{"text": "{CANARY}"'.encode()]
)
@pytest.mark.parametrize("command", ["show", "evaluate", "report", "calibrate", "debug-data", "warm-up"])
def test_commands_on_broken_files(saved: Path, tmp_path: Path, command: str, content: bytes):
    path = tmp_path / ("broken.spacy" if command != "report" else "broken.json")
    path.write_bytes(content)
    arguments = {
        "show": [saved, tmp_path],
        "evaluate": [saved, path, "-o", tmp_path / "out.json"],
        "report": [path, tmp_path / "out.md"],
        "calibrate": [saved, path, "-o", tmp_path / "out"],
        "debug-data": [path],
        "warm-up": [tmp_path, "-c", path, "-o", tmp_path / "out"],
    }[command]
    result = CliRunner().invoke(app, [command, *map(str, arguments)])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert "MEDMTL-E" in result.output
    assert CANARY not in result.output


def test_a_config_that_does_not_fit_is_told_without_its_values(tmp_path: Path):
    path = tmp_path / "wrong.cfg"
    path.write_text(f'[nlp]\nlang = "en"\npipeline = "{CANARY}"\n[paths]\ntrain = "{CANARY}"\n', encoding="utf8")
    result = CliRunner().invoke(app, ["debug-data", str(path)])
    assert "MEDMTL-E310" in result.output
    assert "pipeline" in result.output, "the place is told"
    assert CANARY not in result.output


def test_files_of_a_folder_are_told_by_number(saved: Path, tmp_path: Path):
    """The folder stands in the config; what is in it, nobody typed."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / f"{CANARY}.spacy").write_bytes(b"x")
    entry = CorpusEntry("notes", tmp_path / "train", None, 0)
    with pytest.raises(MedmtlError, match="MEDMTL-E301.*file 1 in") as raised:
        list(read_entry(entry, spacy.load(saved), gold_sents=False))
    assert CANARY not in "".join(traceback.format_exception(raised.value))


def test_the_path_of_a_source_is_not_told(tmp_path: Path):
    path = tmp_path / "wrong.cfg"
    source = f'[nlp]\nlang = "en"\npipeline = ["ner"]\n[components]\n[components.ner]\nsource = "{CANARY}"\n'
    path.write_text(source, encoding="utf8")
    result = CliRunner().invoke(app, ["debug-data", str(path)])
    assert "MEDMTL-E310" in result.output
    assert CANARY not in result.output


def test_commands_that_work_on_texts(saved: Path, tmp_path: Path):
    nlp = spacy.load(saved)
    references = [one.reference for one in make_examples(nlp, *(case.annotate for case in CASES), texts=[TEXT] * 4)]
    DocBin(docs=references, store_user_data=True).to_disk(tmp_path / "dev.spacy")
    for arguments in (["evaluate", saved, tmp_path / "dev.spacy", "-o", tmp_path / "out.json"], ["info", saved]):
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 0, result.output
        assert CANARY not in result.output
    assert CANARY not in (tmp_path / "out.json").read_text(encoding="utf8")
