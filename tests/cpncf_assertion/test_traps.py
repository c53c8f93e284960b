"""The list of traps is what it says it is. ``benchmarks/compare_assertion.py`` scores pipelines on it."""

from collections import Counter

import pytest
import spacy
from traps import MODIFIERS, STATUSES, TRAPS

PHENOMENA = Counter(trap.phenomenon for trap in TRAPS)
TEXTS = Counter(phenomenon for phenomenon, _ in {(trap.phenomenon, trap.text) for trap in TRAPS})


def test_there_are_enough():
    assert len({trap.text for trap in TRAPS}) >= 300
    assert len(TRAPS) >= 500
    assert len(TEXTS) == 22
    assert min(TEXTS.values()) >= 15


def test_no_mark_is_misspelt():
    assert not any(set("{}|\\") & set(trap.text) for trap in TRAPS)


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_no_phenomenon_can_be_got_right_with_one_answer(phenomenon):
    """Controls: the negated decision, or where nothing is negated the modifiers, differ."""
    answers = {(trap.status, trap.modifiers) for trap in TRAPS if trap.phenomenon == phenomenon}
    assert len(answers) > 1


def test_labels_are_known():
    assert {trap.status for trap in TRAPS} == set(STATUSES.values())
    assert {name for trap in TRAPS for name in trap.modifiers} == set(MODIFIERS.values())
    for trap in TRAPS:
        assert len(set(trap.modifiers)) == len(trap.modifiers)
        assert not (trap.status == "negative" and trap.modifiers), trap
        assert set(trap.modifiers) <= {"historical"} or trap.status == "unknown", trap


def test_each_finding_occurs_once_and_on_token_borders():
    nlp = spacy.blank("en")
    for trap in TRAPS:
        assert trap.text.count(trap.finding) == 1, trap
        start = trap.text.index(trap.finding)
        assert nlp(trap.text).char_span(start, start + len(trap.finding)) is not None, trap


def test_none_is_there_twice():
    assert len({(trap.text, trap.finding) for trap in TRAPS}) == len(TRAPS)
