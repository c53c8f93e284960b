"""Heads that read the view ``document`` share one pass: in prediction one trunk and one call for all routes, in
training one backward pass; and when they are done, nothing of it is left."""

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import torch
from encoder_helpers import TASKS, TEXTS, adam, document_heads, gold_examples, pending, shims
from spacy.language import Language
from spacy.tokens import Doc

from spacy_medmtl.encoder.encoding import Encoding
from spacy_medmtl.encoder.routed import RoutedEncoder
from spacy_medmtl.heads.head import Head


@pytest.fixture
def nlp(document_path: Path) -> Language:
    return spacy.load(document_path)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is computed from now on: "trunk", and the routes of each call of ``branches``."""
    made: list[Any] = []
    trunk, branches = RoutedEncoder.trunk, RoutedEncoder.branches
    monkeypatch.setattr(RoutedEncoder, "trunk", lambda self, *args: made.append("trunk") or trunk(self, *args))
    monkeypatch.setattr(
        RoutedEncoder, "branches", lambda self, *args: made.append(tuple(args[2])) or branches(self, *args)
    )
    return made


@pytest.mark.parametrize("is_stream", [False, True])
def test_after_the_first_batch_all_routes_are_computed_together(nlp: Language, calls: list[Any], is_stream: bool):
    """Also where it was all of a stream."""
    if is_stream:
        list(nlp.pipe(TEXTS[:1]))
    else:
        nlp(TEXTS[0])
    assert calls == ["trunk", *[(task,) for task in TASKS]]
    for read in (lambda: nlp(TEXTS[1]), lambda: list(nlp.pipe(["no fever ."] * 9)), lambda: nlp(TEXTS[0])):
        calls.clear()
        read()
        assert calls == ["trunk", TASKS]


def test_only_routes_of_enabled_components_are_computed(nlp: Language, calls: list[Any]):
    nlp(TEXTS[0])
    with nlp.select_pipes(disable=["pair_relation"]):
        for _ in range(2):
            calls.clear()
            nlp(TEXTS[1])
    assert calls == ["trunk", tuple(task for task in TASKS if task != "pair_relation")]


@pytest.fixture
def backward_passes(nlp: Language) -> Iterator[list[int]]:
    """Grows with each backward pass that reaches the encoder's embeddings."""
    (shim,) = shims(nlp.get_pipe("encoder").model)
    made: list[int] = []
    handle = shim.present_module.encoder.embeddings.words.weight.register_hook(lambda _: made.append(1))
    yield made
    handle.remove()


def training_loop_step(nlp: Language, batches: Sequence[Any], optimizer: Any) -> None:
    for batch in batches:
        nlp.update(batch, sgd=False)
    for _, pipe in nlp.pipeline:
        if hasattr(pipe, "finish_update"):
            pipe.finish_update(optimizer)


def test_an_update_is_one_forward_and_one_backward_pass(nlp: Language, calls: list[Any], backward_passes: list[int]):
    """As ``spacy train`` does it. In ``nlp.update(sgd=...)`` spaCy steps each component before it updates the next."""
    optimizer = adam()
    for tasks in (TASKS, TASKS[::-1], TASKS[1:3], TASKS):
        calls.clear()
        backward_passes.clear()
        training_loop_step(nlp, [gold_examples(nlp, tasks, TEXTS[:1])], optimizer)
        assert calls == ["trunk", *[(task,) for task in TASKS if task in tasks]]
        assert backward_passes == [1]
        assert pending(nlp) == []
    calls.clear()
    backward_passes.clear()
    nlp.update(gold_examples(nlp, texts=TEXTS[:1]), sgd=optimizer)
    assert calls == [call for task in TASKS for call in ("trunk", (task,))]
    assert len(backward_passes) == 4
    assert pending(nlp) == []


def test_accumulated_batches_have_a_backward_pass_each(nlp: Language, backward_passes: list[int]):
    """The graph of a batch goes before the next one is read."""
    batches = [gold_examples(nlp, texts=[text]) for text in TEXTS[:3]]
    training_loop_step(nlp, batches, adam())
    assert len(backward_passes) == 3
    assert pending(nlp) == []


def test_without_gold_or_with_a_frozen_encoder_there_is_none(nlp: Language, backward_passes: list[int]):
    nlp.update(gold_examples(nlp, []), sgd=adam())
    nlp.update(gold_examples(nlp), sgd=adam(), exclude=["encoder"])
    assert backward_passes == []
    assert pending(nlp) == []


def alive() -> tuple[int, int]:
    """How many Encodings there are, and torch tensors of more than one element that are no parameters."""
    gc.collect()
    things = gc.get_objects()
    tensors = [thing for thing in things if type(thing) is torch.Tensor and thing.numel() > 1]
    return sum(type(thing) is Encoding for thing in things), len(tensors)


def test_nothing_is_alive_after_a_call_even_while_the_user_keeps_the_doc(nlp: Language):
    before = alive()
    kept = [nlp(text) for text in TEXTS]
    assert alive() == before
    kept += list(nlp.pipe(TEXTS * 3, batch_size=2))
    assert alive() == before
    refs = [weakref.ref(doc) for doc in kept]
    del kept
    gc.collect()
    assert [ref for ref in refs if ref() is not None] == []


def test_nothing_is_alive_after_an_update(nlp: Language):
    optimizer = adam()
    nlp.update(gold_examples(nlp), sgd=optimizer)  # thinc keeps moments from now on
    before = alive()
    nlp.update(gold_examples(nlp), sgd=optimizer)
    assert alive() == before
    nlp.update(gold_examples(nlp, []), sgd=optimizer)
    assert alive() == before
    assert before[0] == 0


def test_nothing_is_alive_after_an_error_in_a_head(nlp: Language, monkeypatch: pytest.MonkeyPatch):
    nlp(TEXTS[0])
    before = alive()

    def fail(self: Any, docs: Sequence[Doc], predictions: Any) -> None:
        raise RuntimeError("in a head")

    with monkeypatch.context() as patch:
        patch.setattr(type(nlp.get_pipe("sru_nested_ner")), "set_annotations", fail)
        assert issubclass(type(nlp.get_pipe("sru_nested_ner")), Head)
        for read in (lambda: nlp(TEXTS[1]), lambda: list(nlp.pipe(TEXTS))):
            with pytest.raises(RuntimeError, match="in a head"):
                read()
            assert alive() == before
    assert len(nlp(TEXTS[1]).spans["medmtl_intents"]) == 2
    assert alive() == before


@pytest.mark.parametrize("with_gold", [TASKS[:1], TASKS[2:], TASKS[::-1]])
def test_training_goes_on_after_an_error_in_a_head(
    make_nlp: Callable[..., Language], monkeypatch: pytest.MonkeyPatch, with_gold: Sequence[str]
):
    """What had been read before the error is no part of the next update."""
    from thinc.api import fix_random_seed

    results = []
    for fails in (False, True):
        fix_random_seed(0)
        nlp = make_nlp(*document_heads(TASKS))
        nlp.initialize(lambda nlp=nlp: gold_examples(nlp))
        if fails:
            with monkeypatch.context() as patch:
                patch.setattr(type(nlp.get_pipe("cpncf_assertion")), "update", fail_update)
                with pytest.raises(KeyError, match="in an update"):
                    nlp.update(gold_examples(nlp, with_gold), sgd=False)
            for _, pipe in nlp.pipeline[1:]:
                for shim in shims(pipe.model):
                    for parameter in shim.module.parameters():
                        parameter.grad = None
        fix_random_seed(1)
        nlp.update(gold_examples(nlp, with_gold), sgd=adam())
        assert pending(nlp) == []
        weights = shims(nlp.get_pipe("encoder").model)[0].module.state_dict()
        results.append({name: tensor.numpy().tobytes() for name, tensor in weights.items()})
    assert results[0] == results[1]


def fail_update(self: Any, examples: Any, **settings: Any) -> None:
    raise KeyError("in an update")


def test_rows_are_those_of_the_plain_model(nlp: Language, tiny_encoder: Path, make_nlp: Callable[..., Language]):
    """Of tokens and of sentences, on the sequence written out: a marker in front of each sentence."""
    from encoder_helpers import arrays

    from spacy_medmtl.encoder.views.requests import DocumentReading, ViewRequest
    from spacy_medmtl.encoder.weights import local_encoder

    fresh = make_nlp(*document_heads(TASKS[:1]))
    fresh.initialize(lambda: gold_examples(fresh))
    model = fresh.get_pipe("encoder").model
    doc = fresh.get_pipe("sentencizer")(fresh.make_doc("no xyz fever .\nthe knee ."))
    words = shims(model)[0].module.settings.wordpieces
    pieces = words.of_doc(doc)
    bounds = [(sent.start, sent.end) for sent in doc.sents]
    assert len(bounds) == 2
    border, end = int(pieces.starts[bounds[1][0]]), len(pieces.ids)
    parts = [[words.marker], pieces.ids[:border], [words.marker], pieces.ids[border:]]
    ids = [*words.single.before, *numpy.concatenate(parts).tolist(), *words.single.after]
    plain = local_encoder(str(tiny_encoder))()[0].eval()
    with torch.no_grad():
        hidden = plain(input_ids=torch.tensor([ids])).last_hidden_state[0, 1:-1].numpy()
    of_pieces = numpy.concatenate([hidden[1 : border + 1], hidden[border + 2 :]])
    whole = [hidden[: border + 1].mean(0), hidden[border + 1 :].mean(0)]
    half = of_pieces[int(pieces.starts[1]) : int(pieces.starts[3])].mean(0)  # no sentence, so no marker
    readings = [DocumentReading(doc, bounds), DocumentReading(doc, bounds, [*bounds, (1, 3), (0, len(doc))])]
    of_tokens, of_spans = arrays(model.predict(ViewRequest(readings, TASKS[0], "document")))
    assert len(of_tokens) == len(doc)
    for row, start, stop in zip(of_tokens, pieces.starts[:-1], pieces.starts[1:], strict=True):
        expected = of_pieces[start:stop].mean(0) if stop > start else numpy.zeros(32)
        numpy.testing.assert_allclose(row, expected, atol=2e-6)
    assert end == len(of_pieces)
    numpy.testing.assert_allclose(of_spans, [*whole, half, hidden.mean(0)], atol=2e-6)
