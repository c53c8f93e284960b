"""BioC in XML and in JSON: passages (or sentences in them) with offsets, annotations at them, relations by their ids.

Offsets count from the start of the document. The text is made of the passages, parted by line breaks, and each
annotation is found by where it lies in its passage; so it does not matter what the original had between two passages.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from ..options import DISCONTINUOUS, SPANS
from ..reader import Reader
from ..record import GIVEN, RULE, Entity, LinkRow, Record, is_label, joined, moved, read_label, resolve_links
from ..scheme import Scheme
from .json_files import read_json
from .json_values import has_types
from .words import WRONG, located
from .xml import Element, children, line_of, read_elements, text_of

BREAK = "\n"
_NOT_TWO = "a relation of a number of mentions that is not two"


@dataclass(frozen=True)
class Annotation:
    """As the file gives it: ``locations`` are stretches of the document; ``text``: none if it repeats no words."""

    id: str
    text: str
    infons: dict[str, str]
    locations: tuple[tuple[int, int], ...]
    place: Place


@dataclass(frozen=True)
class ConceptRelation:
    """As the file gives it, by the ids of what it relates; ``passage``: the number of that in which it stands."""

    infons: dict[str, str]
    members: tuple[str, ...]
    place: Place
    passage: int | None


@dataclass
class Passage:
    """A stretch of text at its offset in the document; ``starts``: where in it sentences begin, if the file says so."""

    offset: int
    text: str
    annotations: list[Annotation] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    number: int = 0  # of the passage in the document, which its sentences share


@dataclass
class Article:
    """A document, as the file gives it."""

    id: str
    place: Place
    passages: list[Passage] = field(default_factory=list)
    relations: list[ConceptRelation] = field(default_factory=list)


class MalformedError(Exception):
    """What is wrong with a document."""


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """Yield the documents of a file: XML, or JSON in any shape (collections, arrays, one document, one a line).

    A document that is not BioC is a loss, and so is an annotation whose locations do not give its text (MedmtlError
    E401 in stop mode).
    """
    is_json = path.suffix.lower() in (".json", ".jsonl")
    for place, source in _json_documents(path, audit) if is_json else _xml_documents(path, audit):
        try:
            article = _from_json(source, place) if is_json else _from_xml(source[0], path, source[1])
        except MalformedError as error:
            audit.dropped(place, "document", "", str(error))
        else:
            yield _record(article, audit)


READER = Reader(read, Scheme(is_open=True), patterns=("*.xml", "*.json", "*.jsonl"), options={**SPANS, **DISCONTINUOUS})


def _xml_documents(path: Path, audit: Audit) -> Iterator[tuple[Place, Any]]:
    for element, before in read_elements(path, "document", audit):
        yield line_of(element, path, before), (element, before)


def _json_documents(path: Path, audit: Audit) -> Iterator[tuple[Place, Any]]:
    """The documents, also of collections in an array, which some services send."""
    for place, value in read_json(path, audit, keys=("documents", "PubTator3")):
        if has_types(value, {"documents": list}):
            yield from ((place, one) for one in value["documents"])
        else:
            yield place, value


def _record(article: Article, audit: Audit) -> Record:
    text, begins = joined([passage.text for passage in article.passages], BREAK)
    record = Record(text, article.place, name=article.id or None, is_explicit=False)
    record.key = record.name
    record.sentences = GIVEN if any(passage.starts for passage in article.passages) else RULE
    by_passage: dict[tuple[int, str], Entity] = {}
    by_id: dict[str, list[Entity]] = {}
    entities: list[Entity] = []
    for passage, begin in zip(article.passages, begins):
        record.starts += [begin + first for first in passage.starts or [0]]
        for annotation, entity in _entities(passage, begin, audit):
            key = passage.number, annotation.id
            if annotation.id and key in by_passage:
                audit.dropped(annotation.place, "line", "", "a second annotation with this id")
                continue
            entities.append(entity)
            by_passage[key] = entity
            by_id.setdefault(annotation.id, []).append(entity)
    known = {f"{number}/{name}": one for (number, name), one in by_passage.items()}
    known |= {f"/{name}": found[0] for name, found in by_id.items() if len(found) == 1}
    record.entities = entities
    record.links = resolve_links(_rows(article, known, audit), known, audit)
    return record


def _rows(article: Article, known: dict[str, Entity], audit: Audit) -> list[LinkRow]:
    """Relations by ids in which a passage's own annotations are told from those of the document: ids may begin anew in
    each passage."""
    rows: list[LinkRow] = []
    for relation in article.relations:
        label = relation.infons.get("type", "")
        if not relation.members:
            audit.note("relations between concepts, which name no mentions, not kept")
        elif len(relation.members) != 2 or not is_label(label):
            audit.dropped(relation.place, "relation", "", _NOT_TWO if is_label(label) else "a relation without a type")
        else:
            own = [f"{relation.passage}/{member}" for member in relation.members]
            ends = [name if name in known else f"/{member}" for name, member in zip(own, relation.members)]
            rows.append(LinkRow(label, ends[0], ends[1], relation.place))
    return rows


def _entities(passage: Passage, begin: int, audit: Audit) -> Iterator[tuple[Annotation, Entity]]:
    """The mentions in the text of the document, in which a passage begins at ``begin``."""
    mentions = []
    for one in passage.annotations:
        stretches = tuple((start - passage.offset, end - passage.offset) for start, end in one.locations)
        mentions.append((stretches, one.text or None))
    for annotation, fragments in zip(passage.annotations, located(passage.text, mentions, audit)):
        label = read_label(annotation.infons.get("type"), audit)
        if label is None or fragments is None:
            edges = [edge for start, end in annotation.locations for edge in (start, end)] or [-1]
            is_inside = passage.offset <= min(edges) <= max(edges) <= passage.offset + len(passage.text)
            reason = WRONG if is_inside else "the locations are outside the passage"
            reason = "an annotation without a type" if label is None else reason
            audit.dropped(annotation.place, "line", "", reason)
            continue
        flags = {"true": "", "false": "false"}
        infons = ((name, one) for name, one in annotation.infons.items() if name != "type")
        attributes = tuple((name, flags.get(value.lower(), value)) for name, value in infons)
        yield annotation, Entity(label, moved(fragments, begin), annotation.place, attributes)


def _joined(whole: Passage, sentences: list[Passage]) -> list[Passage]:
    """A passage with the annotations of its sentences; or, if it has no text of its own, these with its annotations."""
    if whole.text or not sentences:
        whole.annotations += [one for sentence in sentences for one in sentence.annotations]
        starts = {min(max(sentence.offset - whole.offset, 0), len(whole.text)) for sentence in sentences}
        whole.starts = sorted(starts)
        return [whole]
    for sentence in sentences:
        sentence.starts, sentence.number = [0], whole.number
    for annotation in whole.annotations:
        at = min((start for start, _ in annotation.locations), default=0)
        begun = [sentence for sentence in sentences if sentence.offset <= at]
        (begun or sentences)[-1].annotations.append(annotation)
    return sentences


def _from_xml(element: Element, path: Path, before: int) -> Article:
    article = Article(text_of(element, "id").strip(), line_of(element, path, before))
    holders: list[tuple[Element, int | None]] = [(element, None)]
    for number, passage in enumerate(children(element, "passage")):
        sentences = children(passage, "sentence")
        parts = [_passage(sentence, number, path, before) for sentence in sentences]
        article.passages += _joined(_passage(passage, number, path, before), parts)
        holders += [(holder, number) for holder in (passage, *sentences)]
    for holder, passage_number in holders:
        for relation in children(holder, "relation"):
            members = tuple(node.get("refid", "") for node in children(relation, "node"))
            place = line_of(relation, path, before)
            article.relations.append(ConceptRelation(_infons(relation), members, place, passage_number))
    return article


def _passage(element: Element, number: int, path: Path, before: int) -> Passage:
    annotations = []
    for one in children(element, "annotation"):
        places = [(_number(at.get("offset", "")), _number(at.get("length", ""))) for at in children(one, "location")]
        locations = tuple((offset, offset + length) for offset, length in places)
        place = line_of(one, path, before)
        annotations.append(Annotation(one.get("id", ""), text_of(one, "text"), _infons(one), locations, place))
    return Passage(_number(text_of(element, "offset")), text_of(element, "text"), annotations, number=number)


def _infons(element: Element) -> dict[str, str]:
    return {infon.get("key", ""): (infon.text or "") for infon in children(element, "infon")}


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise MalformedError("an offset or length that is no number from 0 to 999999999, which is not BioC")
    return int(text)


def _from_json(value: Any, place: Place) -> Article:
    """A document from decoded JSON, where any value may be of any type."""
    value = _typed(value, dict)
    if "passages" not in value:
        raise MalformedError("a document that is not BioC, for it has no passages: expected a JSON array of documents")
    article = Article(str(value.get("id", "")), place)
    holders: list[tuple[Any, int | None]] = [(value, None)]
    for number, passage in enumerate(_list(value, "passages")):
        sentences = _list(passage, "sentences")
        parts = [_json_passage(sentence, number, place) for sentence in sentences]
        article.passages += _joined(_json_passage(passage, number, place), parts)
        holders += [(holder, number) for holder in (passage, *sentences)]
    for holder, passage_number in holders:
        for relation in _list(holder, "relations"):
            members = tuple(str(_typed(node, dict).get("refid", "")) for node in _list(relation, "nodes"))
            article.relations.append(ConceptRelation(_json_infons(relation), members, place, passage_number))
    return article


def _json_passage(value: dict[str, Any], number: int, place: Place) -> Passage:
    annotations = []
    for one in _list(value, "annotations"):
        places = [(_whole(_typed(at, dict).get("offset")), _whole(at.get("length"))) for at in _list(one, "locations")]
        locations = tuple((offset, offset + length) for offset, length in places)
        text = _typed(one.get("text") or "", str)
        annotations.append(Annotation(str(one.get("id", "")), text, _json_infons(one), locations, place))
    return Passage(_whole(value.get("offset")), _typed(value.get("text") or "", str), annotations, number=number)


def _json_infons(value: dict[str, Any]) -> dict[str, str]:
    return {name: str(one) for name, one in _typed(value.get("infons") or {}, dict).items() if one is not None}


def _list(value: Any, name: str) -> list[Any]:
    """The list under a name of a JSON object, empty if there is none."""
    return list(_typed(_typed(value, dict).get(name) or [], list))


def _whole(value: Any) -> int:
    return _number(value if isinstance(value, str) else str(_typed(value, int)))


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise MalformedError("a document that is not BioC: a value of another type than BioC has there")
    return value
