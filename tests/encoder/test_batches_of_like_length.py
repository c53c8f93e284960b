"""Sequences are batched by length: nothing lost, little padding, and no row depends on its batch."""

import numpy
import pytest
import torch
from encoder_helpers import arrays
from hypothesis import given
from hypothesis import strategies as st

from spacy_medmtl.encoder import encoding
from spacy_medmtl.encoder.packing import (
    ROWS_STEP,
    Group,
    pack_sequences,
    packs_within,
    padded_length,
    places_in_sequences,
)

LENGTHS = st.lists(st.integers(1, 192), max_size=80)


@given(lengths=LENGTHS, budget=st.integers(1, 4000))
def test_packs_hold_every_sequence_once_within_the_budget(lengths, budget):
    packs = packs_within(lengths, budget)
    assert sorted(number for pack in packs for number in pack) == list(range(len(lengths)))
    assert all(packs)
    for pack in packs:
        assert sum(lengths[number] for number in pack) <= budget or len(pack) == 1
    assert [lengths[number] for pack in packs for number in pack] == sorted(lengths)


@given(lengths=LENGTHS.filter(bool))
def test_a_pack_has_each_sequence_from_its_start_and_equals_side_by_side(lengths):
    lengths = sorted(lengths)
    padded = [padded_length(n, 192) for n in lengths]
    sequences = [numpy.arange(1, n + 1) + 1000 * i for i, n in enumerate(lengths)]
    pack = pack_sequences(sequences, [ids % 2 for ids in sequences], padded, -1, torch.device("cpu"))
    assert len(pack.ids) % ROWS_STEP == 0
    assert sum(group.n_rows for group in pack.groups) == len(pack.ids)
    for ids, start, length in zip(sequences, pack.starts, padded, strict=True):
        assert pack.ids[start : start + length].tolist() == [*ids, *[-1] * (length - len(ids))]
        assert pack.types[start : start + len(ids)].tolist() == (ids % 2).tolist()
    of_sequences = [group.length for group in pack.groups for _ in range(group.n_sequences)]
    assert of_sequences[: len(padded)] == padded
    assert len({group.length for group in pack.groups}) in (len(pack.groups), len(pack.groups) - 1)
    masked = [n for group in pack.groups for n in n_read(group)]
    assert masked[: len(lengths)] == lengths
    places = places_in_sequences(pack.groups, torch.device("cpu"))
    assert [places[start].item() for start in pack.starts] == [0] * len(lengths)


def n_read(group: Group) -> list[int]:
    """How many rows of each sequence attention looks at."""
    return [group.length] * group.n_sequences if group.bias is None else (group.bias == 0).sum((1, 2, 3)).tolist()


@pytest.mark.parametrize("longest", [38, 126, 512])
def test_padding_is_little_and_goes_by_the_length_alone(longest):
    padded = [padded_length(n, longest) for n in range(1, longest + 1)]
    assert padded == sorted(padded)
    assert padded[-1] == longest
    for n, length in enumerate(padded, 1):
        assert n <= length <= longest
        assert length == ROWS_STEP or length - n < 8 or length - n < length / 8
        assert padded_length(length, longest) == length
    assert len(set(padded)) <= 40


@pytest.mark.parametrize("width", [384, 768])
def test_the_shortest_sequence_is_long_enough_for_the_bits_of_many(width):
    """Of products as wide as real encoders; that of the tests is too narrow to show it."""
    layer, rows = torch.nn.Linear(width, width), torch.randn(ROWS_STEP * 20, width)
    together = layer(rows)
    for first in (0, ROWS_STEP, 3 * ROWS_STEP):
        assert torch.equal(layer(rows[first : first + ROWS_STEP]), together[first : first + ROWS_STEP])


@pytest.mark.parametrize("view", ["tokens", "context", "document"])
def test_rows_do_not_depend_on_how_sequences_are_batched(make_nlp, view, monkeypatch):
    from spacy_medmtl.encoder.views.requests import Reading, ViewRequest, units_with_context

    nlp = make_nlp()
    nlp.initialize()
    encoder = nlp.get_pipe("encoder")
    docs = [nlp.make_doc(" ".join(["fever pain no cough"] * n)) for n in (1, 12, 2, 9, 1)]
    items = [Reading(doc, units_with_context([(0, len(doc))], 0), True) for doc in docs] if view == "context" else docs
    rows = encoder.model.predict(ViewRequest(items, "sru_nested_ner", view))
    monkeypatch.setattr(encoding, "packs_within", lambda lengths, budget: [[i] for i in range(len(lengths))])
    alone = encoder.model.predict(ViewRequest(items, "sru_nested_ner", view))
    assert rows.lengths == alone.lengths == [len(doc) for doc in docs]
    for one, other in zip(arrays(rows), arrays(alone)):
        numpy.testing.assert_array_equal(one, other)
