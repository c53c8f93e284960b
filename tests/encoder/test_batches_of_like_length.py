"""Sequences are batched by length: nothing lost, little padding, and no row depends on its batch."""

import numpy
import pytest
import torch
from encoder_helpers import arrays
from hypothesis import given
from hypothesis import strategies as st

from spacy_medmtl.encoder import encoding
from spacy_medmtl.encoder.encoding import SHORTEST, groups_of_equals, padded_length

LENGTHS = st.lists(st.integers(1, 192), max_size=80)


@given(lengths=LENGTHS, budget=st.integers(1, 4000))
def test_groups_hold_every_sequence_once_within_the_budget(lengths, budget):
    groups = groups_of_equals(lengths, budget)
    assert sorted(number for group in groups for number in group) == list(range(len(lengths)))
    assert all(groups)
    for group in groups:
        assert len({lengths[number] for number in group}) == 1
        assert len(group) * lengths[group[0]] <= budget or len(group) == 1
    in_order = [lengths[number] for group in groups for number in group]
    assert in_order == sorted(lengths)


def test_equal_lengths_stay_together():
    assert [len(group) for group in groups_of_equals([20] * 100, 4000)] == [100]
    assert groups_of_equals([], 100) == []


@pytest.mark.parametrize("longest", [38, 126, 512])
def test_padding_is_little_and_goes_by_the_length_alone(longest):
    padded = [padded_length(n, longest) for n in range(1, longest + 1)]
    assert padded == sorted(padded)
    assert padded[-1] == longest
    for n, length in enumerate(padded, 1):
        assert n <= length <= longest
        assert length == SHORTEST or length - n < 8 or length - n < length / 8
        assert padded_length(length, longest) == length
    assert len(set(padded)) <= 40


@pytest.mark.parametrize("width", [384, 768])
def test_the_shortest_sequence_is_long_enough_for_the_bits_of_many(width):
    """Of products as wide as real encoders; that of the tests is too narrow to show it."""
    layer, rows = torch.nn.Linear(width, width), torch.randn(SHORTEST * 20, width)
    together = layer(rows)
    for first in (0, SHORTEST, 3 * SHORTEST):
        assert torch.equal(layer(rows[first : first + SHORTEST]), together[first : first + SHORTEST])


@pytest.mark.parametrize("view", ["tokens", "context", "document"])
def test_rows_do_not_depend_on_how_sequences_are_batched(make_nlp, view, monkeypatch):
    from spacy_medmtl.encoder.views.requests import Reading, ViewRequest, units_with_context

    nlp = make_nlp()
    nlp.initialize()
    encoder = nlp.get_pipe("encoder")
    docs = [nlp.make_doc(" ".join(["fever pain no cough"] * n)) for n in (1, 12, 2, 9, 1)]
    items = [Reading(doc, units_with_context([(0, len(doc))], 0), True) for doc in docs] if view == "context" else docs
    rows = encoder.model.predict(ViewRequest(items, "sru_nested_ner", view))
    monkeypatch.setattr(encoding, "groups_of_equals", lambda lengths, budget: [[i] for i in range(len(lengths))])
    alone = encoder.model.predict(ViewRequest(items, "sru_nested_ner", view))
    assert rows.lengths == alone.lengths == [len(doc) for doc in docs]
    for one, other in zip(arrays(rows), arrays(alone)):
        numpy.testing.assert_array_equal(one, other)
