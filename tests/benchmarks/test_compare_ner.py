"""What the comparison of nested entities counts beside the component's own scores."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_medmtl.annotations.groups import ENTITIES

ROOT = Path(__file__).parents[2]


def make_doc(*places: tuple[int, int]) -> Doc:
    doc = Doc(spacy.blank("en").vocab, words=["a"] * 8)
    doc.spans[ENTITIES] = [Span(doc, start, end, "X") for start, end in places]
    return doc


def test_inside_gold_does_not_ask_for_the_entity_around(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from compare_ner import inside_gold

    gold = make_doc((0, 4), (1, 2), (2, 4), (5, 6))
    found = make_doc((1, 2), (0, 2), (5, 6))  # one right, one wrong inside (0, 4), which itself is missing
    assert inside_gold([Example(found, gold)]) == pytest.approx({"p": 0.5, "r": 0.5, "f": 0.5})
    flat = Example(make_doc((0, 4), (1, 2)), make_doc((5, 6)))
    assert inside_gold([flat]) == {"p": None, "r": None, "f": None}
