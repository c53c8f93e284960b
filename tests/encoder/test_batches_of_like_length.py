"""Sequences are batched by length: nothing lost, little padding, and no row depends on its batch."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_medmtl.encoder import model as encoder_model
from spacy_medmtl.encoder.encoding import MOST_PADDING, PADDING_SHARE, like_lengths

LENGTHS = st.lists(st.integers(1, 192), max_size=80)


@given(lengths=LENGTHS, budget=st.integers(1, 4000))
def test_groups_hold_every_sequence_once_within_the_budget(lengths, budget):
    groups = like_lengths(lengths, budget)
    assert sorted(number for group in groups for number in group) == list(range(len(lengths)))
    assert all(groups)
    for group in groups:
        padded = len(group) * max(lengths[number] for number in group)
        padding = padded - sum(lengths[number] for number in group)
        assert padded <= budget or len(group) == 1
        assert padding <= max(MOST_PADDING, PADDING_SHARE * padded)
    in_order = [lengths[number] for group in groups for number in group]
    assert in_order == sorted(lengths)


def test_equal_lengths_stay_together():
    assert [len(group) for group in like_lengths([20] * 100, 4000)] == [100]
    assert like_lengths([], 100) == []


@pytest.mark.parametrize("view", ["tokens", "context"])
def test_rows_do_not_depend_on_how_sequences_are_batched(make_nlp, view, monkeypatch):
    from spacy_medmtl.encoder.views.requests import Reading, ViewRequest, units_with_context

    nlp = make_nlp()
    nlp.initialize()
    encoder = nlp.get_pipe("encoder")
    docs = [nlp.make_doc(" ".join(["fever pain no cough"] * n)) for n in (1, 12, 2, 9, 1)]
    items = docs if view == "tokens" else [Reading(doc, units_with_context([(0, len(doc))], 0), True) for doc in docs]
    rows = encoder.model.predict(ViewRequest(items, "sru_nested_ner", view))
    monkeypatch.setattr(encoder_model, "like_lengths", lambda lengths, budget: [[i] for i in range(len(lengths))])
    alone = encoder.model.predict(ViewRequest(items, "sru_nested_ner", view))
    for one, other in zip(rows, alone):
        numpy.testing.assert_allclose(one, other, atol=2e-5)
