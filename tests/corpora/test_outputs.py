"""Shards: the same documents as in one file, readable by all readers, and nothing is left or lost on the way."""

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus

from spacy_medmtl.corpora.run import Job, convert_corpus
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.training.corpus import multitask_corpus

ROWS = "".join(f"w{i}\tB-GENE\nacts\tO\n\n" for i in range(25))


@pytest.fixture
def source(write):
    return write("a.tsv", ROWS)


def test_shards_hold_what_one_file_holds(source, tmp_path):
    nlp = spacy.blank("en")
    convert_corpus(Job("bc2gm", [source], tmp_path / "x.spacy"))
    convert_corpus(Job("bc2gm", [source], tmp_path / "x", shard_docs=10, dev_share=0.3))
    assert [path.name for path in sorted((tmp_path / "x").iterdir())] == ["00000.spacy", "00001.spacy"]
    whole = {doc.text for doc in DocBin().from_disk(tmp_path / "x.spacy").get_docs(nlp.vocab)}
    parts = [{example.text for example in Corpus(tmp_path / name)(nlp)} for name in ("x", "x_dev")]
    assert parts[0] | parts[1] == whole
    assert len(parts[0]) + len(parts[1]) == 25
    examples = list(multitask_corpus({"x": {"path": str(tmp_path / "x")}})(nlp))
    assert {example.text for example in examples} == parts[0]
    assert (tmp_path / "x.audit.json").is_file()


def test_shards_of_an_earlier_run_go(source, tmp_path):
    for size, names in ((10, 3), (30, 1)):
        convert_corpus(Job("bc2gm", [source], tmp_path / "x", shard_docs=size))
        assert len(list((tmp_path / "x").iterdir())) == names
    assert not (tmp_path / "x.part").exists()


def test_a_loss_leaves_what_was_there(write, source, tmp_path):
    convert_corpus(Job("bc2gm", [source], tmp_path / "x", shard_docs=10))
    before = (tmp_path / "x" / "00002.spacy").read_bytes()
    with pytest.raises(MedmtlError, match="MEDMTL-E401"):
        convert_corpus(Job("bc2gm", [write("b.tsv", ROWS + "torn\n\n")], tmp_path / "x", shard_docs=10))
    assert (tmp_path / "x" / "00002.spacy").read_bytes() == before
    assert not (tmp_path / "x.part").exists()


@pytest.mark.parametrize("name", ["taken", "x.spacy", "file", "mine"])
def test_what_is_no_place_for_shards_is_named(source, tmp_path, name):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (tmp_path / "mine.part").mkdir()  # where the shards would be written first
    (tmp_path / "mine.part" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MedmtlError, match="MEDMTL-E407"):
        convert_corpus(Job("bc2gm", [source], tmp_path / name, shard_docs=10))
    assert (tmp_path / "mine.part" / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "taken" / "thesis.txt").read_text() == (tmp_path / "file").read_text() == "mine"
