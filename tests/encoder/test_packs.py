"""Packs of sequences of unequal length, as heads read them, against Hugging Face's model that reads each alone; and the
packs at the edge: of nothing, of one piece, of as much as the encoder takes."""

from pathlib import Path

import pytest
import spacy
import torch
from encoder_helpers import TASKS, arrays
from spacy.tokens import Doc
from test_model_layouts import BERT_LIKE, plain, routed
from test_routes_together import trained_like
from test_sharing_encoder import RULES

from spacy_medmtl.encoder import precision
from spacy_medmtl.encoder.encoding import Encoding
from spacy_medmtl.encoder.packing import pack_sequences, padded_length, places_in_sequences
from spacy_medmtl.encoder.views.requests import Reading, ViewRequest

NLP = spacy.blank("en")


@pytest.mark.parametrize("model_type", BERT_LIKE)
def test_each_sequence_of_a_pack_is_read_as_alone(model_type: str):
    """Up to the last position, of which RoBERTa has two fewer; the rows that fill up the pack are nobody's."""
    model = plain(model_type, **BERT_LIKE[model_type]).double()
    encoder = routed(model, layers=[1]).double()
    torch.manual_seed(2)
    sequences = [torch.randint(5, 60, (length,)).numpy() for length in (1, 3, 16, 17, 24, 25, encoder.longest)]
    lengths = [padded_length(len(ids), encoder.longest) for ids in sequences]
    assert lengths[-1] == encoder.longest
    assert sum(lengths) % 16
    types = [ids * 0 for ids in sequences]
    pack = pack_sequences(sequences, types, lengths, encoder.pad, torch.device("cpu"))
    with torch.no_grad():
        rows = encoder.branches(encoder.trunk(pack.ids, pack.types, pack.groups), pack.groups, ["easy", "hard"])
        for ids, start in zip(sequences, pack.starts, strict=True):
            given = torch.from_numpy(ids)[None]
            expected = model(given, attention_mask=torch.ones_like(given)).last_hidden_state[0]
            for route in rows:
                torch.testing.assert_close(route[start : start + len(ids)], expected, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("view", ["document", "tokens"])
def test_one_pack_gives_what_many_give(tiny_encoder: Path, name: str, view: str):
    """In rows, and in training in the gradients of all parameters; under every rule."""
    module = trained_like(tiny_encoder, name, torch.float64)
    docs = [Doc(NLP.vocab, words=["fever"] * n) for n in (1, 40, 3, 17, 90)]
    found = []
    for budget in (10**6, 1):
        for parameter in module.parameters():
            parameter.grad = None
        encoding = Encoding(module, RULES[name].key, budget, trains=True)
        rows = [encoding.read(ViewRequest(docs, route, view)) for route in (TASKS[3], TASKS[1])]
        for of_route in rows:
            encoding.add_gradient(of_route, torch.sin(torch.arange(of_route.tensor.numel()).double()).view(-1, 32), 0)
        encoding.backpropagate()
        gradients = {key: value.grad for key, value in module.named_parameters() if value.grad is not None}
        found.append(([of_route.tensor.detach() for of_route in rows], gradients, len(encoding._encoded)))
    (together, joint, n_together), (apart, separate, n_apart) = found
    assert n_together == 1 < n_apart
    torch.testing.assert_close(together, apart, rtol=0.0, atol=1e-9)
    assert joint.keys() == separate.keys()
    for key, gradient in joint.items():
        torch.testing.assert_close(gradient, separate[key], rtol=1e-9, atol=1e-7, msg=key)


@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_nothing_to_read_gives_no_rows_and_no_pack(tiny_encoder: Path, name: str, trains: bool):
    module = trained_like(tiny_encoder, name, torch.float64)
    blank = [Doc(NLP.vocab), Doc(NLP.vocab, words=[" "])]
    encoding = Encoding(module, RULES[name].key, 60, trains=trains, expected={"document": TASKS})
    for view, items, n_rows in [
        ("document", [], 0),
        ("document", blank, 1),
        ("tokens", blank, 1),
        ("sentence", [Reading(doc, [], marked=False) for doc in blank], 0),
        ("blinded_pair", [Reading(doc, [], marked=False) for doc in blank], 0),
    ]:
        rows = encoding.read(ViewRequest(items, TASKS[3], view))
        assert rows.tensor.shape == (n_rows, 32)
        assert rows.tensor.dtype == torch.float64
        assert not rows.tensor.any()
        encoding.add_gradient(rows, torch.ones_like(rows.tensor), task=0)
    assert not encoding.pending, "there is nothing to go back through"
    assert not encoding._encoded


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_doc_of_one_word_is_a_pack(tiny_encoder: Path, dtype: torch.dtype):
    """Read with all routes at once, and as one of several: the rows behind it are padding."""
    module = trained_like(tiny_encoder, "progressive", dtype)
    docs = [Doc(NLP.vocab, words=["fever"]), Doc(NLP.vocab, words=["no", "cough"] * 30)]
    alone, beside = (Encoding(module, str, 4096, expected={"document": TASKS}) for _ in range(2))
    for route in TASKS:
        own = alone.read(ViewRequest(docs[:1], route, "document")).tensor
        assert own.dtype == dtype
        assert own.shape == (1, 32)
        assert torch.equal(arrays_of(beside, docs, route)[0], own)
    assert [len(encoded.pack.groups) for encoded in alone._encoded] == [1]


def arrays_of(encoding: Encoding, docs: list[Doc], route: str) -> list[torch.Tensor]:
    return [torch.from_numpy(rows) for rows in arrays(encoding.read(ViewRequest(docs, route, "document")))]


def test_packs_in_bfloat16_are_near_the_exact_ones(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch):
    """Groups with padding and without, and all routes, whose bias is float32 beside queries in bfloat16."""
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    module = trained_like(tiny_encoder, "progressive", torch.float32)
    docs = [Doc(NLP.vocab, words=["fever", "cough"] * n) for n in (1, 7, 12, 20)]
    request = ViewRequest(docs, TASKS[3], "tokens")
    found = []
    for mixed in (False, True):
        module.encoder.mixed_precision = mixed
        rows = Encoding(module, str, 4096, expected={"tokens": TASKS}).read(request).tensor
        assert rows.dtype == torch.float32
        found.append(rows)
    assert not torch.equal(*found)
    torch.testing.assert_close(*found, rtol=0.0, atol=0.1)


@pytest.mark.parametrize("name", RULES)
def test_a_pack_is_on_the_device_of_the_encoder(tiny_encoder: Path, name: str):
    """Torch's device without memory stands in for a GPU: what is on another one cannot be computed with."""
    with pytest.raises(RuntimeError, match="device"):
        torch.ones(2, device="meta") + torch.ones(2)
    module = trained_like(tiny_encoder, name, torch.float32).to("meta")
    docs = [Doc(NLP.vocab, words=["fever"] * n) for n in (0, 1, 40, 3, 90)]
    for view in ("document", "tokens"):
        encoding = Encoding(module, RULES[name].key, 100, expected={view: TASKS})
        rows = encoding.read(ViewRequest(docs, TASKS[3], view)).tensor
        assert (rows.device.type, tuple(rows.shape)) == ("meta", (134, 32))
        assert len(encoding._encoded) > 1
        packs = [encoded.pack for encoded in encoding._encoded]
        indices = [
            index for pack in packs for index in (pack.ids, pack.types, places_in_sequences(pack.groups, rows.device))
        ]
        assert {index.device.type for index in indices} == {"meta"}, "which an embedding there would not tell"
        assert {group.bias is None for pack in packs for group in pack.groups} == {True, False}
