"""Loaders of pretrained weights: what is missing, refused or unfit is said; nothing is unpickled, nothing fetched."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from encoder_helpers import TASKS, gold_examples
from safetensors.torch import load, save_file
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
from transformers import AutoModel, AutoTokenizer

from spacy_medmtl.encoder import weights as loaders
from spacy_medmtl.encoder.views.wordpieces import WordPieces
from spacy_medmtl.errors import MedmtlError


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def test_local_folder(folder: Path):
    model, tokenizer = loaders.local_encoder(str(folder))()
    assert model.config.hidden_size == 32
    assert len(WordPieces(tokenizer).single.before) == 1
    stored = json.loads((folder / "tokenizer.json").read_text(encoding="utf8"))
    assert json.loads(tokenizer)["model"]["vocab"] == stored["model"]["vocab"]


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", None])
def test_missing_folder_or_file(folder: Path, missing: Any):
    if missing is None:
        shutil.rmtree(folder)
    else:
        (folder / missing).unlink()
    with pytest.raises(MedmtlError, match=f"E008.*{folder.name}.*model.safetensors"):
        loaders.local_encoder(str(folder))()


def test_missing_tokenizer(folder: Path):
    for path in folder.iterdir():
        if path.name not in ("config.json", "model.safetensors"):
            path.unlink()
    with pytest.raises(MedmtlError, match=r"E008.*tokenizer\.json"):
        loaders.local_encoder(str(folder))()


def test_damaged_weights(folder: Path):
    (folder / "model.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00 not safetensors")
    with pytest.raises(MedmtlError, match="E008"):
        loaders.local_encoder(str(folder))()


def test_weights_that_lack_a_layer(folder: Path):
    """transformers would fill it with random numbers. The pooler may lack: it is not used."""
    weights = load((folder / "model.safetensors").read_bytes())
    without_pooler = {name: tensor for name, tensor in weights.items() if not name.startswith("pooler.")}
    save_file(without_pooler, folder / "model.safetensors", metadata={"format": "pt"})
    assert loaders.local_encoder(str(folder))()[0].config.hidden_size == 32
    lacking = {name: tensor for name, tensor in weights.items() if "layer.1.output.dense" not in name}
    save_file(lacking, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MedmtlError, match=r"E008.*lack encoder\.layer\.1\.output\.dense.*2 in all"):
        loaders.local_encoder(str(folder))()


class Bomb:
    """What a hostile pytorch_model.bin can do."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


def test_folder_with_pickled_weights_only_is_refused_unread(folder: Path):
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Bomb()}, folder / "pytorch_model.bin")
    with pytest.raises(MedmtlError, match=r"E008.*pytorch_model\.bin.*not read"):
        loaders.local_encoder(str(folder))()


def test_pickled_weights_beside_safetensors_are_not_read(folder: Path):
    torch.save({"weight": Bomb()}, folder / "pytorch_model.bin")
    assert loaders.local_encoder(str(folder))()[0].config.model_type == "bert"


def test_slow_tokenizer(folder: Path):
    """CANINE's pieces are code points; a model that has no fast tokenizer cannot be split losslessly by ours."""
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CanineTokenizer"}', encoding="utf8")
    with pytest.raises(MedmtlError, match="E014.*received CanineTokenizer"):
        loaders.local_encoder(str(folder))()


def test_a_vocabulary_alone_is_a_tokenizer(folder: Path):
    """As the folders of older BERTs have it: vocab.txt and no tokenizer.json."""
    _, expected = loaders.local_encoder(str(folder))()
    pieces = sorted((vocabulary := json.loads(expected)["model"]["vocab"]), key=lambda piece: vocabulary[piece])
    for path in folder.glob("tokenizer*"):
        path.unlink()
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf8")
    _, tokenizer = loaders.local_encoder(str(folder))()
    doc = Doc(Vocab(), "Mother denies FEVER , Ängste and 38.5 °".split())
    old, new = WordPieces(expected), WordPieces(tokenizer)
    assert list(new.of_doc(doc).ids) == list(old.of_doc(doc).ids)
    assert (new.single, new.pair, new.marker, new.mask) == (old.single, old.pair, old.marker, old.mask)


EATS_ALL = {"type": "Replace", "pattern": {"Regex": "."}, "content": ""}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"normalizer": EATS_ALL}, "knows no piece of text"),
        ({"model": {"vocab": {"[UNK]": 2, "[CLS]": 3, "[SEP]": 4}}}, "knows no piece of text"),
        ({"model": {"vocab": {"[UNK]": 2, "[CLS]": 3, "[SEP]": 4, "a": 999}}}, "up to 999, its weights have"),
        ({"model": {"type": "Unheard"}}, "Exception"),
    ],
)
def test_a_tokenizer_that_would_train_on_nothing(folder: Path, change: dict[str, Any], reason: str):
    path = folder / "tokenizer.json"
    stored = json.loads(path.read_text(encoding="utf8"))
    for name, value in change.items():
        stored[name] = {**stored[name], **value} if name == "model" else value
    path.write_text(json.dumps(stored), encoding="utf8")
    with pytest.raises(MedmtlError, match=f"E008.*{reason}"):
        loaders.local_encoder(str(folder))()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(folder: Path, dtype: torch.dtype):
    """Its config says so too, so that a model made of the config takes the weights as they are."""
    weights = load((folder / "model.safetensors").read_bytes())
    halves = {name: tensor.to(dtype) for name, tensor in weights.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf8"))
    for key in ("dtype", "torch_dtype"):
        config[key] = str(dtype).removeprefix("torch.")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf8")
    model, _ = loaders.local_encoder(str(folder))()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    word = model.get_input_embeddings().weight
    assert word.equal(halves["embeddings.word_embeddings.weight"].float())
    again = AutoModel.from_config(type(model.config).from_dict(model.config.to_dict()))
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}


def test_tokenizer_files_are_read_by_the_library_itself(tiny_encoder: Path, tmp_path: Path):
    """What is written is an ordinary Hugging Face tokenizer, whichever version wrote it."""
    _, tokenizer = loaders.local_encoder(str(tiny_encoder))()
    settings = json.loads((tiny_encoder / "tokenizer_config.json").read_text(encoding="utf8"))
    assert settings["tokenizer_class"] == "PreTrainedTokenizerFast"
    read = AutoTokenizer.from_pretrained(tiny_encoder)
    assert json.loads(read.backend_tokenizer.to_str())["model"] == json.loads(tokenizer)["model"]
    assert read(["no fever", "no"], padding=True)["attention_mask"] == [[1, 1, 1, 1], [1, 1, 1, 0]]


def test_code_in_a_model_folder_is_not_run(folder: Path):
    """``auto_map`` names Python files of the folder; they are refused, not imported."""
    (folder / "modeling_own.py").write_text("raise SystemExit('code of a model folder ran')", encoding="utf8")
    config = json.loads((folder / "config.json").read_text(encoding="utf8"))
    config.update(model_type="own", auto_map={"AutoConfig": "modeling_own.Own", "AutoModel": "modeling_own.Own"})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf8")
    with pytest.raises(MedmtlError, match="E008"):
        loaders.local_encoder(str(folder))()


def test_bundled_encoder_is_checked_before_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    received = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    with pytest.raises(MedmtlError, match=f"E009.*sha256 {received}, expected {loaders.MINILM_SHA256}.*Delete it"):
        loaders.minilm_encoder(str(folder))()
    monkeypatch.setattr(loaders, "MINILM_SHA256", received)
    assert loaders.minilm_encoder(str(folder))()[0].config.hidden_size == 32
    (folder / "model.safetensors").unlink()
    with pytest.raises(MedmtlError, match="E008.*medmtl fetch-encoder"):
        loaders.minilm_encoder(str(folder))()


def test_hub_name_offline_says_so():
    with pytest.raises(MedmtlError, match="E008.*'nobody/has-this'"):
        loaders.hub_encoder("nobody/has-this")()


def test_initialising_without_a_loader(make_nlp: Callable[..., Language]):
    nlp = make_nlp(*TASKS)
    del nlp.config["initialize"]["components"]["encoder"]
    with pytest.raises(MedmtlError, match=r"E004.*\[initialize\.components\.encoder\]"):
        nlp.initialize(lambda: gold_examples(nlp))


def test_a_missing_folder_stops_the_first_initialisation(make_nlp: Callable[..., Language], tmp_path: Path):
    nlp = make_nlp(*TASKS)
    nlp.config["initialize"]["components"]["encoder"]["loader"]["path"] = str(tmp_path / "nowhere")
    with pytest.raises(MedmtlError, match="E008.*nowhere"):
        nlp.initialize(lambda: gold_examples(nlp))


def test_using_a_pipeline_before_it_has_weights(make_nlp: Callable[..., Language]):
    with pytest.raises(MedmtlError, match="E210.*has no weights yet"):
        make_nlp("sru_nested_ner")("no fever .")


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"window": 400}, "E007"), ({"stride": 63}, "E007"), ({"layers": [2]}, "E005"), ({"routes": ["a", "a"]}, "E011")],
)
def test_settings_that_do_not_fit_the_model(
    make_nlp: Callable[..., Language], encoder_settings: Callable, settings: Any, code: str
):
    with pytest.raises(MedmtlError, match=code):  # E011 when the pipeline is made, the others when weights come
        make_nlp(encoder=encoder_settings(**settings)).initialize(lambda: [])
