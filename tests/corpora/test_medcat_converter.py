"""Exports of MedCATtrainer: other versions, other names and values, what people rejected. All texts are invented."""

import json

import pytest
from finding_docs import findings

from spacy_medmtl.annotations.groups import ENTITIES, FINDINGS, RELATIONS
from spacy_medmtl.annotations.relations import read_relations
from spacy_medmtl.errors import MedmtlError

NOTE = "No otitis, had gout. Mother: asthma."


def annotation(words, number=1, metas=None, **flags):
    at = NOTE.index(words)
    return {"id": number, "cui": "C1", "value": words, "start": at, "end": at + len(words), "meta_anns": metas, **flags}


def metas(**values):
    return [{"name": name, "value": value, "acc": 1.0, "validated": True} for name, value in values.items()]


def relation(start=1, end=2, **flags):
    return {"relation": "after", "start_entity": start, "end_entity": end, **flags}


@pytest.fixture
def medcat(run, write):
    def convert(*annotations, relations=(), on_error="stop", settings=None, **document):
        parts = {"id": 1, "text": NOTE, "annotations": list(annotations), "relations": list(relations), **document}
        export = {"projects": [{"name": "p", "id": 1, "cuis": "", "documents": [parts]}]}
        return run("medcat", write("a.json", json.dumps(export)), on_error=on_error, **(settings or {}))

    return convert


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (metas(Status="Confirmed"), ("positive", [])),
        (metas(Presence="Present (True)", Time="Present"), ("positive", [])),
        (metas(Presence="Not present (False)"), ("negative", [])),
        (metas(Presence="Hypothetical (N/A)"), ("unknown", ["hypothetical"])),
        (metas(Subject="Other"), ("positive", ["family"])),
        ([{"name": "Presence ", "value": " False"}], ("negative", [])),
        ({"Presence": {"value": "False", "confidence": 0.9}}, ("negative", [])),
        ({"Presence": "False", "Subject/Experiencer": {"value": "Relative"}}, ("negative", ["family"])),
    ],
)
def test_names_and_values_of_other_versions(medcat, given, expected):
    (doc,), audit = medcat(annotation("otitis", metas=given))
    ((_, status, modifiers),) = findings(doc)
    assert (status, modifiers) == expected
    assert not audit.left_out


def test_what_nobody_validated_has_no_status(medcat):
    (doc,), audit = medcat(
        annotation("otitis", 1, [{"name": "Presence", "value": "False", "validated": False}]),
        annotation("gout", 2, metas(Presence="True")),
    )
    assert [span.text for span in doc.spans[ENTITIES]] == ["otitis", "gout"]
    assert findings(doc) == [("gout", "positive", [])]
    assert audit.notes["meta annotations that nobody validated, not used"] == 1


def test_meta_annotations_of_no_known_shape_are_a_loss(medcat):
    docs, audit = medcat(annotation("otitis", metas=["False"]), annotation("gout", 2, metas=3), on_error="report")
    assert not docs[0].spans[ENTITIES]
    assert len(audit.changes) == 2


def test_a_value_without_a_meaning_names_its_attribute(medcat):
    with pytest.raises(MedmtlError, match="the attribute Presence has a value without a meaning"):
        medcat(annotation("otitis", metas=metas(Presence="Perhaps")))


@pytest.mark.parametrize("validated", ["False", 0, False])
def test_flags_that_went_through_a_table(medcat, validated):
    (doc,), audit = medcat(annotation("otitis", validated=validated), annotation("gout", 2, deleted="False", killed=0))
    assert [span.text for span in doc.spans[ENTITIES]] == ["gout"]
    assert audit.notes["annotations that were deleted, irrelevant or not validated, left out"] == 1


def test_numbers_that_went_through_a_table(medcat):
    row = {**annotation("otitis"), "start": 3.0, "end": "9", "cui": 65363002}
    (doc,), _ = medcat(row, settings={"label": "cui"})
    assert [(span.text, span.label_) for span in doc.spans[ENTITIES]] == [("otitis", "65363002")]


def test_annotations_of_one_id_are_all_kept_and_no_relation_guesses(medcat):
    docs, audit = medcat(
        annotation("otitis"), annotation("gout"), annotation("asthma", 2), relations=[relation()], on_error="report"
    )
    assert [span.text for span in docs[0].spans[ENTITIES]] == ["otitis", "gout", "asthma"]
    assert [change.kind for change in audit.changes] == [RELATIONS]


def test_relations_that_people_rejected_are_counted(medcat):
    (doc,), audit = medcat(
        annotation("otitis"),
        annotation("gout", 2),
        annotation("asthma", 3, deleted=True),
        relations=[relation(), relation(2, 1, validated=False), relation(1, 3)],
    )
    assert [(one.head.text, one.tail.text) for one in read_relations(doc)] == [("otitis", "gout")]
    assert audit.notes["relations that were not validated, or of annotations left out"] == 2


@pytest.mark.parametrize("text", [None, "", 5])
def test_an_annotated_document_without_a_text_is_a_loss(medcat, text):
    with pytest.raises(MedmtlError, match="take the export that has the texts"):
        medcat(annotation("otitis"), text=text)
    with pytest.raises(MedmtlError, match="half a surrogate pair"):
        medcat(annotation("otitis"), text=f"{NOTE} \ud83e")


def test_annotations_by_their_numbers_as_medcat_gives_them(medcat):
    row = {**annotation("otitis", metas={"Presence": {"value": "False"}}), "source_value": "otitis"}
    del row["value"]
    (doc,), _ = medcat(annotations={"0": row})
    assert findings(doc) == [("otitis", "negative", [])]


def test_entities_of_medcat_itself(run, write):
    export = {
        "projects": [{"name": "p", "documents": [{"id": 1, "text": NOTE, "entities": {"0": annotation("gout")}}]}]
    }
    (doc,), _ = run("medcat", write("a.json", json.dumps(export)), on_error="stop", group="ner")
    assert [span.text for span in doc.spans[ENTITIES]] == ["gout"]


def test_two_projects_of_one_document(run, write):
    documents = [{"id": 1, "text": NOTE, "annotations": [annotation(words)]} for words in ("otitis", "gout")]
    export = {"projects": [{"name": "p", "documents": [document]} for document in documents]}
    docs, audit = run("medcat", write("a.json", json.dumps(export)), on_error="stop", group="ner")
    assert [[span.text for span in doc.spans[ENTITIES]] for doc in docs] == [["otitis"], ["gout"]]
    assert FINDINGS not in docs[0].spans
    assert audit.notes["document ids that occur again"] == 1
