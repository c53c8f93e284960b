"""Candidates of ``spacy-medmtl.entity_pairs.v1``: which entities are paired, by sentence, type and order."""

import pytest
import spacy
from spacy.tokens import Span
from toy import with_sentences

from spacy_medmtl.annotations.groups import ENTITIES, write_group
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.pair_relation.candidates import entity_pairs


def entity_doc(text="A x b . c y d . e", *extra):
    """Capital letters and a, b, c ... are entities of the type U or L, x and y are words."""
    doc = with_sentences(spacy.blank("en"), text)
    single = [(t.i, t.i + 1, "U" if t.text.isupper() else "L") for t in doc if t.text not in "xy."]
    write_group(doc, ENTITIES, [Span(doc, a, b, label=label) for a, b, label in [*single, *extra]])
    return doc


def found(doc, **settings):
    return [f"{doc[slice(*head)].text}{doc[slice(*tail)].text}" for head, tail in entity_pairs(**settings)(doc)]


def test_candidates_within_sentences():
    doc = entity_doc("A x b . c y D . e")
    assert found(doc) == ["Ab", "cD"]
    assert found(doc, both_orders=True) == ["Ab", "bA", "cD", "Dc"]
    assert found(doc, max_sentences=1) == ["Ab", "Ac", "AD", "bc", "bD", "cD", "ce", "De"]
    assert found(doc, max_sentences=2) == ["Ab", "Ac", "AD", "Ae", "bc", "bD", "be", "cD", "ce", "De"]
    assert len(found(doc, max_sentences=9, both_orders=True)) == 5 * 4


def test_candidates_of_types():
    """Two types say which one is the head; two of one type are judged once unless ``both_orders``."""
    doc = entity_doc("A x b . c y D . e")
    assert found(doc, types=[["U", "L"]]) == ["Ab", "Dc"]
    assert found(doc, types=[["U", "L"], ["L", "U"]]) == ["Ab", "bA", "cD", "Dc"]
    assert found(doc, types=[["U", "L"]], max_sentences=1) == ["Ab", "Ac", "Db", "Dc", "De"]
    assert found(doc, types=[["L", "L"]], max_sentences=1) == ["bc", "ce"]
    assert found(doc, types=[["L", "L"]], max_sentences=1, both_orders=True) == ["bc", "cb", "ce", "ec"]
    assert found(doc, types=[["U", "Z"]], max_sentences=9) == []


def test_candidates_that_stand_few_entities_apart():
    """Places count, not labels; a sentence border is none of them."""
    doc = entity_doc("A x b c . d y E")
    assert found(doc, max_entities=1) == ["Ab", "bc", "dE"]
    assert found(doc, max_entities=2) == ["Ab", "Ac", "bc", "dE"]
    assert found(doc, max_entities=1, max_sentences=1) == ["Ab", "bc", "cd", "dE"]
    assert found(doc, max_entities=1, both_orders=True) == ["Ab", "bA", "bc", "cb", "dE", "Ed"]
    assert found(doc, max_entities=1, types=[["L", "U"]]) == ["bA", "dE"]
    assert found(doc, max_entities=9, max_sentences=9) == found(doc, max_sentences=9)
    assert found(entity_doc("A b c .", (1, 2, "Z")), max_entities=1) == ["Ab", "bb", "bc"]


def test_candidates_grow_with_the_entities_of_a_long_sentence():
    assert [len(found(entity_doc("A b " * n), max_entities=10)) for n in (50, 100)] == [10 * 95 - 5, 10 * 195 - 5]


def test_candidates_with_equal_bounds_overlaps_and_repeats():
    """An entity is no pair with itself, two labels of one span are, and a pair is proposed once."""
    assert found(entity_doc("A x .", (0, 1, "U"))) == []
    assert found(entity_doc("A x .", (0, 1, "Z"))) == ["AA"]
    assert found(entity_doc("A x b .", (0, 1, "Z"), (0, 1, "Z"))) == ["AA", "Ab"]
    assert found(entity_doc("A b .", (0, 2, "U"))) == ["AA b", "Ab", "A bb"]


def test_candidates_of_doc_ents_and_where_nobody_looked():
    doc = entity_doc("A x b .")
    assert found(doc, spans_key="ents") == found(doc, spans_key="others") == []
    doc.ents = list(doc.spans[ENTITIES])
    assert found(doc, spans_key="ents") == ["Ab"]
    assert found(spacy.blank("en")("")) == []
    unsplit = entity_doc("A x b . c")
    for token in unsplit:
        token.is_sent_start = token.i == 0
    assert found(unsplit) == ["Ab", "Ac", "bc"]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"types": [["Drug"]]}, r"'types'.*\[\['Drug'\]\].*Expected null or pairs"),
        ({"types": []}, r"'types'.*\[\]"),
        ({"types": [["Drug", 3]]}, "'types'"),
        ({"max_entities": 0}, "'max_entities'.*0.*Expected null or a whole number from 1 on"),
        ({"max_sentences": -1}, "'max_sentences'.*-1.*Expected a whole number from 0 on"),
    ],
)
def test_settings_of_the_getter_are_checked(settings, match):
    with pytest.raises(MedmtlError, match=f"MEDMTL-E218.*{match}"):
        entity_pairs(**settings)
