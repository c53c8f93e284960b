"""The JSON export of MedCATtrainer: projects with documents, of which concepts are annotated at offsets, each with meta
annotations (``Presence``, ``Subject``, ``Time`` and others) that say how it is asserted.

Written from the tool's documentation.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, need
from ..options import SPANS, choice, meanings, name
from ..reader import Reader
from ..record import Attributes, Entity, Record, resolve_links
from ..scheme import Scheme
from .json_files import read_json
from .json_values import JsonText, Value, has_types
from .words import Mention, entities_at

CUI = "cui"
_MEANINGS = (
    "presence:true=positive,presence:false=negative,presence:hypothetical=unknown+hypothetical,presence:n/a=ignore,"
    "status:affirmed=positive,status:other=unknown,negation:yes=negative,negation:no=positive,"
    "subject:patient=ignore,subject:relative=family,subject:family=family,subject:n/a=ignore,"
    "experiencer:patient=ignore,experiencer:family=family,experiencer:other=family,"
    "time:recent=ignore,time:past=historical,time:future=hypothetical,time:n/a=ignore,"
    "temporality:current=ignore,temporality:past=historical,temporality:future=hypothetical"
)


def read(path: Path, audit: Audit, *, label: str = "Concept") -> Iterator[Record]:
    """The documents of all projects of a file. ``label``: of all mentions, or ``cui``: each has that of its concept."""
    for place, project in read_json(path, audit, keys=("projects",)):
        if not isinstance(project, dict) or not isinstance(project.get("documents"), list):
            audit.dropped(place, "document", "", "expected a project with documents")
            continue
        for document in project["documents"]:
            if not has_types(document, text=str):
                audit.note("documents without a text, left out")
                continue
            given = JsonText(document["text"], place, audit)
            record = Record(given.text, place, name=str(document.get("id", "")) or None, is_explicit=False)
            entities = dict(_entities(document, label, given))
            rows = given.link_rows(document.get("relations"), ("relation", "start_entity", "end_entity"))
            record.entities, record.links = list(entities.values()), resolve_links(rows, entities, audit)
            yield record


READER = Reader(
    read,
    Scheme(is_open=True),
    suffixes=(".json",),
    options={
        **SPANS,
        "group": choice(SPANS["group"].help, "both", "ner", "findings"),
        "statuses": meanings("what meta annotations say of a finding, beside what is known of old", _MEANINGS),
        "label": name("the label of all mentions; 'cui': each has its concept's", "Concept"),
    },
)


def _entities(document: Value, label: str, given: JsonText) -> Iterator[tuple[str, Entity]]:
    ids: list[str] = []
    mentions: list[Mention] = []
    for annotation in given.objects(document.get("annotations"), "an annotation"):
        if any(map(annotation.get, ("deleted", "killed", "irrelevant"))) or annotation.get("validated") is False:
            given.audit.note("annotations that were deleted, irrelevant or not validated, left out")
            continue
        with given.audit.losing(given.place):
            edges: list[Any] = [annotation.get("start"), annotation.get("end")]
            words = annotation.get("value")
            need(list(map(type, edges)) == [int, int], "an annotation whose start and end are no numbers")
            need(isinstance(words, (str, type(None))), "an annotation whose words are no text")
            name, said = annotation.get(CUI) if label == CUI else label, _attributes(annotation.get("meta_anns"))
            mentions.append(Mention([(edges[0], edges[1])], words, name, given.place, said))
            ids.append(str(annotation.get("id", edges)))
    for identifier, entity in zip(ids, entities_at(given.text, mentions, given.audit)):
        if entity is not None:
            yield identifier, entity


def _attributes(given: Any) -> Attributes:
    """Meta annotations, which come as a list or by their names; one that was not validated says nothing."""
    annotations = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    validated = [meta for meta in annotations if isinstance(meta, dict) and meta.get("validated") is not False]
    return tuple((str(meta.get("name", "")), str(meta.get("value", ""))) for meta in validated)
