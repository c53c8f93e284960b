"""Pipelines that are pickled or deep-copied: for joblib, Spark, Ray, and worker processes that are spawned."""

import copy
import pickle
import warnings

import pytest
from toy import CASES, TEXTS, make_examples

HEADS = [case.factory for case in CASES]


@pytest.fixture(scope="module")
def nlp(make_nlp):
    masked_lm = {"model": {"tok2vec": {"route": HEADS[0]}}}
    nlp = make_nlp(*HEADS, ("medmtl_masked_lm", "medmtl_masked_lm", masked_lm))
    nlp.initialize(lambda: make_examples(nlp, *(case.annotate for case in CASES)))
    return nlp


def found(nlp):
    docs = list(map(nlp, TEXTS))
    return [
        {key: (group.attrs["scores"], [span.label_ for span in group]) for key, group in doc.spans.items()}
        for doc in docs
    ]


def as_spark_and_ray_do(nlp):
    """They send functions, with all that these hold, by cloudpickle."""
    cloudpickle = pytest.importorskip("cloudpickle")
    return cloudpickle.loads(cloudpickle.dumps(lambda: nlp))()


WAYS = {
    "pickle": lambda nlp: pickle.loads(pickle.dumps(nlp)),
    "deepcopy": copy.deepcopy,
    "cloudpickle": as_spark_and_ray_do,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_finds_the_same_and_is_nobody_elses(nlp, way):
    expected = found(nlp)
    twin = WAYS[way](nlp)
    assert found(twin) == expected
    for parameter in twin.get_pipe("sentence_intent").model.shims[0].module.parameters():
        parameter.data.zero_()
    assert found(nlp) == expected


def test_a_changed_setting_of_a_deep_copy_is_in_its_config(nlp):
    twin = copy.deepcopy(nlp)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        twin.get_pipe("sentence_intent").context = 1
    assert twin.config["components"]["sentence_intent"]["context"] == 1
    assert nlp.config["components"]["sentence_intent"]["context"] == 0


def first_found(nlp, text):
    return [(span.label_, span.text) for key in sorted(nlp(text).spans) for span in nlp(text).spans[key]]


@pytest.mark.slow
def test_workers_of_joblib(nlp):
    joblib = pytest.importorskip("joblib")
    jobs = [joblib.delayed(first_found)(nlp, text) for text in TEXTS]
    assert joblib.Parallel(n_jobs=2)(jobs) == [first_found(nlp, text) for text in TEXTS]


@pytest.mark.parametrize("head", HEADS)
def test_a_component_alone_pickles(nlp, head):
    twin = pickle.loads(pickle.dumps(nlp.get_pipe(head)))
    assert twin.labels == nlp.get_pipe(head).labels
    assert dict(twin.cfg) == dict(nlp.get_pipe(head).cfg)
