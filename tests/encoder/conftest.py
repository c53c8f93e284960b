"""A pipeline with all four heads that has learnt its few sentences, made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from encoder_helpers import TASKS, adam, document_heads, gold_examples
from spacy.language import Language
from thinc.api import fix_random_seed


@pytest.fixture(scope="session")
def trained_path(make_nlp: Callable[..., Language], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder, written by ``nlp.to_disk``. Its scores are far from thresholds, so that rounding flips nothing."""
    fix_random_seed(0)
    nlp = make_nlp(*TASKS)
    nlp.initialize(lambda: gold_examples(nlp))
    optimizer = adam(2e-3)
    for _ in range(40):
        nlp.update(gold_examples(nlp), sgd=optimizer)
    path = tmp_path_factory.mktemp("trained")
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="session")
def document_path(make_nlp: Callable[..., Language], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline whose heads all read the view ``document``, a few steps after its start."""
    fix_random_seed(0)
    nlp = make_nlp(*document_heads(TASKS))
    nlp.initialize(lambda: gold_examples(nlp))
    optimizer = adam(2e-3)
    for _ in range(15):
        nlp.update(gold_examples(nlp), sgd=optimizer)
    path = tmp_path_factory.mktemp("document")
    nlp.to_disk(path)
    return path
