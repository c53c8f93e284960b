"""Encoders that version 0.1.0 saved are read, and give the rows that it gave (``saved_by_0_1_0/write_archive.py``)."""

import tarfile
from pathlib import Path

import numpy
import pytest
import spacy
import srsly
from encoder_helpers import TASKS, arrays
from spacy.tokens import Doc

from spacy_medmtl.encoder.pipe import ProgressiveTok2Vec
from spacy_medmtl.encoder.views.requests import Reading, ToRead, ViewRequest, units_with_context
from spacy_medmtl.errors import MedmtlError

ARCHIVE = Path(__file__).parent / "saved_by_0_1_0" / "encoders.tar.xz"
NLP = spacy.blank("en")
DOC = Doc(
    NLP.vocab,
    words="no fever . the left knee has pain , and a cough with chest pain at night . mother denies any xyz".split(),
)
BOUNDS = [(0, 3), (3, 17), (17, 21)]
READ: dict[str, ToRead] = {
    "tokens": DOC,
    "sentence": Reading(DOC, units_with_context(BOUNDS, 1), marked=True),
    "pair": Reading(DOC, pairs=[(BOUNDS[0], BOUNDS[2]), (BOUNDS[2], BOUNDS[0])]),
}
with tarfile.open(ARCHIVE) as archive:
    RULES = sorted(name for name in archive.getnames() if "/" not in name)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each rule."""
    folder = tmp_path_factory.mktemp("saved")
    with tarfile.open(ARCHIVE) as archive:
        for member in archive.getmembers():
            if member.isfile():
                (folder / member.name).parent.mkdir(exist_ok=True)
                (folder / member.name).write_bytes(archive.extractfile(member).read())
    return folder


def encoder_of(folder: Path, **settings: object) -> ProgressiveTok2Vec:
    model = {**srsly.read_json(folder / "model.json"), **settings}
    return NLP.create_pipe("medmtl_progressive_tok2vec", config={"model": model})


def check_rows(pipe: ProgressiveTok2Vec, folder: Path) -> None:
    for view, item in READ.items():
        expected = numpy.load(folder / f"{view}.npy")
        for route, rows in zip(TASKS, expected, strict=True):
            found = arrays(pipe.model.predict(ViewRequest([item], route, view)))[0]
            numpy.testing.assert_allclose(found, rows, rtol=0.0, atol=5e-6)


@pytest.mark.parametrize("rule", RULES)
def test_rows_are_those_of_then_also_when_saved_again(saved: Path, rule: str, tmp_path: Path):
    pipe = encoder_of(saved / rule).from_disk(saved / rule)
    check_rows(pipe, saved / rule)
    pipe.to_disk(tmp_path)
    check_rows(encoder_of(saved / rule).from_disk(tmp_path), saved / rule)
    check_rows(encoder_of(saved / rule).from_bytes(pipe.to_bytes()), saved / rule)


def test_the_archive_has_all_rules_and_routes_that_differ(saved: Path):
    assert len(RULES) == 13
    for rule in RULES:
        rows = numpy.load(saved / rule / "tokens.npy")
        is_common = rule in ("shared", "n_ffn")
        assert (numpy.abs(rows[0] - rows[3]).max() < 1e-6) == is_common
        assert numpy.abs(rows[:, 0] - rows[:, 1]).max() > 0.1


@pytest.mark.parametrize("settings", [{"layers": [0]}, {"sharing": {"@misc": "spacy-medmtl.shared_rule.v1"}}], ids=str)
def test_old_weights_of_other_settings_are_refused(saved: Path, settings: dict[str, object]):
    with pytest.raises(MedmtlError, match="E013"):
        encoder_of(saved / "progressive", **settings).from_disk(saved / "progressive")
