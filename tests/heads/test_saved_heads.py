"""What a head saves: what it learnt and nothing else, in a form that is checked when it is read."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import spacy
from saved.make_archive import TEXTS as ARCHIVED_TEXTS
from saved.make_archive import predictions
from thinc.api import fix_random_seed
from toy import CASE, CASES, TEXTS, make_examples

from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.errors import MedmtlError, MedmtlWarning

SAVED = Path(__file__).parents[1] / "saved"
LEARNT = {"labels", "temperatures"}
FINGERPRINTS = {"route", "weights", "fingerprint"}
each_head = pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)


@pytest.fixture
def copied(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def edit(path, **changes):
    """Change entries of a head's ``cfg``."""
    content = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps({**content, **changes}), encoding="utf8")


@each_head
def test_only_what_was_learnt_is_saved(saved, case):
    content = json.loads((saved / case.factory / "cfg").read_text(encoding="utf8"))
    assert set(content) == LEARNT | set(case.learnt) | FINGERPRINTS
    assert content["labels"] == case.labels
    assert content["route"] == case.factory


@each_head
@pytest.mark.parametrize(
    "changes",
    [
        {"temperatures": {"intents": 0.0}},
        {"temperatures": {"tags": float("nan")}},
        {"labels": ["A", "A"]},
        {"labels": 3},
    ],
    ids=["temperature of zero", "temperature that is no number", "label twice", "labels that are none"],
)
def test_a_damaged_cfg_is_named(copied, case, changes):
    edit(copied / case.factory / "cfg", **changes)
    with pytest.raises(MedmtlError, match=f"E208.*{case.factory}/cfg.*'{case.factory}'"):
        spacy.load(copied)


@pytest.mark.parametrize("content", ["null", "[]", "[" * 100_000], ids=["null", "list", "deeper than Python reads"])
def test_a_cfg_of_something_else_is_named(copied, content):
    factory = CASES[0].factory
    (copied / factory / "cfg").write_text(content)
    with pytest.raises(MedmtlError, match=f"E208.*{factory}/cfg.*'{factory}'"):
        spacy.load(copied)


@each_head
def test_labels_in_another_order_are_refused(copied, case):
    edit(copied / case.factory / "cfg", labels=case.labels[::-1])
    with pytest.raises(MedmtlError, match=f"E208.*{case.factory}/cfg.*fingerprint"):
        spacy.load(copied)


@each_head
@pytest.mark.parametrize("size", [0, 1, 50, -1])
def test_weights_that_were_cut_off_are_named(copied, case, size):
    file = copied / case.factory / "model"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(MedmtlError, match=f"E018.*{case.factory}/model.*checksum"):
        spacy.load(copied)


@each_head
def test_a_flipped_bit_is_found(copied, case):
    file = copied / case.factory / "model"
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(MedmtlError, match=f"E018.*{case.factory}/model"):
        spacy.load(copied)


@each_head
@pytest.mark.parametrize(("file", "code"), [("cfg", "E208"), ("model", "E018")])
def test_missing_files_are_named(copied, case, file, code):
    (copied / case.factory / file).unlink()
    with pytest.raises(MedmtlError, match=f"{code}.*{case.factory}/{file}"):
        spacy.load(copied)


def test_the_weights_of_another_head_are_refused(make_nlp, copied, tmp_path):
    """Of the same kind and shape, so they would load and mean something else."""
    case = CASE["sentence_intent"]
    fix_random_seed(1)
    other = make_nlp(case.factory)
    other.initialize(lambda: make_examples(other, case.annotate))
    torch_shim(other.get_pipe(case.factory).model).module.linear.weight.data.add_(1.0)
    other.to_disk(tmp_path / "other")
    shutil.copy(tmp_path / "other" / case.factory / "model", copied / case.factory / "model")
    with pytest.raises(MedmtlError, match=f"E018.*{case.factory}/model.*checksum"):
        spacy.load(copied)


def test_another_route_is_refused(saved):
    listener = {"route": "pair_relation"}
    with pytest.raises(MedmtlError, match="E208.*route 'sentence_intent'.*'pair_relation'"):
        spacy.load(saved, config={"components": {"sentence_intent": {"model": {"tok2vec": listener}}}})


def test_bytes_are_checked_as_files_are(saved):
    nlp = spacy.load(saved)
    head = nlp.get_pipe("sentence_intent")
    content = head.to_bytes()
    assert head.from_bytes(content).labels == tuple(CASE["sentence_intent"].labels)
    with pytest.raises(MedmtlError, match="E208"):
        head.from_bytes(content.replace(b"DENIAL", b"FINDIN"))


def unpacked(folder):
    """The archive of 0.1.0, and what that version predicted."""
    with zipfile.ZipFile(io.BytesIO((SAVED / "0.1.0.zip").read_bytes())) as archive:
        archive.extractall(folder)
    return json.loads((folder / "expected.json").read_text(encoding="utf8"))


def test_a_pipeline_of_0_1_0_predicts_the_same(tmp_path):
    """Its ``cfg`` files hold settings beside what was learnt; temperatures and thresholds other than the defaults."""
    expected = unpacked(tmp_path)
    nlp = spacy.load(tmp_path)
    found = predictions(nlp)
    assert len(found) == len(ARCHIVED_TEXTS)
    for groups, of_0_1_0 in zip(found, expected, strict=True):
        assert set(groups) == set(of_0_1_0)
        for key, values in of_0_1_0.items():
            assert [list(span) for span in groups[key]["spans"]] == values["spans"]
            for name in set(values) - {"spans", "scores", "assertion_scores"}:
                assert groups[key][name] == values[name]
            assert groups[key]["scores"] == pytest.approx(values["scores"], abs=1e-5)
    assert nlp.get_pipe("sentence_intent").temperature("intents") == 1.5
    nlp.to_disk(tmp_path / "again")
    assert predictions(spacy.load(tmp_path / "again")) == found


def test_settings_that_0_1_0_saved_do_not_win_over_the_config(tmp_path):
    unpacked(tmp_path)
    config = {"components": {"cpncf_assertion": {"mode": "assert"}}}
    with pytest.warns(MedmtlWarning, match="W204.*'cpncf_assertion'.*'mode' as 'both'.*'assert'"):
        nlp = spacy.load(tmp_path, config=config, disable=["sru_nested_ner"])
    assert nlp.get_pipe("cpncf_assertion").mode == "assert"
    doc = nlp(ARCHIVED_TEXTS[0])
    assert list(doc.spans["medmtl_findings"]) == []


@each_head
def test_excluded_parts_are_left_as_they_are(saved, case, make_nlp):
    nlp = spacy.load(saved)
    head = nlp.get_pipe(case.factory)
    before = labels_in(nlp(TEXTS[0]), case.key)
    head.from_disk(saved / case.factory, exclude=["vocab", "model"])
    head.from_bytes(head.to_bytes(exclude=["cfg"]), exclude=["cfg"])
    assert labels_in(nlp(TEXTS[0]), case.key) == before


def labels_in(doc, key):
    return [span.label_ for span in doc.spans[key]]
