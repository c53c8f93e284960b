"""Which pairs of entities count as judged, and what becomes of relations that do not fit."""

from pathlib import Path

import pytest
from entity_docs import pairs

from spacy_medmtl.annotations.groups import RELATIONS
from spacy_medmtl.annotations.relations import read_pairs, read_relations
from spacy_medmtl.corpora.audit import Audit, Place
from spacy_medmtl.corpora.judged import OUTSIDE
from spacy_medmtl.corpora.record import EXACT, Entity, Link, Record
from spacy_medmtl.corpora.scheme import Scheme
from spacy_medmtl.corpora.writer import convert_records
from spacy_medmtl.errors import MedmtlError

PLACE = Place(Path("a.ann"), 3)
TEXT = "A b c d e f"  # three sentences of two words


def entity(letter, label):
    start = TEXT.index(letter)
    return Entity(label, ((start, start + 1),), PLACE)


ENTITIES = [entity("A", "x"), entity("b", "y"), entity("c", "y"), entity("d", "x"), entity("f", "x")]
BY_LETTER = {TEXT[one.bounds[0]]: one for one in ENTITIES}


def converted(nlp, record, scheme, on_error="stop", policy="expand"):
    audit = Audit(on_error, policy)
    (doc,) = convert_records(lambda path, audit: iter([record]), scheme, [Path("a.ann")], nlp, audit)
    return doc, audit


def written(nlp, *relations, entities=ENTITIES, on_error="stop", **settings):
    known = {**BY_LETTER, **{str(number): one for number, one in enumerate(entities)}}
    links = [Link(label, known[head], known[tail], PLACE) for head, tail, label in relations]
    record = Record(TEXT, PLACE, entities=entities, links=links, starts=[0, 4, 8], sentences=EXACT)
    scheme = Scheme(types={"x": "Drug", "y": "Route"}, relations=["near", "far"], **settings)
    doc, audit = converted(nlp, record, scheme, on_error)
    return pairs(doc), audit, doc


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (0, ["Ab", "dc"]),
        (1, ["Ab", "Ac", "db", "dc", "fc"]),
        (2, ["Ab", "Ac", "db", "dc", "fb", "fc"]),
    ],
)
def test_reach(nlp, reach, expected):
    found, _, _ = written(nlp, kinds=[("x", "y")], reach=reach)
    assert ["".join(pair[:2]) for pair in found] == expected
    assert not any(labels for *_, labels in found)


def test_pair_of_one_type_is_judged_once_in_the_order_of_the_text(nlp):
    found, audit, _ = written(nlp, ("d", "A", "near"), ("c", "b", "far"), kinds=[("x", "x")], reach=1)
    # c and b are of a type that is not judged, so their order is that of the file
    assert found == [("A", "d", ["near"]), ("c", "b", ["far"]), ("d", "f", [])]
    assert audit.notes[OUTSIDE] == 1


def test_without_kinds_only_related_pairs_are_judged(nlp):
    found, audit, doc = written(nlp, ("f", "A", "near"), ("A", "f", "far"))
    assert found == [("A", "f", ["far"]), ("f", "A", ["near"])]
    assert audit.notes[OUTSIDE] == 0
    assert doc.spans[RELATIONS].attrs["annotated_labels"] == ["far", "near"]


def test_several_labels_and_a_repeated_one(nlp):
    found, audit, _ = written(nlp, ("A", "b", "near"), ("A", "b", "far"), ("A", "b", "near"), kinds=[("x", "y")])
    assert found == [("A", "b", ["far", "near"]), ("d", "c", [])]
    assert [(change.outcome, change.kind, change.label) for change in audit.changes] == [("merged", RELATIONS, "near")]


def test_two_entities_on_the_same_tokens(nlp):
    twins = [entity("A", "x"), entity("A", "y")]
    with pytest.raises(MedmtlError, match=r"E401.*a.ann, line 3: the two entities are not two spans of tokens"):
        written(nlp, ("0", "1", "near"), entities=twins, kinds=[("x", "y")])
    found, audit, _ = written(nlp, ("0", "1", "near"), entities=twins, kinds=[("x", "y")], on_error="report")
    assert found == []  # nor is the pair judged to have no relation
    assert [(change.outcome, change.kind, change.label) for change in audit.changes] == [("dropped", RELATIONS, "near")]


def test_relation_of_an_unknown_label_is_a_loss(nlp):
    with pytest.raises(MedmtlError, match=r"E401.*a.ann, line 3: ") as error:
        written(nlp, ("A", "b", "secret"), kinds=[("x", "y")])
    assert "secret" not in str(error.value)
    found, audit, _ = written(nlp, ("A", "b", "secret"), kinds=[("x", "y")], on_error="report")
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
@pytest.mark.parametrize("are_entities", [True, False])
def test_arguments_are_the_spans_of_their_entities(nlp, policy, head, outcomes, are_entities):
    """Whatever the policy for edges inside tokens makes of them, which the audit lists once."""
    entities = [Entity("x", ((2, 11),), PLACE), Entity("y", ((12, 16),), PLACE)]
    link = Link("near", *entities, PLACE)
    record = Record("skin-rashes hurt", PLACE, entities=entities if are_entities else None, links=[link, link])
    scheme = Scheme(types={"x": "X", "y": "Y"}, relations=["near"])
    doc, audit = converted(nlp, record, scheme, "report", policy)
    assert [(words, labels) for words, _, labels in pairs(doc)] == ([(head, ["near"])] if head else [])
    again = ["merged"] if head else ["dropped"]  # the relation that is stated twice
    assert [change.outcome for change in audit.changes] == outcomes + again


def test_a_relation_and_none_of_the_same_tokens_is_the_relation(nlp):
    head, tail = Entity("", ((0, 1),), PLACE), Entity("", ((2, 3),), PLACE)
    for labels, merged in (((None, "near"), 1), (("near", None), 1), ((None, None), 1), (("near", "far"), 0)):
        record = Record("A b", PLACE, links=[Link(label, head, tail, PLACE) for label in labels])
        doc, audit = converted(nlp, record, Scheme(relations=["near", "far"]))
        assert pairs(doc) == [("A", "b", sorted(filter(None, labels)))]
        assert [change.outcome for change in audit.changes] == ["merged"] * merged


def test_no_entities(nlp):
    found, _, doc = written(nlp, entities=[])
    assert found == []
    assert RELATIONS in doc.spans  # annotated, nothing there


def test_pairs_carry_the_types_of_their_entities(nlp):
    """The labels of the entities as the Doc has them, which the file may name otherwise."""
    _, _, doc = written(nlp, ("A", "c", "near"), kinds=[("x", "y")])
    assert {pair.types for pair in read_pairs(doc)} == {("Drug", "Route")}
    assert [(r.head.label_, r.tail.label_) for r in read_relations(doc)] == [("Drug", "Route")]
