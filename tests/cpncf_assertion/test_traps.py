"""The lists of traps are what they say they are. ``benchmarks/ablate_status.py`` scores pipelines on them."""

from collections import Counter

import pytest
import spacy
from traps import BLIND, MODIFIERS, STATUSES, TRAPS

BOTH = pytest.mark.parametrize("traps", [TRAPS, BLIND], ids=["traps", "blind"])
PHENOMENA = Counter(trap.phenomenon for trap in TRAPS)
TEXTS = Counter(phenomenon for phenomenon, _ in {(trap.phenomenon, trap.text) for trap in TRAPS})


def test_there_are_enough():
    assert len({trap.text for trap in TRAPS}) >= 300
    assert len(TRAPS) >= 500
    assert len(TEXTS) == 22
    assert min(TEXTS.values()) >= 15


@BOTH
def test_no_mark_is_misspelt(traps):
    assert not any(set("{}|\\") & set(trap.text) for trap in traps)


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_no_phenomenon_can_be_got_right_with_one_answer(phenomenon):
    """Controls: the negated decision, or where nothing is negated the modifiers, differ."""
    answers = {(trap.status, trap.modifiers) for trap in TRAPS if trap.phenomenon == phenomenon}
    assert len(answers) > 1


@BOTH
def test_labels_are_known(traps):
    assert {trap.status for trap in traps} == set(STATUSES.values())
    assert {name for trap in traps for name in trap.modifiers} == set(MODIFIERS.values())
    for trap in traps:
        assert len(set(trap.modifiers)) == len(trap.modifiers)
        assert not (trap.status == "negative" and trap.modifiers), trap
        assert set(trap.modifiers) <= {"historical"} or trap.status == "unknown", trap


@BOTH
def test_each_finding_is_where_it_is_said_to_be(traps):
    for trap in traps:
        assert trap.text[trap.start :].startswith(trap.finding), trap


def test_traps_are_on_token_borders():
    """In the blind texts some words are run together."""
    nlp = spacy.blank("en")
    for trap in TRAPS:
        assert nlp(trap.text).char_span(trap.start, trap.start + len(trap.finding)) is not None, trap


@BOTH
def test_none_is_there_twice(traps):
    assert len({(trap.text, trap.start) for trap in traps}) == len(traps)


def test_both_lists_have_texts_of_their_own():
    assert not {trap.text for trap in TRAPS} & {trap.text for trap in BLIND}
