"""``medmtl warm-up``: an encoder from scratch learns to guess words, and stays a folder that the loader reads."""

from pathlib import Path

import pytest
import spacy
from safetensors.torch import load_file
from spacy.tokens import DocBin
from toy import TEXTS
from transformers import RobertaConfig, RobertaModel
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.encoder.weights import local_encoder
from spacy_medmtl.training.new_encoder import read_docs
from spacy_medmtl.training.warm_up import batches, plain_encoder, warm_up

QUICK = {"rate": 3e-3, "batch_tokens": 40, "window": 32, "share": 0.3, "progress": lambda numbers: numbers}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(text) for text in [*TEXTS, ""]]).to_disk(tmp_path / "texts.spacy")
    return tmp_path / "texts.spacy"


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_from_scratch_to_a_folder_that_has_learnt(corpus, tmp_path):
    made = run("new-encoder", "-c", corpus, "-o", tmp_path / "new", "--layers", 1, "--width", 32, "--heads", 2)
    assert made.exit_code == 0, made.output
    losses = warm_up(tmp_path / "new", tmp_path / "warm", list(read_docs([corpus])), steps=120, seed=0, **QUICK)
    assert sum(losses[-20:]) < 0.75 * sum(losses[:20])
    assert {path.name for path in (tmp_path / "warm").iterdir()} == {path.name for path in (tmp_path / "new").iterdir()}
    (model, tokenizer), (other, same) = (local_encoder(str(tmp_path / name))() for name in ("warm", "new"))
    assert tokenizer == same
    moved = [n for n, p in model.named_parameters() if not p.equal(dict(other.named_parameters())[n])]
    assert {n.split(".")[0] for n in moved} == {"embeddings", "encoder"}, "the pooler is not used"
    assert set(load_file(tmp_path / "warm" / "model.safetensors")) == set(load_file(tmp_path / "new/model.safetensors"))


def test_the_seed_decides_on_the_bytes(corpus, tiny_encoder, tmp_path):
    docs = list(read_docs([corpus]))
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        warm_up(tiny_encoder, tmp_path / name, docs, steps=3, seed=seed, **QUICK)
    one, two, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_batches_go_through_all_docs_in_every_pass(corpus):
    docs = list(read_docs([corpus]))
    assert len(docs) == len(TEXTS), "the empty one is left out"
    stream = batches(docs, 25, seed=0)
    seen = []
    while len(seen) < 3 * len(docs):
        batch = next(stream)
        assert sum(map(len, batch)) <= 25 or len(batch) == 1
        seen += [doc.text for doc in batch]
    for i in range(3):
        assert sorted(seen[i * len(docs) : (i + 1) * len(docs)]) == sorted(TEXTS)


def test_a_window_past_what_the_encoder_reads_is_cut(tiny_encoder):
    """RoBERTa has fewer positions to read at than its config says: they start behind that of the padding."""
    _, tokenizer = local_encoder(str(tiny_encoder))()
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    roberta = RobertaModel(RobertaConfig(max_position_embeddings=40, pad_token_id=1, **sizes))
    assert plain_encoder(roberta, tokenizer, 256).settings.window.size == 38


def test_the_command(corpus, tiny_encoder, tmp_path):
    arguments = ["warm-up", tiny_encoder, "-c", corpus, "-o", tmp_path / "out", "--steps", 2, "--window", 32]
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    assert "loss per masked piece" in " ".join(done.output.split())
    again = run(*arguments)
    assert again.exit_code == 1
    assert "MEDMTL-E407" in again.output
    assert "MEDMTL-E008" in run("warm-up", tmp_path / "no", "-c", corpus, "-o", tmp_path / "x").output
    assert "MEDMTL-E301" in run("warm-up", tiny_encoder, "-c", tmp_path / "no.spacy", "-o", tmp_path / "x").output
    DocBin().to_disk(tmp_path / "empty.spacy")
    assert "MEDMTL-E330" in run("warm-up", tiny_encoder, "-c", tmp_path / "empty.spacy", "-o", tmp_path / "x").output
