"""Evaluation and saving see the averaged torch weights, training goes on with its own. Same seed, same bytes."""

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from encoder_helpers import TASKS, TEXTS, adam, gold_examples, same, shims, weights
from spacy.language import Language
from thinc.api import fix_random_seed

PIPES = ("encoder", *TASKS)


def trained(make_nlp: Callable[..., Language], optimizer: Any, steps: int = 5, seed: int = 0) -> Language:
    fix_random_seed(seed)
    nlp = make_nlp(*TASKS)
    nlp.initialize(lambda: gold_examples(nlp))
    for _ in range(steps):
        nlp.update(gold_examples(nlp), sgd=optimizer, drop=0.1)
    return nlp


def all_weights(nlp: Language) -> dict[Any, numpy.ndarray]:
    return {key: value for name in PIPES for key, value in weights(nlp.get_pipe(name).model).items()}


def scores(nlp: Language) -> list[Any]:
    return [list(doc.spans[key].attrs["scores"]) for doc in nlp.pipe(TEXTS) for key in sorted(doc.spans)]


def test_averages_reach_torch_weights_and_go_again(make_nlp: Callable[..., Language]):
    optimizer = adam(1e-2, use_averages=True)
    nlp = trained(make_nlp, optimizer)
    own, own_scores = all_weights(nlp), scores(nlp)
    averaged = {key: value.copy() for key, value in optimizer.averages.items()}
    stepped = {key for key in own if key in averaged}
    assert len(stepped) > 50
    assert any(name.startswith("encoder.") for _, name in stepped)
    with nlp.use_params(optimizer.averages):
        inside, inside_scores = all_weights(nlp), scores(nlp)
        saved = nlp.to_bytes()
        for key in own:
            expected = averaged[key] if key in averaged else own[key]
            assert inside[key].reshape(expected.shape).tobytes() == expected.tobytes(), key
    assert any(inside[key].tobytes() != own[key].tobytes() for key in own)
    assert same(own, all_weights(nlp))
    assert scores(nlp) == own_scores
    assert inside_scores != own_scores
    loaded = make_nlp(*TASKS).from_bytes(saved)
    assert scores(loaded) == inside_scores


def test_averages_are_taken_back_after_an_error(make_nlp: Callable[..., Language]):
    optimizer = adam(1e-2, use_averages=True)
    nlp = trained(make_nlp, optimizer, steps=2)
    own = all_weights(nlp)

    def fail() -> None:
        with nlp.use_params(optimizer.averages):
            raise KeyError("in the middle of an evaluation")

    with pytest.raises(KeyError, match="in the middle"):
        fail()
    assert same(own, all_weights(nlp))


def test_training_goes_on_as_if_nobody_had_looked(make_nlp: Callable[..., Language]):
    """An evaluation with averages between two updates changes nothing of the second."""
    results = []
    for looks in (False, True):
        optimizer = adam(1e-2, use_averages=True)
        nlp = trained(make_nlp, optimizer, steps=2)
        if looks:
            with nlp.use_params(optimizer.averages):
                scores(nlp)
        fix_random_seed(1)
        nlp.update(gold_examples(nlp), sgd=optimizer)
        results.append([value for _, value in sorted((key[1], v.tobytes()) for key, v in all_weights(nlp).items())])
    assert results[0] == results[1]


def test_memoised_rows_are_not_taken_for_other_weights(make_nlp: Callable[..., Language]):
    """The current batch was computed with the own weights; with averages in place it must not be used."""
    optimizer = adam(1e-2, use_averages=True)
    nlp = trained(make_nlp, optimizer)
    encoder, head = nlp.get_pipe("encoder"), nlp.get_pipe("sru_nested_ner")
    with nlp.select_pipes(enable=["sentencizer", "encoder", "sru_nested_ner"]):  # others have not read it yet
        doc = nlp(TEXTS[0])
    kept = encoder.encoding_for([doc], False)
    assert encoder.encoding_for([doc], False) is kept
    with nlp.use_params(optimizer.averages):
        assert encoder.encoding_for([doc], False) is not kept
        head(doc)
        inside = list(doc.spans["medmtl_ner"].attrs["scores"])
        encoder.current = None
        head(doc)
        assert list(doc.spans["medmtl_ner"].attrs["scores"]) == inside


@pytest.mark.parametrize("seed", [0, 5])
def test_two_runs_in_one_process_give_identical_bytes(make_nlp: Callable[..., Language], seed: int):
    one, two = (trained(make_nlp, adam(), steps=3, seed=seed).to_bytes(exclude=["vocab"]) for _ in range(2))
    assert one == two
    other = trained(make_nlp, adam(), steps=3, seed=seed + 1).to_bytes(exclude=["vocab"])
    assert one != other


def test_evaluation_does_not_move_the_seed(make_nlp: Callable[..., Language]):
    """Predicting draws no random number, so how often one evaluates changes no training."""
    nlp = trained(make_nlp, adam(), steps=1)
    import random

    import torch

    states = random.getstate(), numpy.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()
    scores(nlp)
    assert (random.getstate(), numpy.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()) == states
    assert not any(shim.module.training for name in PIPES for shim in shims(nlp.get_pipe(name).model))
