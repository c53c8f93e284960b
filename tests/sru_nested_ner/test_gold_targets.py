"""The loss walks along the logits once more: it finds the targets and the mask of the model's own walk."""

import numpy
import pytest
import torch
from sru_helpers import ACTIONS, make_batch, make_unit

from spacy_medmtl.sru_nested_ner.inputs import ActionScores, WordSequence
from spacy_medmtl.sru_nested_ner.thinc_layer import gold_targets


@pytest.mark.parametrize("paper_compat", [False, True])
@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_targets_are_those_of_the_models_walk(foreign, seed, paper_compat):
    unit = make_unit(half_context=3, paper_compat=paper_compat, seed=seed)
    words, lengths, gold, gold_lengths, judged = make_batch(foreign=foreign, seed=seed, lengths=(7, 2, 4, 1))
    logits, targets, mask = unit.forward_gold(words, lengths, gold, gold_lengths, judged)
    sentences = [
        WordSequence(0, numpy.arange(n), gold[i, : gold_lengths[i]].numpy(), judged[i].numpy())
        for i, n in enumerate(lengths.tolist())
    ]
    scores = ActionScores(logits.detach().reshape(-1, ACTIONS).numpy(), [(range(4), logits.shape[1])])
    again = gold_targets(sentences, scores, paper_compat=paper_compat)
    numpy.testing.assert_allclose(again[0], torch.flatten(targets, 0, 1).numpy(), rtol=0, atol=1e-14)
    assert numpy.array_equal(again[1], torch.flatten(mask, 0, 1).numpy())
