"""Steps of the encoder: nlp.update against the training loop, accumulation, annotating components, odd Docs."""

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from encoder_helpers import (
    TASKS,
    TEXTS,
    adam,
    document_heads,
    gold_example,
    gold_examples,
    pending,
    same,
    shims,
    weights,
    without_dropout,
)
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Optimizer, fix_random_seed


def started(make_nlp: Callable[..., Language], *heads: Any) -> Language:
    """Equal weights at each call; no dropout, so that only what is tested differs."""
    fix_random_seed(0)
    nlp = make_nlp(*heads)
    nlp.initialize(lambda: gold_examples(nlp))
    for shim in [shim for _, pipe in nlp.pipeline[1:] for shim in shims(pipe.model)]:
        without_dropout(shim.module)
    return nlp


def loop_step(nlp: Language, batches: list[list[Example]], optimizer: Optimizer, **settings: Any) -> None:
    for batch in batches:
        nlp.update(batch, sgd=False, **settings)
    for name, pipe in nlp.pipeline:
        if name not in settings.get("exclude", ()) and hasattr(pipe, "finish_update"):
            pipe.finish_update(optimizer)


def all_weights(nlp: Language) -> dict[str, numpy.ndarray]:
    return {
        f"{pipe_name} {name}": value
        for pipe_name, pipe in nlp.pipeline
        if hasattr(pipe, "model")
        for (_, name), value in weights(pipe.model).items()
    }


@pytest.mark.parametrize("task", TASKS)
def test_short_update_equals_the_training_loop_where_one_head_has_gold(make_nlp: Callable[..., Language], task: str):
    """Three updates: a gradient left for the next one (as stock spaCy leaves it) would show."""
    results = []
    for short in (True, False):
        nlp, optimizer = started(make_nlp, *TASKS), adam()
        for text in TEXTS[:3]:
            batch = [gold_example(nlp, text, [task]), gold_example(nlp, TEXTS[3], [task])]
            if short:
                nlp.update(batch, sgd=optimizer)
                assert pending(nlp) == []
            else:
                loop_step(nlp, [batch], optimizer)
        results.append(all_weights(nlp))
    assert same(*results)


@pytest.mark.parametrize("heads", [TASKS, document_heads(TASKS)], ids=["own views", "document"])
def test_accumulated_gradient_is_the_sum_over_heads_and_batches(make_nlp: Callable[..., Language], heads: Any):
    """The encoder's gradient after several updates is the sum of those of each head on each batch, alone."""

    def gradients(plan: list[Any]) -> dict[str, numpy.ndarray]:
        nlp = started(make_nlp, *heads)
        for text, tasks in plan:
            nlp.update([gold_example(nlp, text, tasks)], sgd=False)
        module = shims(nlp.get_pipe("encoder").model)[0].module
        return {name: p.grad.numpy().copy() for name, p in module.named_parameters() if p.grad is not None}

    together = gradients([(TEXTS[0], TASKS), (TEXTS[1], TASKS)])
    alone = [gradients([(text, [task])]) for text in TEXTS[:2] for task in TASKS]
    assert any(numpy.abs(value).max() > 1e-4 for value in together.values())
    for name, value in together.items():
        total = sum(part[name] for part in alone if name in part)
        numpy.testing.assert_allclose(value, total, rtol=1e-4, atol=1e-6)


def test_accumulating_does_not_step(make_nlp: Callable[..., Language]):
    nlp, optimizer = started(make_nlp, *TASKS), adam()
    before = all_weights(nlp)
    nlp.update(gold_examples(nlp), sgd=False)
    assert same(before, all_weights(nlp))
    loop_step(nlp, [gold_examples(nlp)], optimizer)
    assert not same(before, all_weights(nlp))
    assert pending(nlp) == []


@pytest.mark.parametrize("annotating", [["encoder"], ["sentence_intent"], ["encoder", *TASKS]])
def test_annotating_components_change_nothing_for_the_encoder(make_nlp: Callable[..., Language], annotating: list[str]):
    """They write on the Docs between the updates of the components; the encoder learns the same."""
    results = []
    for annotates in ([], annotating):
        nlp, optimizer = started(make_nlp, *TASKS), adam()
        for _ in range(3):
            loop_step(nlp, [gold_examples(nlp)], optimizer, annotates=annotates)
        results.append(all_weights(nlp))
    assert same(*results)


@Language.component("tests_doc_replacer")
def replace_doc(doc: Doc) -> Doc:
    """A component that returns another Doc than it got."""
    return Doc(doc.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc], sent_starts=None)


def test_an_annotating_component_may_replace_docs(make_nlp: Callable[..., Language]):
    nlp, optimizer = started(make_nlp, "sentence_intent"), adam()
    nlp.add_pipe("tests_doc_replacer", before="sentence_intent")
    before = weights(nlp.get_pipe("encoder").model)
    loop_step(nlp, [gold_examples(nlp)], optimizer, annotates=["tests_doc_replacer"])
    assert not same(before, weights(nlp.get_pipe("encoder").model))


def test_a_component_updated_on_its_own_leaves_the_encoder_alone(make_nlp: Callable[..., Language]):
    """``nlp.get_pipe(head).update``: the encoder was not called, so it takes no part, whatever it saw before."""
    nlp, optimizer = started(make_nlp, *TASKS), adam()
    examples = gold_examples(nlp)
    nlp.update(examples, sgd=optimizer)
    before = weights(nlp.get_pipe("encoder").model)
    head = nlp.get_pipe("cpncf_assertion")
    head_before = weights(head.model)
    head.update(examples, sgd=optimizer)
    assert same(before, weights(nlp.get_pipe("encoder").model))
    assert not same(head_before, weights(head.model))


def test_docs_with_nothing_to_read_beside_others(make_nlp: Callable[..., Language]):
    """Empty and white-space Docs, annotated as empty, alone and in a batch."""
    nlp, optimizer = started(make_nlp, *TASKS), adam()
    blank = [gold_example(nlp, text) for text in ("", "  \n ")]
    for batch in (blank, [*blank, *gold_examples(nlp)]):
        losses = nlp.update(batch, sgd=optimizer)
        assert numpy.isfinite(list(losses.values())).all()
        assert pending(nlp) == []


def test_pair_cut_in_training_names_the_document_of_the_batch(make_nlp: Callable[..., Language]):
    """Counting Docs without pairs, in training and in prediction."""
    nlp = started(make_nlp, "pair_relation")
    long = "a cough " * 60 + ". denies any pain ."
    batch = [gold_example(nlp, "hello ."), gold_example(nlp, TEXTS[0]), gold_example(nlp, long)]
    with pytest.warns(UserWarning, match=r"W002\] 1 sentence pair.*document 2 "):
        nlp.update(batch, sgd=False)
    with pytest.warns(UserWarning, match=r"W002\] 1 sentence pair.*document 2 "):
        list(nlp.pipe(["hello .", TEXTS[0], long]))
