"""The command line, run in this process."""

from collections.abc import Callable
from typing import Any

import annotating  # noqa: F401 - registers a component
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner, Result

from spacy_medmtl.cli import app

Run = Callable[..., Result]


@pytest.fixture
def medmtl() -> Run:
    """Invoke ``medmtl`` with arguments. Whatever is wrong with them, it may end, but not by a bug."""

    def invoke(*arguments: Any) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "[MEDMTL-E500]" not in result.output
        return result

    return invoke


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("test_findings")
    path = tmp_path_factory.mktemp("pipeline") / "p"
    nlp.to_disk(path)
    return path


@pytest.fixture
def model(tmp_path):
    """The folder of a pipeline without components."""
    spacy.blank("en").to_disk(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def corpus(tmp_path):
    """A folder with ``x.spacy``, of one Doc without annotation."""
    (tmp_path / "corpus").mkdir()
    DocBin(docs=[Doc(Language().vocab, words=["fever"])]).to_disk(tmp_path / "corpus" / "x.spacy")
    return tmp_path / "corpus"


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    (folder / "ward").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"A cough.\r\nNo more.")
    (folder / "ward" / "b.txt").write_text('He said "cough".\nTwice, a cough.', encoding="utf8")
    (folder / "c.txt").write_text("Fine.", encoding="utf8")
    return folder
