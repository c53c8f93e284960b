"""``medmtl info``: versions, seed and checksums, and no path and no text."""

import hashlib
import json
from pathlib import Path

import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.training.pipeline_saving import save_pipeline


def info(*arguments: str) -> dict:
    result = CliRunner().invoke(app, ["info", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_what_is_installed():
    assert info()["here"]["versions"]["spacy"] == spacy.__version__


def test_a_pipeline_that_was_saved_by_training(make_nlp, tmp_path: Path):
    corpus = tmp_path / "mrs_smith.spacy"
    DocBin(docs=[spacy.blank("en")("no fever .")]).to_disk(corpus)
    nlp = make_nlp("sru_nested_ner")
    nlp.config["system"]["seed"] = 7
    nlp.config["training"]["seed"] = "${system.seed}"  # as the configs of this package and of spaCy have it
    nlp.config["corpora"] = {"train": {"corpora": {"ward": {"path": str(corpus)}}}, "dev": {"path": str(tmp_path)}}
    save_pipeline({"name": "wards", "version": "1.2.3", "license": "MIT"})(nlp).to_disk(tmp_path / "model")
    found = info(str(tmp_path / "model"))
    assert found["pipeline"]["name"] == "wards"
    assert found["seed"] == 7
    assert found["made_with"]["torch"] == found["here"]["versions"]["torch"]
    digest = hashlib.sha256(corpus.read_bytes()).hexdigest()
    assert found["data"] == {"train.ward": digest, "dev": hashlib.sha256(digest.encode()).hexdigest()}
    for path, checksum in {"config.cfg": found["config"], **found["weights"]}.items():
        assert hashlib.sha256((tmp_path / "model" / path).read_bytes()).hexdigest() == checksum
    assert set(found["weights"]) == {"encoder/encoder.safetensors", "sru_nested_ner/model"}
    assert "smith" not in json.dumps(found)
    assert "fever" not in json.dumps(found)


def test_no_pipeline():
    result = CliRunner().invoke(app, ["info", "nowhere/at/all"])
    assert result.exit_code == 1
    assert "MEDMTL-E501" in result.output
