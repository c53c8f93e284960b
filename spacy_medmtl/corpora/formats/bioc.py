"""BioC in XML and in JSON: passages (or sentences in them) with offsets, annotations at them, relations by their ids.

Offsets count from the start of the document. The text is made of the passages, parted by line breaks, and each
annotation is found by where it lies in its passage; so it does not matter what the original had between two passages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from .json_arrays import read_array
from .record import FALSE, Entity, LinkRow, Record, are_fragments, is_label, resolve_links, same_words
from .xml_trees import Element, read_elements

BREAK = "\n"
_NOT_TWO = "a relation of a number of mentions that is not two"


@dataclass(frozen=True)
class Annotation:
    """As the file gives it: ``locations`` are (offset, length) in the document."""

    id: str
    text: str
    infons: dict[str, str]
    locations: tuple[tuple[int, int], ...]
    place: Place


@dataclass(frozen=True)
class Relation:
    """As the file gives it, by the ids of what it relates."""

    infons: dict[str, str]
    members: tuple[str, ...]
    place: Place


@dataclass
class Passage:
    """A stretch of text at its offset in the document; ``starts``: where in it sentences begin, if the file says so."""

    offset: int
    text: str
    annotations: list[Annotation] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


@dataclass
class Document:
    """As the file gives it."""

    id: str
    place: Place
    passages: list[Passage] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)


class MalformedError(Exception):
    """What is wrong with a document."""


def read_bioc(path: Path, audit: Audit) -> Iterator[Record]:
    """Yield the documents of a file, JSON if its name ends so and XML otherwise.

    A document that is not BioC is a loss, and so is an annotation whose locations do not give its text (MedmtlError
    E401 in stop mode).
    """
    is_json = path.suffix.lower() == ".json"
    sources: Iterator[tuple[Place, Any]]
    if is_json:
        sources = read_array(path, audit, keys=("documents", "PubTator3"))
    else:
        sources = ((element.place, element) for element in read_elements(path, "document", audit))
    for place, source in sources:
        try:
            document = _from_json(source, place) if is_json else _from_xml(source)
        except MalformedError as error:
            audit.dropped(place, "document", "", str(error))
        else:
            yield _record(document, audit)


def _record(document: Document, audit: Audit) -> Record:
    texts = [passage.text for passage in document.passages]
    record = Record(BREAK.join(texts), document.place, name=document.id or None)
    record.by_rule = not any(passage.starts for passage in document.passages)
    found: dict[str, Entity] = {}
    entities: list[Entity] = []
    start = 0
    for passage in document.passages:
        record.starts += [start + first for first in passage.starts or [0]]
        for annotation in passage.annotations:
            entity, problem = _entity(annotation, passage, start)
            if annotation.id and annotation.id in found:
                problem = "a second annotation with this id"
            if problem or entity is None:
                audit.dropped(annotation.place, "line", "", problem)
                continue
            entities.append(entity)
            found[annotation.id] = entity
        start += len(passage.text) + len(BREAK)
    rows: list[LinkRow] = []
    for relation in document.relations:
        label = relation.infons.get("type", "")
        if not relation.members:
            audit.note("relations between concepts, which name no mentions, not kept")
        elif len(relation.members) != 2 or not is_label(label):
            audit.dropped(relation.place, "relation", "", _NOT_TWO if is_label(label) else "a relation without a type")
        else:
            rows.append(LinkRow(label, *relation.members, relation.place))
    record.entities, record.links = entities, resolve_links(rows, found, audit)
    return record


def _entity(annotation: Annotation, passage: Passage, start: int) -> tuple[Entity | None, str]:
    """The mention in the text of the document, in which its passage begins at ``start``; or what is wrong with it."""
    label = annotation.infons.get("type", "")
    if not is_label(label):
        return None, "an annotation without a type"
    inside = tuple((at - passage.offset, at - passage.offset + length) for at, length in sorted(annotation.locations))
    if not are_fragments(inside, len(passage.text)):
        return None, "the locations are outside the passage or overlap"
    if not same_words(" ".join(passage.text[first:last] for first, last in inside), annotation.text):
        return None, "the locations do not give the text of the annotation"
    fragments = tuple((start + first, start + last) for first, last in inside)
    flags = {"true": "", "false": FALSE}
    infons = annotation.infons.items()
    attributes = tuple((name, flags.get(value.lower(), value)) for name, value in infons if name != "type")
    return Entity(label, fragments, annotation.place, attributes), ""


def _joined(whole: Passage, sentences: list[Passage]) -> list[Passage]:
    """A passage with the annotations of its sentences; or, if it has no text of its own, these with its annotations."""
    if whole.text or not sentences:
        whole.annotations += [one for sentence in sentences for one in sentence.annotations]
        starts = {min(max(sentence.offset - whole.offset, 0), len(whole.text)) for sentence in sentences}
        whole.starts = sorted(starts)
        return [whole]
    for sentence in sentences:
        sentence.starts = [0]
    for annotation in whole.annotations:
        at = min((offset for offset, _ in annotation.locations), default=0)
        begun = [sentence for sentence in sentences if sentence.offset <= at]
        (begun or sentences)[-1].annotations.append(annotation)
    return sentences


def _from_xml(element: Element) -> Document:
    document = Document(element.text_of("id").strip(), element.place)
    holders = [element]
    for passage in element.all("passage"):
        sentences = passage.all("sentence")
        document.passages += _joined(_passage(passage), [_passage(sentence) for sentence in sentences])
        holders += [passage, *sentences]
    for relation in (one for holder in holders for one in holder.all("relation")):
        members = tuple(node.attributes.get("refid", "") for node in relation.all("node"))
        document.relations.append(Relation(_infons(relation), members, relation.place))
    return document


def _passage(element: Element) -> Passage:
    annotations = [_annotation(one) for one in element.all("annotation")]
    return Passage(_number(element.text_of("offset")), element.text_of("text"), annotations)


def _annotation(element: Element) -> Annotation:
    locations = tuple(
        (_number(one.attributes.get("offset", "")), _number(one.attributes.get("length", "")))
        for one in element.all("location")
    )
    identifier = element.attributes.get("id", "")
    return Annotation(identifier, element.text_of("text"), _infons(element), locations, element.place)


def _infons(element: Element) -> dict[str, str]:
    return {infon.attributes.get("key", ""): infon.text for infon in element.all("infon")}


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MalformedError("an offset or length that is no number from 0 to 999999999")
    return int(text)


def _from_json(value: Any, place: Place) -> Document:
    """A document from decoded JSON, where any value may be of any type."""
    value = _typed(value, dict)
    document = Document(str(value.get("id", "")), place)
    holders = [value]
    for passage in _list(value, "passages"):
        sentences = _list(passage, "sentences")
        parts = [_json_passage(sentence, place) for sentence in sentences]
        document.passages += _joined(_json_passage(passage, place), parts)
        holders += [passage, *sentences]
    for relation in (one for holder in holders for one in _list(holder, "relations")):
        members = tuple(str(_typed(node, dict).get("refid", "")) for node in _list(relation, "nodes"))
        document.relations.append(Relation(_json_infons(relation), members, place))
    return document


def _json_passage(value: dict[str, Any], place: Place) -> Passage:
    annotations = [_json_annotation(one, place) for one in _list(value, "annotations")]
    return Passage(_whole(value.get("offset")), _typed(value.get("text", ""), str), annotations)


def _json_annotation(value: dict[str, Any], place: Place) -> Annotation:
    locations = tuple(
        (_whole(_typed(one, dict).get("offset")), _whole(one.get("length"))) for one in _list(value, "locations")
    )
    text = _typed(value.get("text", ""), str)
    return Annotation(str(value.get("id", "")), text, _json_infons(value), locations, place)


def _json_infons(value: dict[str, Any]) -> dict[str, str]:
    return {name: str(one) for name, one in _typed(value.get("infons", {}), dict).items() if one is not None}


def _list(value: Any, name: str) -> list[Any]:
    """The list under a name of a JSON object, empty if there is none."""
    return list(_typed(_typed(value, dict).get(name, []), list))


def _whole(value: Any) -> int:
    return _number(str(_typed(value, int)))


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise MalformedError("a document that is not BioC: a value of another type than BioC has there")
    return value
