"""Findings and entities in the shape of FHIR R4 resources, for software that reads these.

FHIR-like, not validated FHIR: there is no patient, no terminology and no profile behind it, only what the note says.
The mapping is written down in docs/serving.md.
"""

from typing import Any

from spacy.tokens import Doc

from ..annotations.groups import merged_type
from ..annotations.rows import Row, doc_rows

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
DRUGS = frozenset({"drug", "chemical", "medication"})
PROCEDURES = frozenset({"procedure", "treatment"})
TESTS = frozenset({"test", "lab", "laboratory"})


def fhir_bundle(doc: Doc, doc_id: str) -> dict[str, Any]:
    """A Bundle of type ``collection``: a resource for each finding, and for each outermost entity that is a drug, a
    test or a procedure."""
    tables = doc_rows(doc, doc_id)
    resources = [_finding(row) for row in tables["findings"]]
    resources += [resource for row in tables["entities"] if row["depth"] == 0 and (resource := _entity(row))]
    entries = [
        {"resource": {**resource, "id": f"{resource['resourceType'].lower()}-{number}"}}
        for number, resource in enumerate(resources, 1)
    ]
    return {"resourceType": "Bundle", "type": "collection", "identifier": {"value": doc_id}, "entry": entries}


def _finding(row: Row) -> dict[str, Any]:
    if row["family"]:
        member = {
            "resourceType": "FamilyMemberHistory",
            "status": "partial",
            "relationship": {"text": "unknown"},
            "condition": [{"code": {"text": row["text"]}}],
        }
        if row["negated"]:
            member["extension"] = [_place(row), _extension("verificationStatus", valueCode="refuted")]
            return member
        return {**member, "extension": [_place(row)]}
    resource: dict[str, Any] = {
        "resourceType": "Condition",
        "code": {"text": row["text"]},
        "verificationStatus": {"coding": [{"system": _VERIFICATION, "code": verification_status(row)}]},
        "extension": [_place(row)],
    }
    if row["status"] == "positive":  # FHIR: a refuted condition has no clinical status
        code = "inactive" if row["historical"] else "active"
        resource["clinicalStatus"] = {"coding": [{"system": _CLINICAL, "code": code}]}
    return resource


def verification_status(row: Row) -> str:
    """``refuted``: negative; ``confirmed``: positive; ``provisional``: uncertain; otherwise ``unconfirmed``."""
    if row["negated"]:
        return "refuted"
    if row["uncertain"]:
        return "provisional"
    return "confirmed" if row["status"] == "positive" and not row["hypothetical"] else "unconfirmed"


def _entity(row: Row) -> dict[str, Any] | None:
    label = merged_type(row["label"] or "").lower()
    text = {"text": row["text"]}
    if label in DRUGS:
        named: dict[str, Any] = {"resourceType": "MedicationStatement", "medicationCodeableConcept": text}
    elif label in PROCEDURES:
        named = {"resourceType": "Procedure", "code": text}
    elif label in TESTS:
        named = {"resourceType": "Observation", "code": text}
    else:
        return None
    return {**named, "status": "unknown", "extension": [_place(row)]}


def _place(row: Row) -> dict[str, Any]:
    """Where in the note, and how sure the pipeline is."""
    parts = [_extension("start", valueInteger=row["start"]), _extension("end", valueInteger=row["end"])]
    if row["score"] is not None:
        parts.append(_extension("score", valueDecimal=round(row["score"], 4)))
    if row["section"]:
        parts.append(_extension("section", valueCode=row["section"]))
    if row.get("hypothetical"):
        parts.append(_extension("hypothetical", valueBoolean=True))
    return _extension("source", extension=parts)


def _extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": f"urn:spacy-medmtl:{name}", **value}
