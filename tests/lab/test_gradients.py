"""The lab's gradients: of one task alone, of one batch alone, and their cosines."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.util import fix_random_seed
from toy import CASES, make_examples

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.lab.gradients import Gradients, mean_cosines, task_gradients

TASKS = ["sentence_intent", "sru_nested_ner"]


@pytest.fixture
def trained(make_nlp: Callable[..., Language], encoder_settings: Callable[..., Any]) -> Language:
    """A pipeline of two tasks on one shared encoder, initialised."""
    nlp = make_nlp(*TASKS, encoder=encoder_settings(TASKS, "shared_rule"))
    cases = [case.annotate for case in CASES if case.factory in TASKS]
    nlp.initialize(lambda: make_examples(nlp, *cases))
    return nlp


def gradients(nlp: Language, task: str, batch: list[Example]) -> Gradients:
    fix_random_seed(0)  # of dropout
    return task_gradients(nlp, nlp.get_pipe("encoder"), task, batch)  # type: ignore[arg-type]


def test_only_of_the_task_and_the_batch(trained: Language):
    """Neither another head's loss nor what was computed before is part of it, and weights stay as they are."""
    cases: dict[str, Any] = {case.factory: case.annotate for case in CASES}
    both = make_examples(trained, *(cases[task] for task in TASKS))
    alone = make_examples(trained, cases["sentence_intent"])
    before = trained.get_pipe("encoder").model.to_bytes()  # type: ignore[attr-defined]
    first = gradients(trained, "sentence_intent", alone)
    assert set(first) == {"embeddings", "layer 0", "layer 1"}
    assert all(float(one.abs().sum()) > 0 for one in first.values())
    other = gradients(trained, "sru_nested_ner", both)
    again = gradients(trained, "sentence_intent", both)
    for layer, gradient in first.items():
        torch.testing.assert_close(again[layer], gradient)
        assert not torch.allclose(other[layer], gradient)
    assert trained.get_pipe("encoder").model.to_bytes() == before  # type: ignore[attr-defined]


def test_a_batch_without_gold_has_none(trained: Language):
    batch = make_examples(trained)
    for example in batch:
        assert ENTITIES not in example.reference.spans
    assert gradients(trained, "sru_nested_ner", batch) == {}


def test_cosines_over_batches():
    """Two tasks batch by batch; a task with itself: each batch with the next, never with itself."""
    x, y = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    found = mean_cosines({"a": [{"l": x}, {"l": y}], "b": [{"l": x}, {"l": -y}, {"l": x}]})
    assert found == {
        "a b": {"l": pytest.approx((1 - 1) / 2)},
        "a a": {"l": pytest.approx(0.0)},
        "b b": {"l": pytest.approx((0 + 0 + 1) / 3)},
    }
    assert mean_cosines({"a": [], "b": [{"l": x}]}) == {}, "no two batches, no cosine"
