"""``medmtl new-encoder``: a vocabulary of characters, and a folder that the encoder component loads."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.encoder.views.wordpieces import WordPieces
from spacy_medmtl.encoder.weights import local_encoder
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.new_encoder import SPECIALS, EncoderSize, character_pieces, write_new_encoder

TEXTS = ["病人无发热。咳嗽3天。", "体温 38.5 Tmax。无咳嗽。"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("zh")
    (tmp_path / "train").mkdir()
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(tmp_path / "train" / "some.spacy")
    return tmp_path / "train"


def run(*arguments):
    return CliRunner().invoke(app, ["new-encoder", *map(str, arguments)])


def test_the_vocabulary_is_the_characters():
    """By frequency, then code point; inside words also with ##, in lower case; Chinese characters are words."""
    pieces = character_pieces(["无无 Aa 无ab"])
    assert pieces == [*SPECIALS, "a", "无", "b", "@", "#", "##a", "##b"]
    assert character_pieces(["无无 Aa 无ab"], min_count=2) == [*SPECIALS, "a", "无", "@", "#", "##a"]
    assert character_pieces(["b#"]) == [*SPECIALS, "#", "b", "@"], "each once"
    with pytest.raises(MedmtlError, match="MEDMTL-E330.*2 times"):
        character_pieces(["ab"], min_count=2)


def test_a_folder_that_the_loader_reads(corpus, tmp_path):
    folder = tmp_path / "encoder"
    done = run("-c", corpus, "-o", folder, "--layers", 2, "--width", 32, "--heads", 4, "--positions", 64)
    assert done.exit_code == 0, done.output
    model, tokenizer = local_encoder(str(folder))()
    assert (model.config.num_hidden_layers, model.config.hidden_size, model.config.num_attention_heads) == (2, 32, 4)
    assert model.config.vocab_size == len(character_pieces(TEXTS)) == len(json.loads(tokenizer)["model"]["vocab"])
    pieces = WordPieces(tokenizer)
    doc = spacy.blank("zh")("发热38.5度 zz")
    ids = pieces.of_doc(doc).ids
    unknown = json.loads(tokenizer)["model"]["vocab"]["[UNK]"]
    assert list(ids).count(unknown) == 3, "only 度 and z do not occur in the corpus"
    assert pieces.marker == SPECIALS.index("[unused1]")
    # neither stands in the corpus, and pairs of entities are marked by them
    assert len(set(pieces.entity_marks())) == 2


def test_the_encoder_component_starts_from_it(corpus, tmp_path, encoder_settings):
    run("-c", corpus, "-o", tmp_path / "encoder", "--layers", 1, "--width", 32, "--positions", 64)
    nlp = spacy.blank("zh")
    nlp.add_pipe("medmtl_progressive_tok2vec", name="encoder", config=encoder_settings())
    loader = {"@misc": "spacy-medmtl.local_encoder.v1", "path": str(tmp_path / "encoder")}
    nlp.config["initialize"]["components"]["encoder"] = {"loader": loader}
    nlp.initialize(lambda: [Example(nlp.make_doc(TEXTS[0]), nlp.make_doc(TEXTS[0]))])
    assert nlp.get_pipe("encoder").predict([nlp.make_doc(TEXTS[0])])[0].shape == (len(nlp.make_doc(TEXTS[0])), 32)


def test_the_seed_decides_on_the_bytes(tmp_path):
    shape, pieces = EncoderSize(layers=1, width=32), character_pieces(TEXTS)
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        write_new_encoder(tmp_path / name, pieces, shape, seed)
    one, two, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other


def test_coded_errors(corpus, tmp_path):
    assert "MEDMTL-E301" in run("-c", tmp_path / "none", "-o", tmp_path / "a").output
    assert "MEDMTL-E331" in run("-c", corpus, "-o", tmp_path / "a", "--width", 100, "--heads", 3).output
    assert run("-c", corpus, "-o", tmp_path / "a", "--layers", 1, "--width", 32).exit_code == 0
    again = run("-c", corpus, "-o", tmp_path / "a", "--layers", 1, "--width", 32)
    assert again.exit_code == 1
    assert "MEDMTL-E407" in again.output
    (corpus / "broken.spacy").write_bytes(b"no DocBin")
    assert "MEDMTL-E301" in run("-c", corpus, "-o", tmp_path / "b").output
