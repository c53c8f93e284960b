"""``medmtl optimize``: int8 copies are real pipelines, near the original, not to be trained; refusals write nothing."""

import numpy
import pytest
import spacy
import torch
from spacy.tokens import DocBin
from toy import CASES, TEXTS, make_examples
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.optimizing import copies
from spacy_medmtl.optimizing.copies import Measured, fastest, in_bfloat16, in_int8, measure, write_copy

HEADS = [case.factory for case in CASES]


@pytest.fixture(scope="module")
def trained(make_nlp, tmp_path_factory):
    """A folder with a pipeline that has learnt a little, and its gold."""
    nlp = make_nlp(*HEADS)
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(15):
        nlp.update(examples, sgd=optimizer)
    folder = tmp_path_factory.mktemp("trained")
    nlp.to_disk(folder / "model")
    DocBin(docs=[example.reference for example in examples]).to_disk(folder / "dev.spacy")
    return folder


@pytest.fixture(scope="module")
def pair(trained):
    """The pipeline, and its copy in int8."""
    nlp = spacy.load(trained / "model")
    return nlp, write_copy(nlp, in_int8, trained / "int8")


def rows(nlp, text=TEXTS[0]):
    return nlp.get_pipe("encoder").predict([nlp.make_doc(text)])[0]


def test_the_copy_computes_in_int8_what_the_original_does(pair):
    """Nearly: not the same numbers, and far nearer than rows are to one another."""
    nlp, copied = pair
    difference = numpy.abs(rows(nlp) - rows(copied))
    assert 0 < difference.max() < 0.2 * rows(nlp).std()
    module = torch_shim(copied.get_pipe("encoder").model).present_module
    dense = [part for part in module.modules() if isinstance(part, torch.ao.nn.quantized.dynamic.Linear)]
    assert len(dense) >= 2 * 4 + 2  # attention of two layers, and FFNs
    assert all(part.weight().dtype == torch.qint8 for part in dense)


def test_the_copy_is_saved_with_the_same_weights(pair, trained):
    name = "encoder/encoder.safetensors"
    assert (trained / "int8" / name).read_bytes() == (trained / "model" / name).read_bytes()


def test_an_int8_encoder_says_that_it_cannot_be_trained(pair):
    _, copied = pair
    examples = make_examples(copied, *(case.annotate for case in CASES))
    with pytest.raises(MedmtlError, match="E356"):
        copied.update(examples, sgd=copied.resume_training())


def test_heads_learn_on_a_frozen_int8_encoder(pair, trained):
    copied = spacy.load(trained / "int8")
    examples = make_examples(copied, *(case.annotate for case in CASES))
    before = torch_shim(copied.get_pipe("sentence_intent").model).to_bytes()
    copied.update(examples, sgd=copied.resume_training(), exclude=["encoder"])
    assert torch_shim(copied.get_pipe("sentence_intent").model).to_bytes() != before


def test_low_rank_ffns_keep_their_parts(make_nlp, encoder_settings, tmp_path):
    settings = encoder_settings(["sru_nested_ner"])
    settings["model"]["sharing"]["rank"] = 4
    nlp = make_nlp("sru_nested_ner", encoder=settings)
    examples = make_examples(nlp, CASES[2].annotate)
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "model")
    copied = write_copy(spacy.load(tmp_path / "model"), in_int8, tmp_path / "int8")
    assert 0 < numpy.abs(rows(nlp) - rows(copied)).max() < 0.2 * rows(nlp).std()


def test_settings_of_one_encoder_do_not_add_up():
    plain = {"@architectures": "spacy-medmtl.ProgressiveTransformer.v1", "mixed_precision": False}
    assert in_int8(in_int8(plain)) == in_int8(plain)
    assert in_bfloat16(in_int8(plain)) == {**plain, "mixed_precision": True}


def test_the_fastest_that_loses_little():
    before = Measured(100.0, {"a": 0.8, "b": 0.5})
    found = {
        "slow": Measured(90.0, {"a": 0.9, "b": 0.9}),
        "good": Measured(150.0, {"a": 0.796, "b": 0.6}),
        "careless": Measured(300.0, {"a": 0.79, "b": 0.9}),
    }
    assert found["careless"].loss(before) == pytest.approx(1.0)
    assert fastest(found, before, 0.5) == "good"
    assert fastest(found, before, 1.5) == "careless"
    assert fastest({"slow": found["slow"]}, before, 0.5) is None


def test_measuring_scores_each_head(pair):
    nlp, copied = pair
    examples = make_examples(nlp, *(case.annotate for case in CASES))
    found = measure({"one": nlp, "two": copied}, examples, repeats=1)
    assert all(set(one.scores) == set(HEADS) and one.speed > 0 for one in found.values())


def run(trained, output, *options):
    return CliRunner().invoke(
        app, ["optimize", str(trained / "model"), str(trained / "dev.spacy"), str(output), *options]
    )


def test_the_command_writes_the_faster_copy(trained, tmp_path, monkeypatch):
    """How fast the tiny encoder is says nothing, so the copies' speeds are given."""
    speeds = iter((100.0, *(200.0 for _ in copies.settings())))
    monkeypatch.setattr(copies, "Measured", lambda speed, scores: Measured(next(speeds), scores))
    result = run(trained, tmp_path / "out", "--max-loss", "100")
    assert result.exit_code == 0, result.output
    assert "2.00 times as fast" in " ".join(result.output.split())
    assert all(head in result.output for head in HEADS)
    assert len(list(spacy.load(tmp_path / "out").pipe(TEXTS))) == len(TEXTS)


def test_the_command_refuses_slower_copies(trained, tmp_path, monkeypatch):
    speeds = iter((100.0, *(50.0 for _ in copies.settings())))
    monkeypatch.setattr(copies, "Measured", lambda speed, scores: Measured(next(speeds), scores))
    result = run(trained, tmp_path / "out", "--max-loss", "100")
    assert result.exit_code == 1
    assert "MEDMTL-E355" in result.output
    assert not (tmp_path / "out").exists()


def test_the_command_overwrites_nothing(trained, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for output in (tmp_path, tmp_path / "thesis.txt", tmp_path / "thesis.txt" / "below"):
        result = run(trained, output)
        assert result.exit_code == 1
        assert "MEDMTL-E407" in result.output
    assert [path.read_text() for path in tmp_path.iterdir()] == ["years of work"]


def test_a_pipeline_without_our_encoder(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model")
    with pytest.raises(MedmtlError, match=r"E355.*\['sentencizer'\]"):
        write_copy(spacy.load(tmp_path / "model"), in_int8, tmp_path / "out")
