"""``medmtl calibrate``: a calibrated copy of a pipeline, or a coded message."""

from collections.abc import Callable

import pytest
import spacy
from spacy.tokens import DocBin
from toy import CASE, CASES, make_examples
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(make_nlp, tmp_path_factory):
    """A pipeline, ``dev`` with enough gold to calibrate it, and ``other`` without any."""
    path = tmp_path_factory.mktemp("calibrate")
    nlp = make_nlp(CASE["sentence_intent"].factory)
    examples = make_examples(nlp, CASE["sentence_intent"].annotate)
    nlp.initialize(lambda: examples)
    nlp.to_disk(path / "model")
    DocBin(docs=[example.reference for example in examples]).to_disk(path / "dev.spacy")
    DocBin(docs=[example.reference for example in make_examples(nlp)]).to_disk(path / "other.spacy")
    return path


def test_a_calibrated_copy(medmtl: Run, folder, tmp_path) -> None:
    result = medmtl("calibrate", folder / "model", folder / "dev.spacy", "-o", tmp_path / "new" / "copy")
    assert result.exit_code == 0
    assert "intents" in result.output
    original, copy = spacy.load(folder / "model"), spacy.load(tmp_path / "new" / "copy")
    assert original.get_pipe(CASE["sentence_intent"].factory).temperature("intents") == 1.0
    temperature = copy.get_pipe(CASE["sentence_intent"].factory).temperature("intents")
    assert temperature != 1.0
    assert f"{temperature:.2f}" in result.output


def test_heads_that_are_left_as_they_are_are_named(medmtl: Run, make_nlp, folder, tmp_path) -> None:
    nlp = make_nlp(CASE["sentence_intent"].factory, "sru_nested_ner")
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "model")
    result = medmtl("calibrate", tmp_path / "model", folder / "dev.spacy", "-o", tmp_path / "copy")
    assert result.exit_code == 0
    assert "Not calibrated: sru_nested_ner" in result.output


def test_nothing_to_calibrate(medmtl: Run, folder, tmp_path) -> None:
    result = medmtl("calibrate", folder / "model", folder / "other.spacy", "-o", tmp_path / "copy")
    assert result.exit_code == 1
    assert "MEDMTL-E207" in result.output


def test_output_that_cannot_be_written(medmtl: Run, folder, tmp_path) -> None:
    (tmp_path / "file").touch()
    for output in ("file", "file/copy"):
        result = medmtl("calibrate", folder / "model", folder / "dev.spacy", "-o", tmp_path / output)
        assert result.exit_code == 1
        assert "MEDMTL-E407" in result.output
