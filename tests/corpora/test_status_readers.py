"""NUBes, Healthsea and MedCATtrainer: findings by scopes, by choices and by meta annotations."""

import json

import pytest
from archives import zipped
from finding_docs import findings

from spacy_medmtl.annotations.groups import ANNOTATED_MODIFIERS, ENTITIES, FINDINGS, GIVEN_SPANS_ONLY
from spacy_medmtl.annotations.relations import read_relations
from spacy_medmtl.errors import MedmtlError

NOTE = "Sin otitis ni tos.\nPosible gripe. No se descarta asma. Fiebre."


def row(number, label, words, start=0):
    at = NOTE.index(words, start)
    return f"T{number}\t{label} {at} {at + len(words)}\t{words}\n"


NUBES = (
    row(1, "NegLexMarker", "Sin") + row(2, "Phrase", "otitis ni tos") + row(3, "DISO", "otitis") + row(4, "DISO", "tos")
    + row(5, "UncertLexMarker", "Posible") + row(6, "DISO", "gripe")
    + row(7, "NegSynMarker", "No") + row(8, "Phrase", "se descarta asma") + row(9, "UncertSynMarker", "descarta")
    + row(10, "DISO", "asma") + row(11, "PROC", "se descarta")
    + "R1\tScope Arg1:T1 Arg2:T2\nR2\tScope Arg1:T5 Arg2:T6\nR3\tScope Arg1:T7 Arg2:T8\n"
    + "R4\tDiscScope Arg1:T9 Arg2:T10\n"
)  # fmt: skip


def test_nubes(run, write):
    path = write("x.zip", zipped({"N/a.txt": NOTE, "N/a.ann": NUBES}))
    (doc,), audit = run("nubes", path, on_error="stop", lang="es")
    assert findings(doc) == [
        ("otitis", "negative", []),
        ("tos", "negative", []),
        ("gripe", "unknown", ["uncertain"]),
        ("asma", "unknown", ["uncertain"]),
    ]
    assert set(doc.spans) == {FINDINGS}
    assert doc.spans[FINDINGS].attrs[GIVEN_SPANS_ONLY]
    assert doc.spans[FINDINGS].attrs[ANNOTATED_MODIFIERS] == ["uncertain"]
    assert audit.notes["mentions of PROC, which are no findings"] == 1
    rows = NUBES.replace("R1", row(12, "DISO", "Fiebre") + "R1")
    path = write("y.zip", zipped({"a.txt": NOTE, "a.ann": rows}))
    with pytest.raises(MedmtlError, match=r"a.ann, line 12: a disorder in no scope"):
        run("nubes", path, on_error="stop")


def clause(text, *accept, answer="accept"):
    return json.dumps({"text": text, "accept": list(accept), "answer": answer}) + "\n"


def test_healthsea(run, write):
    text = (
        clause("I have had <CONDITION> for years", "ANAMNESIS")
        + clause("my <CONDITION> is gone", "POSITIVE")
        + clause("it gave me <CONDITION>", "NEGATIVE")
        + clause("said to be for <CONDITION>", "NEUTRAL")
        + clause("more <BENEFIT>", "POSITIVE")
        + clause("<CONDITION> and <CONDITION>", "POSITIVE")
        + clause("<CONDITION>")
        + clause("<CONDITION>", "POSITIVE", answer="ignore")
    )
    docs, audit = run("healthsea", write("a.jsonl", text), on_error="stop")
    assert [findings(doc) for doc in docs] == [
        [("<CONDITION>", "positive", ["historical"])],
        [("<CONDITION>", "positive", [])],
        [("<CONDITION>", "positive", [])],
        [("<CONDITION>", "unknown", [])],
    ]
    assert sum(audit.notes.values()) == 4
    _, audit = run("healthsea", write("b.jsonl", clause("<CONDITION>", "MAYBE") + "[]\n"))
    assert [change.line for change in audit.changes] == [1, 2]


def annotation(number, start, end, value, cui, meta=None, **flags):
    given = {"id": number, "start": start, "end": end, "value": value, "cui": cui, "validated": True, **flags}
    names = meta or {}
    return {
        **given,
        "meta_anns": {name: {"name": name, "value": one, "validated": True} for name, one in names.items()},
    }


MEDCAT = {
    "projects": [
        {"name": "p", "id": 1, "documents": [
            {"id": 7, "name": "a", "text": "No otitis, had gout. 🦴 ache", "annotations": [
                annotation(1, 3, 9, "otitis", "C1", {"Presence": "False", "Subject": "Patient"}),
                annotation(2, 15, 19, "gout", "C2", {"Presence": "True", "Time": "Past", "Laterality": "Left"}),
                annotation(3, 23, 27, "ache", "C3", deleted=True),
                annotation(4, 23, 27, "ache", "C3", validated=False),
            ], "relations": [{"start_entity": 2, "end_entity": 1, "relation": "after"}]},
            {"id": 8, "name": "b", "text": "", "annotations": []},
        ]},
    ],
}  # fmt: skip


def test_medcat(run, write):
    path = write("a.json", json.dumps(MEDCAT))
    (doc,), audit = run("medcat", path, on_error="stop")
    assert findings(doc) == [("otitis", "negative", []), ("gout", "positive", ["historical"])]
    assert [(span.text, span.label_) for span in doc.spans[ENTITIES]] == [("otitis", "Concept"), ("gout", "Concept")]
    assert [(r.head.text, r.label, r.tail.text) for r in read_relations(doc)] == [("gout", "after", "otitis")]
    assert audit.left_out == {"attribute Laterality": 1}
    assert audit.notes["annotations that were deleted, irrelevant or not validated, left out"] == 2
    (doc,), _ = run("medcat", path, on_error="stop", label="cui", group="ner")
    assert [span.label_ for span in doc.spans[ENTITIES]] == ["C1", "C2"]
