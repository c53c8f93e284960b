"""``spacy-medmtl.save_pipeline.v1``: what a saved pipeline says of itself, and that a save replaces or fails."""

from pathlib import Path

import pytest
import spacy
from spacy.cli.package import generate_readme
from spacy.language import Language

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.pipeline_saving import save_pipeline

META = {
    "name": "wards",
    "version": "1.2.3",
    "description": "Findings in notes of wards",
    "license": "MIT",
    "author": "The hospital",
    "sources": [{"name": "Notes of wards", "license": "CC0"}],
}
PERFORMANCE = {"sents_f": 0.9, "rare_f": 0.2, "findings_f": 0.8, "sents_per_type": None, "findings_loss": 12.5}


@pytest.fixture
def nlp() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.config["training"]["score_weights"] = {"sents_f": None, "findings_f": 0.7, "rare_f": 0.3, "sents_p": 0.0}
    nlp.meta["performance"] = dict(PERFORMANCE)
    return nlp


def test_the_package_of_a_saved_pipeline_tells_what_it_is(nlp: Language, tmp_path: Path):
    save_pipeline(META)(nlp).to_disk(tmp_path / "model-last")
    meta = spacy.load(tmp_path / "model-last").meta
    assert {key: meta[key] for key in META} == META
    readme = generate_readme(meta)
    for shown in ("`en_wards`", "`1.2.3`", "Notes of wards", "`MIT`", "The hospital", META["description"]):
        assert shown in readme
    assert list(meta["performance"]) == ["findings_f", "rare_f", "sents_f", "sents_per_type", "findings_loss"]
    assert meta["performance"] == PERFORMANCE


def test_the_pipeline_in_training_is_left_alone(nlp: Language, tmp_path: Path):
    """What is saved is a shallow copy with another ``to_disk``."""
    saved = save_pipeline(None)(nlp)
    assert isinstance(saved, type(nlp))
    assert saved is not nlp
    nlp.to_disk(tmp_path / "as_ever")
    (tmp_path / "as_ever" / "notes.txt").write_text("of the user")
    nlp.to_disk(tmp_path / "as_ever")
    assert (tmp_path / "as_ever" / "notes.txt").exists()


def test_a_later_save_takes_the_place_of_the_earlier_one(nlp: Language, tmp_path: Path):
    save_pipeline(None)(nlp).to_disk(tmp_path / "model-last")
    nlp.replace_pipe("sentencizer", "entity_ruler")
    nlp.rename_pipe("sentencizer", "rules")
    save_pipeline(None)(nlp).to_disk(tmp_path / "model-last")
    assert not (tmp_path / "model-last" / "sentencizer").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model-last"]
    assert spacy.load(tmp_path / "model-last").pipe_names == ["rules"]


def test_coded_errors(nlp: Language, tmp_path: Path):
    with pytest.raises(MedmtlError, match=r"E326.*\['licence'\].*'license'"):
        save_pipeline({"licence": "MIT"})
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(MedmtlError, match="E407.*holds something else"):
        save_pipeline(None)(nlp).to_disk(tmp_path)
