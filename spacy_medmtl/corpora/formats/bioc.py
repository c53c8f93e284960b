"""BioC in XML and in JSON: passages (or sentences in them) with offsets, annotations at them, relations by their ids.

XML is read as the JSON form of the same document. The text is made of the passages, parted by line breaks, whatever the
original had between them; each annotation is found by where it lies in its passage.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..audit import Audit, LossError, Place, need
from ..options import DISCONTINUOUS, KINDS, SPANS
from ..reader import Reader
from ..record import (
    GIVEN,
    RULE,
    Entity,
    Link,
    LinkRow,
    Record,
    is_label,
    is_offset,
    joined,
    moved,
    resolve_links,
)
from ..scheme import Scheme
from .json_files import read_json
from .json_values import has_types, whole
from .words import Copy, Mention, entities_at, located
from .xml import Element, line_of, local, read_elements

BREAK = "\n"
_LISTS = ("passage", "sentence", "annotation", "relation", "node", "location")  # in JSON their names have an s
_LINE = "line"  # of a value from XML: where its element stands
_TYPES = ("type", "entity_type", "relation_type", "relation", "label")
_NOT_TWO = "a relation of a number of mentions that is not two"
Value = dict[str, Any]  # an object of the JSON form


@dataclass
class Passage:
    """A stretch of text at its offset in the document, with annotations as the file gives them.

    ``starts``: where in it sentences begin, if the file says so. ``number``: of the passage in the document, which its
    sentences share.
    """

    offset: int
    text: str
    annotations: list[Value]
    number: int
    starts: list[int] = field(default_factory=list)


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """Yield the documents of a file: XML, or JSON in any shape (collections, arrays, one document, one a line).

    An annotation whose locations do not give its text is a loss.
    """
    for place, value in _documents(path, audit):
        with audit.losing(place, "document"):
            yield _record(value, place, audit)


SUFFIXES = (".xml", ".json", ".jsonl", ".bioc")
READER = Reader(read, Scheme(is_open=True), suffixes=SUFFIXES, options={**SPANS, **KINDS, **DISCONTINUOUS})


def _documents(path: Path, audit: Audit) -> Iterator[tuple[Place, Any]]:
    """The documents, also of collections in an array, which some services send."""
    if not _is_json(path):
        for element, before in read_elements(path, "document", audit):
            yield line_of(element, path, before), _json_form(element, before)
        return
    for place, value in read_json(path, audit, keys=("documents", "PubTator3")):
        if has_types(value, documents=list):
            yield from ((place, document) for document in value["documents"])
        else:
            yield place, value


def _is_json(path: Path) -> bool:
    """By its name or, of another than the usual ones, by how it begins."""
    if path.suffix.lower() in (".json", ".jsonl", ".xml"):
        return path.suffix.lower() != ".xml"
    with path.open("rb") as stream:
        return stream.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))


def _json_form(element: Element, before: int) -> Value:
    value: Value = {**element.attrib, _LINE: before + (element.sourceline or 1), "infons": {}}
    for child in element:
        name = local(child)
        if name in _LISTS:
            value.setdefault(f"{name}s", []).append(_json_form(child, before))
        elif name == "infon":
            value["infons"][child.get("key", "")] = child.text or ""
        else:
            value[name] = "".join(child.itertext())
    return {"passages": [], **value} if local(element) == "document" else value


def _record(document: Any, place: Place, audit: Audit) -> Record:
    """Raises LossError."""
    problem = "a document that is not BioC, for it has no passages: expected a JSON array of documents"
    need("passages" in _typed(document, dict), problem)
    passages: list[Passage] = []
    holders: list[tuple[Value, int | None]] = [(document, None)]
    for number, given in enumerate(_list(document, "passages")):
        sentences = _list(given, "sentences")
        passages += _joined(_passage(given, number), [_passage(sentence, number) for sentence in sentences])
        holders += [(holder, number) for holder in (given, *sentences)]
    if not passages:
        need(not _list(document, "annotations"), "a document without passages")
        passages = [Passage(0, "", [], 0)]
    _hand_down(_list(document, "annotations"), passages)
    text, begins = joined([passage.text for passage in passages], BREAK)
    name = str(document.get("id", "")).strip() or None
    record = Record(text, place, name=name, key=name, is_explicit=False, entities=[])
    record.sentences = GIVEN if any(passage.starts for passage in passages) else RULE
    known: dict[tuple[int, str], Entity] = {}
    again: set[tuple[int, str]] = set()
    for passage, begin in zip(passages, begins):
        record.starts += [begin + first for first in passage.starts or [0]]
        for identifier, entity in _entities(passage, begin, place, audit):
            if identifier and (passage.number, identifier) in known:
                again.add((passage.number, identifier))
            known[passage.number, identifier] = entity
            record.entities.append(entity)  # type: ignore[union-attr]
    audit.note("ids that several annotations have, which no relation can name", len(again))
    known = {key: entity for key, entity in known.items() if key not in again}
    record.links = _links(holders, known, place, audit)
    return record


def _passage(value: Value, number: int) -> Passage:
    annotations = _list(value, "annotations")
    offset = 0 if value.get("offset") is None else _whole(value["offset"])
    return Passage(offset, _typed(value.get("text") or "", str), annotations, number)


def _joined(whole: Passage, sentences: list[Passage]) -> list[Passage]:
    """A passage with the annotations of its sentences; or, if it has no text of its own, these with its annotations."""
    if whole.text or not sentences:
        whole.annotations += [annotation for sentence in sentences for annotation in sentence.annotations]
        starts = {min(max(sentence.offset - whole.offset, 0), len(whole.text)) for sentence in sentences}
        whole.starts = sorted(starts)
        return [whole]
    for sentence in sentences:
        sentence.starts = [0]
    _hand_down(whole.annotations, sentences)
    return sentences


def _hand_down(annotations: list[Value], passages: list[Passage]) -> None:
    """Give annotations to the passages in which they begin."""
    for annotation in annotations:
        at = min((start for start, _ in _locations(annotation)), default=0)
        begun = [passage for passage in passages if passage.offset <= at]
        (begun or passages)[-1].annotations.append(annotation)


def _entities(passage: Passage, begin: int, place: Place, audit: Audit) -> Iterator[tuple[str, Entity]]:
    """The mentions, by their ids, in the text of the document, in which a passage begins at ``begin``."""
    in_text = [annotation for annotation in passage.annotations if _list(annotation, "locations")]
    audit.note("annotations of a document, at no place in its text", len(passage.annotations) - len(in_text))
    flags = {"true": "", "false": "false"}
    mentions: list[Mention] = []
    for annotation in in_text:
        infons, words = _infons(annotation), _typed(annotation.get("text") or "", str) or None
        label = infons.pop(_name_of_type(infons), None)
        attributes = tuple((name, flags.get(said.lower(), said)) for name, said in infons.items())
        mentions.append(Mention(_locations(annotation), words, label, _place(annotation, place), attributes))
    mentions = _in_passage(mentions, passage, audit)
    for annotation, entity in zip(in_text, entities_at(passage.text, mentions, audit)):
        if entity is not None:
            yield str(annotation.get("id", "")), replace(entity, fragments=moved(entity.fragments, begin))


def _in_passage(mentions: list[Mention], passage: Passage, audit: Audit) -> list[Mention]:
    """The mentions by the characters of their passage. Some programs count them so in the file already, which shows
    where they fit so, and not as characters of the document."""
    counted = [replace(one, stretches=moved(one.stretches, -passage.offset)) for one in mentions]
    if not passage.offset or None not in located(passage.text, _copies(counted), Audit()):
        return counted
    if None in located(passage.text, _copies(mentions), Audit()):
        return counted
    audit.note("annotations whose offsets count from their passage", len(mentions))
    return mentions


def _copies(mentions: list[Mention]) -> list[Copy]:
    return [(one.stretches, one.words) for one in mentions]


def _name_of_type(infons: dict[str, str]) -> str:
    """The infon that holds a type: ``type``, or what other programs call it."""
    by_name = {name.lower().replace(" ", "_"): name for name in reversed(infons)}
    return next((by_name[name] for name in _TYPES if name in by_name), "type")


def _links(
    holders: list[tuple[Value, int | None]], entities: dict[tuple[int, str], Entity], place: Place, audit: Audit
) -> list[Link]:
    """Relations by ids, those of a passage's own annotations before those of the document: ids may begin anew in each
    passage."""
    known = {f"{number}/{identifier}": entity for (number, identifier), entity in entities.items()}
    n_with = Counter(identifier for _, identifier in entities)
    known |= {f"/{identifier}": entity for (_, identifier), entity in entities.items() if n_with[identifier] == 1}
    rows: list[LinkRow] = []
    for holder, number in holders:
        for relation in _list(holder, "relations"):
            infons, here = _infons(relation), _place(relation, place)
            label = infons.get(_name_of_type(infons), "")
            members = [str(node.get("refid", "")) for node in _list(relation, "nodes")]
            if not members or "role1" in infons:  # PubTator 3 names the two concepts there
                audit.note("relations between concepts, which name no mentions, not kept")
            elif len(members) != 2 or not is_label(label):
                audit.dropped(here, "relation", "", _NOT_TWO if is_label(label) else "a relation without a type")
            else:
                own = [f"{number}/{member}" for member in members]
                ends = [name if name in known else f"/{member}" for name, member in zip(own, members)]
                rows.append(LinkRow(label, ends[0], ends[1], here))
    return resolve_links(rows, known, audit)


def _place(value: Value, place: Place) -> Place:
    """Where a value stands: its line in XML, in JSON only that of the document is known."""
    return Place(place.file, value[_LINE]) if type(value.get(_LINE)) is int else place


def _locations(annotation: Value) -> list[tuple[int, int]]:
    edges = [(_whole(at.get("offset")), _whole(at.get("length"))) for at in _list(annotation, "locations")]
    return [(offset, offset + length) for offset, length in edges]


def _infons(value: Value) -> dict[str, str]:
    return {name: str(said) for name, said in _typed(value.get("infons") or {}, dict).items() if said is not None}


def _list(value: Any, name: str) -> list[Value]:
    """The objects of a list under a name of an object; none if there is no such list."""
    return [_typed(member, dict) for member in _typed(_typed(value, dict).get(name) or [], list)]


def _whole(value: Any) -> int:
    number = whole(value)
    if number is None or not is_offset(str(number)):
        raise LossError("an offset or length that is missing or no number from 0 to 999999999, which is not BioC")
    return number


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise LossError("a document that is not BioC: a value of another type than BioC has there")
    return value
