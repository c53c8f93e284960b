"""A pipeline whose files were cut, changed, mixed or lost is refused, by a coded error that names the file."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.errors import MedmtlError

HEADS = ["sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"]
OURS = ["encoder/encoder.safetensors", *(f"{head}/{file}" for head in HEADS for file in ("model", "cfg"))]
SPACYS = ["config.cfg", "meta.json", "tokenizer", "vocab/strings.json"]
Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, Damage] = {
    "nothing": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "longer": lambda data: data + b"\x00",
    "zeros": lambda data: bytes(len(data)),
    "another format": lambda data: b'{"version": 2}',
}


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", OURS)
def test_damaged_files_of_ours(copy: Path, file: str, damage: str):
    path = copy / file
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(MedmtlError, match=path.relative_to(copy.parent).as_posix()) as raised:
        spacy.load(copy)
    assert raised.value.code in ("E018", "E208")


@pytest.mark.parametrize("file", OURS)
def test_one_flipped_bit(copy: Path, file: str):
    """Wherever it is: in a header, in weights, in a label."""
    path = copy / file
    whole = path.read_bytes()
    for place in random.Random(0).sample(range(len(whole)), 5):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        with pytest.raises(MedmtlError, match=path.name) as raised:
            spacy.load(copy)
        assert raised.value.code in ("E018", "E208"), place


@pytest.mark.parametrize("file", OURS)
def test_lost_files_of_ours(copy: Path, file: str):
    (copy / file).unlink()
    with pytest.raises(MedmtlError, match=file):
        spacy.load(copy)


def test_files_of_two_pipelines(copy: Path, saved: Path):
    """Weights of another head, and labels with the weights of an earlier save."""
    shutil.copy(saved / "sentence_intent" / "model", copy / "pair_relation" / "model")
    with pytest.raises(MedmtlError, match="E018.*pair_relation/model.*checksum"):
        spacy.load(copy)


@pytest.mark.parametrize("damage", ["half", "zeros"])
@pytest.mark.parametrize("file", [*OURS[:3], *SPACYS])
def test_the_command_line_never_shows_a_traceback(copy: Path, file: str, damage: str):
    path = copy / file
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    result = CliRunner().invoke(app, ["show", str(copy)])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert "MEDMTL-E" in result.output
