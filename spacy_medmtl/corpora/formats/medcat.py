"""The JSON export of MedCATtrainer: projects with documents, of which concepts are annotated at offsets, each with meta
annotations (``Presence``, ``Subject``, ``Time`` and others) that say how it is asserted.

Written from the tool's documentation and the exports that its repository shows.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, LossError, need
from ..options import KINDS, SPANS, choice, meanings, name
from ..reader import Reader
from ..record import Attributes, Record, resolve_links
from ..scheme import GROUP, NER, Scheme
from .json_files import read_json
from .json_values import JsonText, Value, whole
from .words import Mention, entities_at

CUI = "cui"
# Each task by the names and values that exports have, of which MedCAT takes some for one another
_MEANINGS = (
    "presence:true=positive,presence:present (true)=positive,presence:false=negative,"
    "presence:not present (false)=negative,presence:hypothetical=unknown+hypothetical,"
    "presence:hypothetical (n/a)=unknown+hypothetical,presence:n/a=ignore,"
    "status:affirmed=positive,status:confirmed=positive,status:other=unknown,negation:yes=negative,negation:no=positive,"
    + "".join(
        f"{name}:patient=ignore,{name}:relative=family,{name}:family=family,{name}:other=family,{name}:n/a=ignore,"
        for name in ("subject", "experiencer", "subject/experiencer")
    )
    + ",".join(
        f"{name}:recent=ignore,{name}:present=ignore,{name}:current=ignore,{name}:past=historical,"
        f"{name}:future=hypothetical,{name}:n/a=ignore"
        for name in ("time", "temporality")
    )
)
_UNTOLD = "an annotation whose meta annotations are neither a list of objects nor named"


def read(path: Path, audit: Audit, *, label: str = "Concept") -> Iterator[Record]:
    """The documents of all projects of a file. ``label``: of all mentions, or ``cui``: each has that of its concept."""
    for place, project in read_json(path, audit, keys=("projects",)):
        if not isinstance(project, dict) or not isinstance(project.get("documents"), list):
            audit.dropped(place, "document", "", "expected a project with documents")
            continue
        for document in project["documents"]:
            with audit.losing(place, "document"):
                need(isinstance(document, dict), "a document that is no JSON object")
                annotations = _annotations(document)
                text = document.get("text")
                if isinstance(text, str) and text.strip():
                    yield _record(document, annotations, label, JsonText(text, place, audit))
                elif annotations:
                    raise LossError("an annotated document without a text: take the export that has the texts")
                else:
                    audit.note("documents without a text, left out")


READER = Reader(
    read,
    Scheme(is_open=True),
    suffixes=(".json",),
    options={
        **SPANS,
        **KINDS,
        "group": choice(SPANS["group"].help, "both", "ner", "findings"),
        "statuses": meanings("what meta annotations say of a finding, beside what is known of old", _MEANINGS),
        "label": name("the label of all mentions; 'cui': each has its concept's", "Concept"),
    },
)


def _annotations(document: Value) -> Any:
    """The annotations of a document: a list, or by their numbers, as MedCAT itself gives ``entities``."""
    given: Any = document.get("annotations", document.get("entities"))
    is_numbered = isinstance(given, dict) and all(isinstance(one, dict) for one in given.values())
    return list(given.values()) if is_numbered else given


def _record(document: Value, annotations: Any, label: str, given: JsonText) -> Record:
    ids: list[str] = []  # empty where an annotation has none
    mentions: list[Mention] = []
    rejected: set[str] = set()
    for annotation in given.objects(annotations, "an annotation"):
        identifier = "" if annotation.get("id") is None else str(annotation["id"])
        if _is_rejected(annotation):
            given.audit.note("annotations that were deleted, irrelevant or not validated, left out")
            rejected.add(identifier)
            continue
        with given.audit.losing(given.place):
            mentions.append(_mention(annotation, label, given))
            ids.append(identifier)
    entities = entities_at(given.text, mentions, given.audit)
    times = Counter(ids)
    by_id = {i: entity for i, entity in zip(ids, entities) if entity is not None and i and times[i] == 1}
    relations = given.objects(document.get("relations"), "a relation")
    kept = [relation for relation in relations if not _is_rejected(relation) and not rejected & _arguments(relation)]
    given.audit.note("relations that were not validated, or of annotations left out", len(relations) - len(kept))
    rows = given.link_rows(kept, ("relation", "start_entity", "end_entity"))
    return Record(
        given.text,
        given.place,
        name=str(document.get("id", "")) or None,
        is_explicit=False,
        entities=[entity for entity in entities if entity is not None],
        links=resolve_links(rows, by_id, given.audit),
    )


def _mention(annotation: Value, label: str, given: JsonText) -> Mention:
    """Raises LossError."""
    start, end = whole(annotation.get("start")), whole(annotation.get("end"))
    if start is None or end is None:
        raise LossError("an annotation whose start and end are no numbers")
    words = annotation.get("value", annotation.get("source_value"))
    need(isinstance(words, (str, type(None))), "an annotation whose words are no text")
    cui = annotation.get(CUI)
    name = label if label.lower() != CUI else str(cui) if type(cui) is int else cui
    return Mention([(start, end)], words, name, given.place, _attributes(annotation.get("meta_anns"), given.audit))


def _attributes(given: Any, audit: Audit) -> Attributes:
    """Meta annotations, which come as a list or by their names; one that was not validated says nothing, and where
    none was, nobody judged the status: the mention is no finding. Raises LossError."""
    need(given is None or isinstance(given, (dict, list)), _UNTOLD)
    named = given.items() if isinstance(given, dict) else [("", meta) for meta in given or ()]
    said: list[tuple[str, str]] = []
    for key, meta in named:
        values = meta if isinstance(meta, dict) else {"value": meta}
        task, value = str(values.get("name", key)).strip(), str(values.get("value", "")).strip()
        need(task and not isinstance(meta, list), _UNTOLD)
        if not _fails(values.get("validated")):
            said.append((task, value))
    audit.note("meta annotations that nobody validated, not used", len(named) - len(said))
    return tuple(said) if said or not named else ((GROUP, NER),)


def _is_rejected(given: Value) -> bool:
    """Whether people marked an annotation or relation as wrong, or never looked at it."""
    is_wrong = any(_holds(given.get(mark)) for mark in ("deleted", "killed", "irrelevant"))
    return is_wrong or _fails(given.get("validated"))


def _holds(mark: Any) -> bool:
    return str(mark).strip().lower() in ("true", "1", "1.0")


def _fails(mark: Any) -> bool:
    return str(mark).strip().lower() in ("false", "0", "0.0")


def _arguments(relation: Value) -> set[str]:
    return {str(relation.get(name)) for name in ("start_entity", "end_entity")}
