"""Prediction is the same however Docs come: cache or none, any batch size, components in between, disabled ones."""

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from encoder_helpers import TASKS, TEXTS, annotations
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import filter_spans

from spacy_medmtl.encoder.batches import token_batches
from spacy_medmtl.encoder.model import new_encoding
from spacy_medmtl.encoder.pipe import ProgressiveTok2Vec
from spacy_medmtl.encoder.routed import RoutedEncoder

STREAM = [*TEXTS, "", "   ", "no", " ".join(TEXTS) + " " + " ".join(TEXTS), *TEXTS[::-1], "fever " * 90 + "."]
KEYS = ("medmtl_findings", "medmtl_intents", "medmtl_ner", "medmtl_relations")


def share_nothing(nlp: Language) -> None:
    """Each head reads for itself."""
    encoder = nlp.get_pipe("encoder")
    encoder.encoding_for = lambda docs, is_train: new_encoding(encoder.model, trains=False)


@pytest.fixture
def nlp(trained_path: Path) -> Language:
    return spacy.load(trained_path)


@pytest.fixture(scope="module")
def expected(trained_path: Path) -> list[dict[str, Any]]:
    """Each text alone, and nothing remembered from one head to the next."""
    nlp = spacy.load(trained_path)
    share_nothing(nlp)
    found = [annotations(nlp(text)) for text in STREAM]
    assert all(set(KEYS) <= set(one) for one in found)
    assert len({str(one) for one in found}) > 8  # or nothing could differ
    return found


@pytest.mark.parametrize("batch_size", [1, 2, 7, 128])
@pytest.mark.parametrize("batch_tokens", [1, 30, 4000])
def test_any_batch_size(nlp: Language, expected: list[Any], batch_size: int, batch_tokens: int):
    nlp.get_pipe("encoder").batch_tokens = batch_tokens
    assert [annotations(doc) for doc in nlp.pipe(STREAM, batch_size=batch_size)] == expected


def test_one_by_one_with_the_cache(nlp: Language, expected: list[Any]):
    assert [annotations(nlp(text)) for text in STREAM] == expected


def test_with_and_without_the_cache_to_the_last_bit(nlp: Language):
    """The same batches, so even the scores are the same bits."""

    def run() -> list[Any]:
        groups = [doc.spans[key] for doc in nlp.pipe(STREAM, batch_size=7) for key in KEYS]
        return [group.attrs["scores"] for group in groups]

    with_cache = run()
    share_nothing(nlp)
    assert run() == with_cache


def test_no_current_batch_at_all(nlp: Language, expected: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        ProgressiveTok2Vec, "current", property(lambda self: None, lambda self, value: None), raising=False
    )
    assert [annotations(doc) for doc in nlp.pipe(STREAM, batch_size=7)] == expected


class Buffer:
    """Holds Docs back, in groups that are not those of the encoder, and gives them on in another order."""

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def pipe(self, stream: Iterable[Doc], batch_size: int = 1) -> Iterator[Doc]:
        held: list[Doc] = []
        for doc in stream:
            held.append(doc)
            if len(held) == 5:
                yield from held[::-1]
                held = []
        yield from held


@Language.component("tests_merge_words")
def merge_words(doc: Doc) -> Doc:
    """As merge_entities does: other tokens in the same Doc. (spaCy moves no span of a group along, so they go.)"""
    doc.spans.clear()
    spans = [doc[i : i + 2] for i in range(len(doc) - 1) if doc[i].text == "chest"]
    with doc.retokenize() as retokenizer:
        for span in filter_spans(spans):
            retokenizer.merge(span)
    return doc


@Language.component("tests_copy_doc")
def copy_doc(doc: Doc) -> Doc:
    return doc.copy()


Language.factory("tests_buffer", func=lambda nlp, name: Buffer())


@pytest.mark.parametrize("before", ["sentence_intent", "sru_nested_ner", "cpncf_assertion"])
def test_a_component_that_buffers_in_between(nlp: Language, expected: list[Any], before: str):
    nlp.add_pipe("tests_buffer", before=before)
    for batch_size in (2, 7, 128):
        stream = zip(STREAM, range(len(STREAM)))
        docs = sorted(nlp.pipe(stream, as_tuples=True, batch_size=batch_size), key=lambda pair: pair[1])
        assert len(docs) == len(STREAM)
        assert [annotations(doc) for doc, _ in docs] == expected


@pytest.mark.parametrize("component", ["tests_merge_words", "tests_copy_doc"])
@pytest.mark.parametrize("before", ["sentence_intent", "cpncf_assertion"])
def test_a_component_that_changes_docs_in_between(nlp: Language, expected: list[Any], component: str, before: str):
    nlp.add_pipe(component, before=before)
    uncached = spacy.load(nlp.path, disable=[])
    uncached.add_pipe(component, before=before)
    share_nothing(uncached)
    alone = [annotations(uncached(text)) for text in STREAM]
    assert [annotations(doc) for doc in nlp.pipe(STREAM, batch_size=7)] == alone
    assert (alone == expected) == (component == "tests_copy_doc")


@pytest.mark.parametrize("left", [["sru_nested_ner"], ["sentence_intent", "cpncf_assertion"], list(TASKS)])
@pytest.mark.parametrize("with_encoder", [True, False])
def test_disabled_components(nlp: Language, expected: list[Any], left: list[str], with_encoder: bool):
    """A head needs the encoder, but not its pipe in the stream; and the heads do not need one another."""
    keys = dict(zip(("sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"), (1, 3, 2, 0)))
    written = [KEYS[keys[name]] for name in left]
    with nlp.select_pipes(enable=["sentencizer", *left, *["encoder"] * with_encoder]):
        docs = list(nlp.pipe(STREAM, batch_size=7))
    for doc, one in zip(docs, expected):
        assert sorted(doc.spans) == sorted(written)
        assert {key: annotations(doc)[key] for key in written} == {key: one[key] for key in written}


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is computed from now on: "trunk", and the routes of each call of ``branches``."""
    calls: list[Any] = []
    trunk, branches = RoutedEncoder.trunk, RoutedEncoder.branches
    monkeypatch.setattr(RoutedEncoder, "trunk", lambda self, *args: calls.append("trunk") or trunk(self, *args))
    monkeypatch.setattr(
        RoutedEncoder, "branches", lambda self, *args: calls.append(tuple(args[2])) or branches(self, *args)
    )
    return calls


@pytest.mark.parametrize("sharing", ["progressive_rule", "shared_rule"])
def test_what_heads_read_alike_is_computed_once(
    make_nlp: Callable[..., Language], encoder_settings: Callable, monkeypatch: pytest.MonkeyPatch, sharing: str
):
    """Three heads that read whole Docs, each along its own route: one trunk; under ``shared``, one encoder. After the
    first batch it is known which routes are read, and they are computed together."""
    from encoder_helpers import gold_examples

    heads = [
        ("sru_nested_ner", f"ner_{route}", {"spans_key": "medmtl_ner", "model": {"tok2vec": {"route": route}}})
        for route in TASKS[:3]
    ]
    nlp = make_nlp(*heads, encoder=encoder_settings(list(TASKS[:3]), sharing=sharing, layers=[1]))
    nlp.initialize(lambda: gold_examples(nlp))
    calls = count_calls(monkeypatch)
    nlp(TEXTS[0])
    first = TASKS[:1] if sharing == "shared_rule" else TASKS[:3]
    assert calls == ["trunk", *[(route,) for route in first]]
    for read in (lambda: nlp(TEXTS[1]), lambda: list(nlp.pipe(TEXTS[:1])), lambda: list(nlp.pipe(["fever ."]))):
        calls.clear()
        read()
        assert [calls[0], len(calls[1])] == ["trunk", len(first)]
        assert len(calls) == 2


def test_rows_are_not_used_after_the_weights_changed(nlp: Language):
    """A batch that is current while the encoder steps: what was computed before is stale."""
    encoder = nlp.get_pipe("encoder")
    with nlp.select_pipes(enable=["sentencizer", "encoder", "sru_nested_ner"]):  # others have not read it yet
        doc = nlp(TEXTS[0])
    kept = encoder.encoding_for([doc], False)
    assert encoder.encoding_for([doc], False) is kept
    encoder.model.shims[0].version += 1
    assert encoder.encoding_for([doc], False) is not kept


def test_nothing_is_left_behind(nlp: Language):
    """No user data or tensors on Docs, no current batch after a stream, Docs free to go while it runs."""
    alive: list[Any] = []
    most = 0
    for doc in nlp.pipe(list(TEXTS) * 15, batch_size=4):
        assert {key[1] for key in doc.user_data} <= set(KEYS)  # values of spans, which travel with the Doc
        assert doc.tensor.size == 0
        assert set(doc.spans) == set(KEYS)
        alive.append(weakref.ref(doc))
        most = max(most, sum(ref() is not None for ref in alive))
    del doc
    gc.collect()
    assert nlp.get_pipe("encoder").current is None
    assert sum(ref() is not None for ref in alive) == 0
    assert most <= 9  # the batch that is read out and the one that is being made


def test_a_stream_left_half_read_is_released(nlp: Language):
    stream = nlp.pipe(list(TEXTS) * 5, batch_size=2)
    next(stream)
    assert nlp.get_pipe("encoder").current is not None
    stream.close()
    gc.collect()
    assert nlp.get_pipe("encoder").current is None


def test_batches_by_tokens_and_number():
    blank = spacy.blank("en")
    docs = [blank.make_doc("a " * n) for n in (3, 3, 3, 50, 1, 1, 1, 1, 1)]
    sizes = [[len(doc) for doc in batch] for batch in token_batches(iter(docs), max_docs=4, max_tokens=7)]
    assert sizes == [[3, 3], [3], [50], [1, 1, 1, 1], [1]]
