"""The columns of each table, in their order. Published names keep their meaning; new columns come at the end.

``start`` and ``end`` are character offsets in the note, end exclusive. Scores are probabilities in [0, 1] (of a
regression: its value). A value is None where nothing is known.
"""

Columns = dict[str, type]

_SPAN: Columns = {"doc_id": str, "start": int, "end": int, "text": str, "label": str, "score": float}
_STATUS: Columns = {
    "status": str,
    "negated": bool,
    "uncertain": bool,
    "hypothetical": bool,
    "historical": bool,
    "family": bool,
    "negated_score": float,
    "uncertain_score": float,
    "hypothetical_score": float,
    "historical_score": float,
    "family_score": float,
}
_PLACE: Columns = {"sentence": int, "section": str}

TABLES: dict[str, Columns] = {
    "findings": {**_SPAN, **_STATUS, **_PLACE, "detection_score": float},
    "entities": {**_SPAN, "depth": int, **_STATUS, **_PLACE},
    "sentences": {**_SPAN, **_PLACE, "speaker": str},
    "relations": {
        "doc_id": str,
        "start": int,
        "end": int,
        "label": str,
        "score": float,
        **{
            f"{end}_{name}": kind
            for end in ("head", "tail")
            for name, kind in {"start": int, "end": int, "text": str, "label": str, "sentence": int}.items()
        },
        **_PLACE,
    },
}
KINDS = {"findings": "finding", "entities": "entity", "sentences": "sentence", "relations": "relation"}


def joined_columns() -> Columns:
    """The columns of all tables as one, for formats with one table: ``kind`` says which a row is of."""
    joined: Columns = {"doc_id": str, "kind": str}
    for columns in TABLES.values():
        joined.update(columns)
    return joined
