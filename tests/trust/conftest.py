"""A pipeline with all four heads that has learnt the toy corpus, on disk; made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from thinc.api import Adam, fix_random_seed
from toy import CASES, make_examples


@pytest.fixture(scope="session")
def saved(make_nlp: Callable[..., Language], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder, written by ``nlp.to_disk``."""
    fix_random_seed(0)
    nlp = make_nlp(*(case.factory for case in CASES))
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    optimizer = Adam(2e-3)
    for _ in range(30):
        nlp.update(make_examples(nlp, *(case.annotate for case in CASES)), sgd=optimizer)
    folder = tmp_path_factory.mktemp("saved") / "model"
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def nlp(saved: Path) -> Language:
    return spacy.load(saved)
