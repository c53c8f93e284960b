"""Which pairs of entities count as judged, and what becomes of relations that do not fit."""

from pathlib import Path

import pytest
from entity_docs import pairs
from spacy.tokens import Span

from spacy_medmtl.annotations.groups import RELATIONS, write_group
from spacy_medmtl.annotations.relations import read_pairs, read_relations
from spacy_medmtl.corpora.audit import Audit, Place
from spacy_medmtl.corpora.docs import set_sentence_starts
from spacy_medmtl.corpora.entities import write_mentions
from spacy_medmtl.corpora.entity_relations import (
    OUTSIDE,
    Entity,
    EntityPair,
    Relation,
    write_entity_pairs,
    write_entity_relations,
)
from spacy_medmtl.corpora.formats.mention import Mention
from spacy_medmtl.errors import MedmtlError

PLACE = Place(Path("a.ann"), 3)
LABELS = {"near": "Near", "far": "Far"}


@pytest.fixture
def doc(nlp):
    doc = nlp.make_doc("A b c d e f")  # three sentences of two words
    set_sentence_starts(doc, [0, 2, 4])
    return doc


def entity(letter, label):
    start = "A b c d e f".index(letter)
    return Entity(start, start + 1, label, PLACE, letter)


ENTITIES = [entity("A", "x"), entity("b", "y"), entity("c", "y"), entity("d", "x"), entity("f", "x")]


def written(doc, *relations, entities=ENTITIES, on_error="stop", **settings):
    audit = Audit(on_error)
    found = [Relation(head, tail, label, PLACE) for head, tail, label in relations]
    write_entity_relations(doc, entities, found, audit, labels=LABELS, **settings)
    return pairs(doc), audit


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (0, ["Ab", "dc"]),
        (1, ["Ab", "Ac", "db", "dc", "fc"]),
        (2, ["Ab", "Ac", "db", "dc", "fb", "fc"]),
    ],
)
def test_reach(doc, reach, expected):
    found, _ = written(doc, kinds=[("x", "y")], reach=reach)
    assert ["".join(pair[:2]) for pair in found] == expected
    assert not any(labels for *_, labels in found)


def test_pair_of_one_type_is_judged_once_in_the_order_of_the_text(doc):
    found, audit = written(doc, ("d", "A", "near"), ("c", "b", "far"), kinds=[("x", "x")], reach=1)
    # c and b are of a type that is not judged, so their order is that of the file
    assert found == [("A", "d", ["Near"]), ("c", "b", ["Far"]), ("d", "f", [])]
    assert audit.notes[OUTSIDE] == 1


def test_without_kinds_only_related_pairs_are_judged(doc):
    found, audit = written(doc, ("f", "A", "near"), ("A", "f", "far"))
    assert found == [("A", "f", ["Far"]), ("f", "A", ["Near"])]
    assert audit.notes[OUTSIDE] == 0
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["Far", "Near"]


def test_several_labels_and_a_repeated_one(doc):
    found, audit = written(doc, ("A", "b", "near"), ("A", "b", "far"), ("A", "b", "near"), kinds=[("x", "y")])
    assert found == [("A", "b", ["Far", "Near"]), ("d", "c", [])]
    assert [(change.outcome, change.kind, change.label) for change in audit.changes] == [("merged", RELATIONS, "Near")]


def test_two_entities_on_the_same_tokens(doc):
    twins = [entity("A", "x"), Entity(0, 1, "y", PLACE, "twin")]
    with pytest.raises(MedmtlError, match=r"E401.*a.ann, line 3: the two entities are not two spans of tokens"):
        written(doc, ("A", "twin", "near"), entities=twins, kinds=[("x", "y")])
    found, audit = written(doc, ("A", "twin", "near"), entities=twins, kinds=[("x", "y")], on_error="report")
    assert found == []  # nor is the pair judged to have no relation
    assert [(change.outcome, change.kind, change.label) for change in audit.changes] == [("dropped", RELATIONS, "Near")]


@pytest.mark.parametrize("relation", [("A", "b", "secret"), ("A", "z", "near"), ("z", "b", "near")])
def test_relation_that_does_not_fit_is_a_loss(doc, relation):
    with pytest.raises(MedmtlError, match=r"E401.*a.ann, line 3: ") as error:
        written(doc, relation, kinds=[("x", "y")])
    assert "secret" not in str(error.value)
    found, audit = written(doc, relation, kinds=[("x", "y")], on_error="report")
    assert found == [("A", "b", []), ("d", "c", [])]
    assert [(change.outcome, change.kind) for change in audit.changes] == [("dropped", RELATIONS)]


@pytest.mark.parametrize(
    ("policy", "head", "outcomes"),
    [
        ("expand", "skin-rashes", ["expanded"]),
        ("contract", "-rashes", ["contracted"]),
        ("error", None, ["dropped", "dropped"]),  # the entity, and then its relation
    ],
)
def test_arguments_are_the_spans_of_their_entities(nlp, policy, head, outcomes):
    """Whatever the policy for edges inside tokens makes of them, which the audit lists once."""
    doc = nlp.make_doc("skin-rashes hurt")
    entities = [Entity(2, 11, "x", PLACE, "a"), Entity(12, 16, "y", PLACE, "b")]
    audit = Audit("report", policy)
    write_mentions(doc, entities, {"x": "X", "y": "Y"}, audit)
    set_sentence_starts(doc, [0])
    write_entity_relations(doc, entities, [Relation("a", "b", "near", PLACE)], audit, labels=LABELS)
    assert [(words, labels) for words, _, labels in pairs(doc)] == ([(head, ["Near"])] if head else [])
    assert [change.outcome for change in audit.changes] == outcomes


@pytest.mark.parametrize(
    ("policy", "outcomes"),
    [("contract", ["contracted", "merged"]), ("error", ["dropped", "dropped", "dropped"])],  # once, then each pair
)
def test_arguments_that_are_no_entities_are_listed_themselves(nlp, policy, outcomes):
    doc = nlp.make_doc("skin-rashes hurt")
    head, tail = Mention(2, 11, "", PLACE), Mention(12, 16, "", PLACE)
    audit = Audit("report", policy)
    write_entity_pairs(doc, [EntityPair(head, tail, "near", PLACE)] * 2, ["near"], audit)
    assert len(pairs(doc)) == (policy == "contract")
    assert [(change.outcome, change.kind) for change in audit.changes] == [(one, RELATIONS) for one in outcomes]


def test_a_relation_and_none_of_the_same_tokens_is_the_relation(nlp):
    doc = nlp.make_doc("A b")
    head, tail = Mention(0, 1, "", PLACE), Mention(2, 3, "", PLACE)
    for labels, merged in (((None, "near"), 1), (("near", None), 1), ((None, None), 1), (("near", "far"), 0)):
        audit = Audit()
        write_entity_pairs(doc, [EntityPair(head, tail, label, PLACE) for label in labels], LABELS, audit)
        assert pairs(doc) == [("A", "b", sorted(filter(None, labels)))]
        assert [change.outcome for change in audit.changes] == ["merged"] * merged


def test_entity_without_an_id_is_no_argument(doc):
    nameless = [entity("A", "x"), Entity(2, 3, "y", PLACE, "")]
    with pytest.raises(MedmtlError, match="no entity of the document"):
        written(doc, ("A", "", "near"), entities=nameless)


def test_no_entities(doc):
    assert written(doc, entities=[])[0] == []
    assert RELATIONS in doc.spans  # annotated, nothing there


def test_pairs_carry_the_types_of_their_entities(doc):
    """The labels of the entities as the Doc has them, which the file may name otherwise."""
    write_group(doc, "medmtl_ner", [Span(doc, 0, 1, label="Drug"), Span(doc, 1, 2, label="Route")])
    written(doc, ("A", "c", "near"), kinds=[("x", "y")])
    assert [pair.types for pair in read_pairs(doc)] == [("Drug", "Route"), ("Drug", ""), ("", "")]
    assert [(r.head.label_, r.tail.label_) for r in read_relations(doc)] == [("Drug", "")]
