"""DDI 2013: drugs and their interactions, in texts of DrugBank and abstracts.

A ``<document id>`` holds ``<sentence text>``, that ``<entity id charOffset type text>`` and ``<pair e1 e2 ddi type>``.
``charOffset`` counts characters of the sentence, the last one included; ``;`` parts the pieces of a discontinuous name,
which becomes one span from its first to its last character. Every two entities of a sentence are a ``pair``; those
that do not interact (``ddi="false"``) are kept as judged pairs without a label.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...annotations.groups import ENTITIES, RELATIONS
from ..audit import Audit, Place
from ..formats.archive import opened
from ..formats.words import located
from ..formats.xml import Element, line_of, local, parse_xml
from ..reader import Reader
from ..record import EXACT, Bounds, Entity, Link, Record, joined, moved
from ..scheme import Scheme, own_names

TYPES = ("brand", "drug", "drug_n", "group")
LABELS = ("advise", "effect", "int", "mechanism")
_OFFSETS = re.compile(r"[0-9]{1,9}-[0-9]{1,9}(;[0-9]{1,9}-[0-9]{1,9})*")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The documents of a ``.zip`` archive, or the one of an XML file."""
    for place, content in _documents(path, audit):
        root = parse_xml(content, place, audit)
        if root is not None:
            record = _record(root, place, audit)
            if record is None:
                audit.dropped(place, "document", "", "a document without sentences")
            else:
                yield record


READER = Reader(read, Scheme(types=own_names(*TYPES), relations=LABELS), suffixes=(".xml",))


def _documents(path: Path, audit: Audit) -> Iterator[tuple[Place, bytes]]:
    if path.suffix.lower() != ".zip":
        yield Place(path, 1), path.read_bytes()
        return
    with opened(path, audit) as archive:
        for name in archive.members if archive is not None else ():
            if not name.endswith(".xml"):
                audit.dropped(archive.place(name), "document", "", "not an .xml member")  # type: ignore[union-attr]
                continue
            content = archive.read(name)  # type: ignore[union-attr]
            if content is not None:
                yield archive.place(name), content  # type: ignore[union-attr]


def _record(root: Element, place: Place, audit: Audit) -> Record | None:
    sentences: list[Element] = []
    for element in root:
        words = element.get("text", "")
        if local(element) != "sentence" or (len(element) and not words.strip()):
            reason = "expected a sentence, and no annotations where its text is empty"
            audit.dropped(line_of(element, place.file), "line", "", reason)
        elif not words.strip():
            audit.note("empty sentences left out")
        else:
            sentences.append(element)
    text, starts = joined([element.get("text") for element in sentences])
    name = root.get("id", "")
    record = Record(text, place, name=name, key=name, entities=[], links=[], starts=starts, sentences=EXACT)
    for element, at in zip(sentences, starts):
        _annotate(record, element, at, place.file, audit)
    return record if sentences else None


def _annotate(record: Record, sentence: Element, at: int, path: Path, audit: Audit) -> None:
    """Add the entities and pairs of a sentence that begins at ``at``."""
    entities: list[Entity] = []
    links: list[Link] = []
    known: dict[str, Entity] = {}
    for element in sentence:
        here = line_of(element, path)
        if local(element) == "entity":
            if element.get("type") not in TYPES:
                audit.dropped(here, ENTITIES, "", f"an unknown label: expected {' or '.join(TYPES)}")
                continue
            fragments = _fragments(element, sentence.get("text", ""), audit)
            if fragments is None:
                audit.dropped(here, ENTITIES, element.get("type"), "the offsets do not give the words of the entity")
                continue
            entity = Entity(element.get("type"), moved(fragments, at), here)
            known[element.get("id", "")] = entity
            entities.append(entity)
        elif local(element) == "pair":
            problem = _problem(element, known)
            if problem:
                audit.dropped(here, RELATIONS, "", problem)
                continue
            label = element.get("type") if element.get("ddi") == "true" else None
            links.append(Link(label, known[element.get("e1")], known[element.get("e2")], here))
        else:
            audit.dropped(here, "line", "", "neither an entity nor a pair")
    record.entities = [*(record.entities or ()), *entities]
    record.links = [*(record.links or ()), *links]


def _fragments(entity: Element, text: str, audit: Audit) -> tuple[Bounds, ...] | None:
    """The characters of the pieces of an entity, ends exclusive; None if they are not its words."""
    offsets = entity.get("charOffset", "")
    if not _OFFSETS.fullmatch(offsets):
        return None
    numbers = [int(number) for number in re.split("[-;]", offsets)]
    pieces = [(start, end + 1) for start, end in zip(numbers[::2], numbers[1::2])]
    return located(text, [(pieces, entity.get("text", ""))], audit)[0]


def _problem(pair: Element, known: Mapping[str, Entity]) -> str:
    """What is wrong with a pair, or nothing."""
    if pair.get("e1") not in known or pair.get("e2") not in known:
        return "an entity of the pair is lost or missing"
    if pair.get("ddi") not in ("true", "false"):
        return "a pair whose ddi is not 'true' or 'false'"
    if pair.get("ddi") == "true" and pair.get("type") not in LABELS:
        return f"an interaction without a known type: expected one of {', '.join(LABELS)}"
    return ""
