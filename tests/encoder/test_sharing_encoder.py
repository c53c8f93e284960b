"""The whole encoder under every sharing rule: starts, steps, saving, sharing of outputs, export as a plain model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import (
    SKILLS_TABLE,
    TASKS,
    TEXTS,
    adam,
    any_gradient,
    arrays,
    encoded,
    gold_examples,
    moments,
    same,
    weights,
)
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model, fix_random_seed

from spacy_medmtl.encoder.export import export_route
from spacy_medmtl.encoder.model import build_encoder_model, new_encoding, start_encoder
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.encoder.sharing.mmoe import mmoe_rule
from spacy_medmtl.encoder.sharing.n_ffn import n_ffn_rule
from spacy_medmtl.encoder.sharing.progressive import progressive_rule
from spacy_medmtl.encoder.sharing.separate import separate_rule
from spacy_medmtl.encoder.sharing.shared import shared_rule
from spacy_medmtl.encoder.sharing.skills import skills_rule
from spacy_medmtl.encoder.views.requests import ViewRequest
from spacy_medmtl.encoder.weights import local_encoder
from spacy_medmtl.errors import MedmtlError

RULES: dict[str, Any] = {
    "shared": shared_rule(),
    "progressive": progressive_rule(),
    "progressive, rank": progressive_rule(rank=3),
    "progressive, one W": progressive_rule(share_W_over_layers=True),
    "progressive, parallel": progressive_rule(init="zero", keep_base_ffn="parallel"),
    "progressive, serial": progressive_rule(init="zero", keep_base_ffn="serial"),
    "mmoe": mmoe_rule(),
    "mmoe, rank": mmoe_rule(experts=2, rank=3),
    "skills": skills_rule(SKILLS_TABLE),
    "separate": separate_rule(),
    "separate, rank": separate_rule(rank=3),
    "n_ffn": n_ffn_rule(n_ffn=2),
}
CONFIGS: dict[str, dict[str, Any]] = {
    "mmoe": {"@misc": "spacy-medmtl.mmoe_rule.v1", "experts": 3, "rank": 2},
    "skills": {"@misc": "spacy-medmtl.skills_rule.v1", "table": SKILLS_TABLE},
    "separate": {"@misc": "spacy-medmtl.separate_rule.v1", "rank": 2},
    "n_ffn": {"@misc": "spacy-medmtl.n_ffn_rule.v1", "n_ffn": 3},
    "one W": {"@misc": "spacy-medmtl.progressive_rule.v1", "share_W_over_layers": True, "rank": 2},
    "serial": {"@misc": "spacy-medmtl.progressive_rule.v1", "keep_base_ffn": "serial"},
}
SKILLS = [[0, 3, 6], [0, 2, 5, 6], [1, 6], [1, 2, 4, 6]]


def start(folder: Path, rule: Any, layers: Any = None) -> Model:
    model = build_encoder_model(routes=list(TASKS), layers=layers, rule=rule, window=64, stride=48, batch_pieces=4096)
    start_encoder(model, *local_encoder(str(folder))())
    return model


def docs() -> list[Doc]:
    return [Doc(Vocab(), words=text.split()) for text in TEXTS]


def train_step(model: Model, route: str, optimizer: Any) -> None:
    rows, backprop = model(ViewRequest(docs(), route, "tokens"), True)
    backprop(any_gradient(rows))
    model.finish_update(optimizer)


def outputs(model: Model, route: str) -> numpy.ndarray:
    return numpy.vstack(arrays(model.predict(ViewRequest(docs(), route, "tokens"))))


@pytest.mark.parametrize("name", [name for name in RULES if "mmoe" not in name])
def test_every_route_starts_as_the_pretrained_encoder(tiny_encoder: Path, name: str):
    model, plain = start(tiny_encoder, RULES[name]), start(tiny_encoder, shared_rule())
    expected = outputs(plain, TASKS[0])
    for route in TASKS:
        numpy.testing.assert_allclose(outputs(model, route), expected, rtol=0.0, atol=5e-6)


def test_the_third_layer_norm_changes_little_whatever_the_second_one_is(tiny_encoder: Path):
    """Where gain and bias are not 1 and 0, a LayerNorm on a LayerNorm's output is not the identity."""
    model = local_encoder(str(tiny_encoder))()[0]
    with torch.no_grad():
        for layer in model.encoder.layer:
            layer.output.LayerNorm.weight.uniform_(0.4, 1.2)
            layer.output.LayerNorm.bias.normal_(std=0.3)
    expected = model(torch.arange(6, 26)[None]).last_hidden_state.detach()
    settings: dict[str, Any] = {"routes": TASKS, "layers": None, "rule": RULES["progressive, serial"]}
    routed = RoutedEncoder(model.config.to_dict(), pretrained=model, **settings).eval()
    mask = torch.ones(1, 20, dtype=torch.long)
    with torch.no_grad():
        found = encoded(routed, (torch.arange(6, 26)[None], mask * 0, mask), TASKS[3:])[0]
    assert (found - expected).norm() / expected.norm() < 0.25


def uses(rule: str, name: str, m: int) -> bool:
    """Whether a parameter takes part in route m."""
    parts = name.split(".")

    def number(mark: str) -> int:
        return int(parts[parts.index(mark) + 1])

    if "coefficients" in parts:
        return "n_ffn" in rule or number("coefficients") < m
    if "gates" in parts:
        return number("gates") == m
    own = "deltas" if "deltas" in parts else "ffns"
    if own not in parts or "base" in parts:
        return True
    kinds = {"progressive": range(m + 1), "separate": [m], "skills": SKILLS[m]}
    return number(own) in kinds.get(rule.split(",")[0], range(99))


@pytest.mark.parametrize("name", RULES)
def test_a_step_leaves_what_its_route_does_not_use_bit_identical(tiny_encoder: Path, name: str):
    """Weight decay on, and everything has Adam moments from earlier steps, which would go on moving it."""
    model, optimizer = start(tiny_encoder, RULES[name]), adam()
    for _ in range(2):  # what multiplies a zero gets no gradient at first
        for route in TASKS:
            train_step(model, route, optimizer)
    for m in (0, 2):
        before, moments_before = weights(model), moments(model, optimizer)
        train_step(model, TASKS[m], optimizer)
        after, moments_after = weights(model), moments(model, optimizer)
        for key in before:
            assert (before[key].tobytes() != after[key].tobytes()) == uses(name, key[1], m), key
        for key in moments_before:
            assert (moments_before[key].tobytes() != moments_after[key].tobytes()) == uses(name, key[2], m), key


@pytest.mark.parametrize("layers", [None, [1]])
@pytest.mark.parametrize("name", RULES)
def test_trained_weights_are_read_back(tiny_encoder: Path, name: str, layers: Any):
    """By the bytes of the safetensors file, and by copy; the copy is one of its own."""
    model, optimizer = start(tiny_encoder, RULES[name], layers), adam(1e-2)
    for route in TASKS:
        train_step(model, route, optimizer)
    expected = [outputs(model, route) for route in TASKS]
    loaded = start(tiny_encoder, RULES[name], layers)
    assert not numpy.array_equal(outputs(loaded, TASKS[3]), expected[3])
    loaded.shims[0].from_bytes(model.shims[0].to_bytes())
    copied = model.copy()
    train_step(model, TASKS[3], optimizer)
    for twin in (loaded, copied):
        assert all(numpy.array_equal(outputs(twin, route), rows) for route, rows in zip(TASKS, expected))


@pytest.mark.parametrize("sharing", CONFIGS)
def test_a_pipeline_trains_saves_loads_and_shares_outputs(
    make_nlp: Callable[..., Language], encoder_settings: Callable, tmp_path: Path, sharing: str
):
    fix_random_seed(0)
    settings = encoder_settings(layers=[1])
    settings["model"]["sharing"] = CONFIGS[sharing]
    nlp = make_nlp(*TASKS, encoder=settings)
    nlp.initialize(lambda: gold_examples(nlp))
    optimizer = adam(2e-3)
    start_weights = weights(nlp.get_pipe("encoder").model)
    losses: list[dict[str, float]] = [nlp.update(gold_examples(nlp), sgd=optimizer) for _ in range(12)]
    assert sum(losses[-1].values()) < 0.8 * sum(losses[0].values())
    assert not same(start_weights, weights(nlp.get_pipe("encoder").model))

    def scores(one: Language) -> list[Any]:
        return [doc.spans[key].attrs["scores"] for doc in one.pipe(TEXTS, batch_size=3) for key in sorted(doc.spans)]

    expected = scores(nlp)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert scores(loaded) == expected
    encoder = loaded.get_pipe("encoder")
    encoder.encoding_for = lambda docs, is_train: new_encoding(encoder.model, trains=False)
    assert scores(loaded) == expected


@pytest.mark.parametrize(
    ("rule", "n_branches"), [("shared", 1), ("n_ffn", 1), ("separate", 4), ("skills", 3), ("mmoe", 4)]
)
def test_routes_with_equal_keys_are_computed_once(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, rule: str, n_branches: int
):
    """Skills: two of these four tasks need the same ones."""
    table = dict(zip(TASKS, [["s1", "s7"], ["s7", "s1"], ["s7"], ["s2"]]))
    model = start(tiny_encoder, skills_rule(table) if rule == "skills" else RULES[rule], [1])
    optimizer = adam(1e-2)
    for route in TASKS:
        train_step(model, route, optimizer)
    expected = [outputs(model, route) for route in TASKS]
    calls: list[str] = []
    original = RoutedEncoder.branches
    monkeypatch.setattr(RoutedEncoder, "branches", lambda self, *args: calls.extend(args[2]) or original(self, *args))
    texts = docs()
    for expects in ({}, {"tokens": TASKS}):  # one after the other as they are asked for, and all with the first
        calls.clear()
        encoding = new_encoding(model, trains=False, expected=expects)
        for route, rows in zip(TASKS, expected):
            found = model.predict(ViewRequest(texts, route, "tokens", encoding=encoding))
            numpy.testing.assert_allclose(numpy.vstack(arrays(found)), rows, rtol=0.0, atol=1e-5)
        assert len(calls) == len(set(calls)) == n_branches


@pytest.mark.parametrize("layers", [None, [1]])
@pytest.mark.parametrize("name", [name for name in RULES if "mmoe" not in name and "serial" not in name])
def test_an_exported_route_is_a_plain_bert(tiny_encoder: Path, tmp_path: Path, name: str, layers: Any):
    """Read back with the library's own loader, it gives the rows of the route; narrower layers are padded."""
    model, optimizer = start(tiny_encoder, RULES[name], layers), adam(1e-2)
    for route in TASKS:
        train_step(model, route, optimizer)
    for route in (TASKS[0], TASKS[3]):
        export_route(model, route, tmp_path / route)
        plain = start(tmp_path / route, shared_rule())
        numpy.testing.assert_allclose(outputs(plain, TASKS[0]), outputs(model, route), rtol=0.0, atol=1e-5)
    width = plain.shims[0].spec["config"]["intermediate_size"]
    n_ffns = {"shared": 1, "separate": 1, "n_ffn": 2}.get(name.split(",")[0], 4 + ("parallel" in name))
    assert width == 64 * n_ffns


def test_what_cannot_be_exported(tiny_encoder: Path, tmp_path: Path):
    with pytest.raises(MedmtlError, match="E022.*mmoe"):
        export_route(start(tiny_encoder, RULES["mmoe"]), TASKS[0], tmp_path)
    with pytest.raises(MedmtlError, match="E022.*third part"):
        export_route(start(tiny_encoder, RULES["progressive, serial"]), TASKS[0], tmp_path)
    with pytest.raises(MedmtlError, match="E001.*'other'"):
        export_route(start(tiny_encoder, RULES["shared"]), "other", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_settings_are_checked_when_the_config_is_read(make_nlp: Callable[..., Language], encoder_settings: Callable):
    """Long before training starts."""
    for sharing, code in (
        ({"@misc": "spacy-medmtl.mmoe_rule.v1", "experts": 0}, "E020"),
        ({"@misc": "spacy-medmtl.skills_rule.v1", "table": {"sentence_intent": ["s1"]}}, "E021"),
        ({"@misc": "spacy-medmtl.n_ffn_rule.v1", "n_ffn": 0}, "E020"),
        ({"@misc": "spacy-medmtl.progressive_rule.v1", "keep_base_ffn": "beside"}, "E020"),
    ):
        settings = encoder_settings()
        settings["model"]["sharing"] = sharing
        with pytest.raises(MedmtlError, match=code):
            make_nlp(encoder=settings)


@pytest.mark.parametrize("changed", [{"TABLE": 1}, {"experts": 3}, {"rank": None}])
def test_weights_of_other_settings_are_refused(tiny_encoder: Path, changed: dict[str, Any]):
    """Another table can have the same shapes."""
    if "TABLE" in changed:
        tables = [dict(zip(TASKS, [["a"], ["b"], ["c"], ["d"]])), dict(zip(TASKS, [["b"], ["a"], ["c"], ["d"]]))]
        one, two = (start(tiny_encoder, skills_rule(table)) for table in tables)
    else:
        one, two = (start(tiny_encoder, mmoe_rule(**{"rank": 3, **settings})) for settings in ({}, changed))
    with pytest.raises(MedmtlError, match="E013"):
        two.shims[0].from_bytes(one.shims[0].to_bytes())
