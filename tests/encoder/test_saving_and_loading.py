"""Round trips by disk and bytes at every stage give equal outputs; what files hold; what does not fit is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import srsly
from encoder_helpers import TASKS, TEXTS, adam, annotations, gold_examples, same, weights
from safetensors import safe_open
from safetensors.numpy import load_file
from spacy.language import Language

from spacy_medmtl.encoder.bridge import TorchShim
from spacy_medmtl.errors import MedmtlError, MedmtlWarning


def copy_by_disk(nlp: Language, path: Path) -> Language:
    nlp.to_disk(path)
    return spacy.load(path)


def copy_by_bytes(nlp: Language, path: Path) -> Language:
    return spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())


WAYS = [copy_by_disk, copy_by_bytes]


def outputs(nlp: Language) -> list[Any]:
    docs = list(nlp.pipe(TEXTS))
    scores = [doc.spans[key].attrs["scores"] for doc in docs for key in sorted(doc.spans)]
    return [[annotations(doc) for doc in docs], scores]


def trained(make_nlp: Callable[..., Language], steps: int) -> Language:
    nlp = make_nlp(*TASKS)
    nlp.initialize(lambda: gold_examples(nlp))
    optimizer = adam()
    for _ in range(steps):
        nlp.update(gold_examples(nlp), sgd=optimizer)
    return nlp


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("steps", [0, 3])
def test_equal_outputs_after_initialisation_and_training(
    make_nlp: Callable[..., Language], tmp_path: Path, way: Callable[..., Language], steps: int
):
    nlp = trained(make_nlp, steps)
    loaded = way(nlp, tmp_path)
    assert outputs(loaded) == outputs(nlp)
    for name in ("encoder", *TASKS):
        ours = {key[1]: value for key, value in weights(nlp.get_pipe(name).model).items()}
        theirs = {key[1]: value for key, value in weights(loaded.get_pipe(name).model).items()}
        assert same(ours, theirs)
    again = way(loaded, tmp_path / "again")
    assert outputs(again) == outputs(nlp)


@pytest.mark.parametrize("way", WAYS)
def test_before_initialisation_nothing_is_lost_either(make_nlp: Callable[..., Language], tmp_path: Path, way: Callable):
    """Labels added by hand are there, and the copy initialises to the same weights as the original."""
    from thinc.api import fix_random_seed

    nlp = make_nlp(*TASKS)
    nlp.get_pipe("sru_nested_ner").add_label("LATER")
    loaded = way(nlp, tmp_path)
    assert loaded.get_pipe("sru_nested_ner").labels == ("LATER",)
    results = []
    for one in (nlp, loaded):
        fix_random_seed(4)
        one.initialize(lambda one=one: gold_examples(one))
        results.append(outputs(one))
    assert results[0] == results[1]


def test_a_loaded_pipeline_goes_on_training(trained_path: Path, tmp_path: Path):
    nlp = spacy.load(trained_path)
    optimizer = nlp.resume_training()
    before = weights(nlp.get_pipe("encoder").model)
    nlp.update(gold_examples(nlp), sgd=optimizer)
    assert not same(before, weights(nlp.get_pipe("encoder").model))
    assert outputs(copy_by_disk(nlp, tmp_path)) == outputs(nlp)


def test_weights_file_opens_with_the_safetensors_library(trained_path: Path):
    tensors = load_file(trained_path / "encoder" / "encoder.safetensors")
    held = {key[1]: value for key, value in weights(spacy.load(trained_path).get_pipe("encoder").model).items()}
    assert {name for name in tensors if name in held} == set(held)
    assert all(numpy.array_equal(tensors[name], held[name]) for name in held)
    with safe_open(trained_path / "encoder" / "encoder.safetensors", framework="np") as file_:
        spec = srsly.json_loads(file_.metadata()["spec"])
    assert spec["config"]["model_type"] == "bert"


def pickled(data: bytes) -> bool:
    """Whether bytes are, or hold, a pickle of protocol 2 or later, or a zip archive (what torch.save writes)."""
    heads = [b"\x80" + bytes([protocol, start]) for protocol in range(2, 6) for start in b"}]c\x95("]
    return data.startswith(b"PK\x03\x04") or any(head in data[:4096] for head in heads) or b"torch._utils" in data


def test_nothing_is_pickled(trained_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """No file is a pickle, and neither saving nor loading calls pickle or torch's pickling."""
    import pickle

    import torch
    from srsly import cloudpickle

    assert pickled(pickle.dumps({"a": 1}))
    for path in trained_path.rglob("*"):
        if path.is_file():
            assert path.suffix not in (".pkl", ".pt", ".joblib"), path
            if path.name != "key2row" and path.suffix != ".safetensors":
                assert not pickled(path.read_bytes()), path

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("pickle")

    for module, names in ((pickle, ("dumps", "dump", "loads", "load")), (torch, ("save", "load"))):
        for name in names:
            monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(cloudpickle, "dumps", refuse)
    nlp = spacy.load(trained_path)
    nlp.to_disk(tmp_path)
    nlp.from_bytes(nlp.to_bytes())
    assert outputs(spacy.load(tmp_path)) == outputs(nlp)


@pytest.mark.parametrize(
    "settings",
    [
        {"routes": [*TASKS, "a_fifth"]},
        {"routes": [TASKS[1], TASKS[0], *TASKS[2:]]},
        {"routes": ["before", *TASKS]},
        {"layers": [0]},
        {"sharing": {"@misc": "spacy-medmtl.shared_rule.v1"}},
    ],
    ids=["one more", "another order", "one before", "fewer layers", "another rule"],
)
def test_weights_of_other_routes_layers_or_rules_are_refused(trained_path: Path, settings: dict[str, Any]):
    """Another order of the same routes has the same shapes, and would give each task the FFNs of another."""
    changed = spacy.util.load_config(trained_path / "config.cfg")
    changed["components"]["encoder"]["model"].update(settings)
    nlp = spacy.util.load_model_from_config(changed)
    with pytest.raises(MedmtlError, match="E013"):
        nlp.from_disk(trained_path)


def test_shared_weights_serve_any_routes(make_nlp: Callable[..., Language], encoder_settings: Callable, tmp_path: Path):
    """Under ``shared`` routes are only names."""
    nlp = make_nlp("sentence_intent", encoder=encoder_settings(["sentence_intent"], sharing="shared_rule"))
    nlp.initialize(lambda: gold_examples(nlp))
    nlp.to_disk(tmp_path)
    changed = spacy.util.load_config(tmp_path / "config.cfg")
    changed["components"]["encoder"]["model"]["routes"] = ["another", "sentence_intent"]
    assert outputs(spacy.util.load_model_from_config(changed).from_disk(tmp_path)) == outputs(nlp)


def test_initialises_again_without_the_folder_it_came_from(
    make_nlp: Callable[..., Language], tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A packaged pipeline on another machine, offline: warning W001, its own weights, new heads."""
    nlp = make_nlp(*TASKS)
    elsewhere = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, elsewhere)
    nlp.config["initialize"]["components"]["encoder"]["loader"]["path"] = str(elsewhere)
    nlp.initialize(lambda: gold_examples(nlp))
    nlp.update(gold_examples(nlp), sgd=adam())
    nlp.to_disk(tmp_path / "model")
    shutil.rmtree(elsewhere)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    loaded = spacy.load(tmp_path / "model")
    assert outputs(loaded) == outputs(nlp)
    held = {key[1]: value for key, value in weights(loaded.get_pipe("encoder").model).items()}
    with pytest.warns(MedmtlWarning, match="W001.*E008"):
        loaded.initialize(lambda: gold_examples(loaded))
    assert same(held, {key[1]: value for key, value in weights(loaded.get_pipe("encoder").model).items()})
    assert set(loaded.get_pipe("sru_nested_ner").labels) == {"FINDING", "SIGN"}
    loaded.update(gold_examples(loaded), sgd=adam())


def test_two_copies_share_no_optimizer_state(trained_path: Path):
    """Shim ids are the keys of the moments: a copy in memory has its own."""
    import copy

    shim = spacy.load(trained_path).get_pipe("encoder").model.shims[0]
    twin = copy.deepcopy(shim)
    assert isinstance(twin, TorchShim)
    assert twin.id != shim.id
    parameters = dict(twin.module.named_parameters())
    for name, parameter in shim.module.named_parameters():
        assert parameters[name].data_ptr() != parameter.data_ptr()


@pytest.mark.parametrize("size", [1, 8, 50, 5000, -1])
def test_weights_that_were_cut_off_are_named(trained_path: Path, tmp_path: Path, size: int):
    whole = (trained_path / "encoder" / "encoder.safetensors").read_bytes()
    nlp = spacy.util.load_model_from_config(spacy.util.load_config(trained_path / "config.cfg"))
    shutil.copytree(trained_path, tmp_path / "cut")
    (tmp_path / "cut" / "encoder" / "encoder.safetensors").write_bytes(whole[:size])
    with pytest.raises(MedmtlError, match="E018.*damaged"):
        nlp.from_disk(tmp_path / "cut")


@pytest.mark.parametrize("way", WAYS)
def test_a_pipeline_that_never_had_weights(make_nlp: Callable[..., Language], tmp_path: Path, way: Callable[..., Any]):
    """It says so in its file, so that an emptied one cannot pass for it."""
    loaded = way(make_nlp(*TASKS), tmp_path / "untrained")
    with pytest.raises(MedmtlError, match="E210"):
        loaded("One.")
    loaded.initialize(lambda: gold_examples(loaded))
    assert outputs(way(loaded, tmp_path / "initialised")) == outputs(loaded)
