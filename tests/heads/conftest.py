"""A saved pipeline of all heads, made once for each file of tests."""

import pytest
from toy import CASES, make_examples


@pytest.fixture(scope="module")
def saved(make_nlp, tmp_path_factory):
    """A folder with a pipeline of all heads."""
    nlp = make_nlp(*(case.factory for case in CASES))
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    folder = tmp_path_factory.mktemp("saved")
    nlp.to_disk(folder)
    return folder
