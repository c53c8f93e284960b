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
from ..audit import Audit, Place, need, one_of
from ..formats.archive import read_documents
from ..formats.words import WRONG, located
from ..formats.xml import Element, line_of, local, parse_xml
from ..reader import Reader
from ..record import EXACT, Entity, Link, Record, joined, moved
from ..scheme import Scheme, own_names

TYPES = ("brand", "drug", "drug_n", "group")
LABELS = ("advise", "effect", "int", "mechanism")
_OFFSETS = re.compile(r"[0-9]{1,9}-[0-9]{1,9}(;[0-9]{1,9}-[0-9]{1,9})*")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The documents of a ``.zip`` archive, or the one of an XML file."""
    for place, content in read_documents(path, ".xml", audit):
        with audit.losing(place, "document"):
            yield _record(parse_xml(content, place, audit), place, audit)


READER = Reader(read, Scheme(types=own_names(*TYPES), relations=LABELS), suffixes=(".xml",))


def _record(root: Element, place: Place, audit: Audit) -> Record:
    """Raises LossError for a document without sentences."""
    sentences: list[Element] = []
    for element in root:
        with audit.losing(line_of(element, place.file)):
            has_text = bool(element.get("text", "").strip())
            is_sentence = local(element) == "sentence" and (has_text or not len(element))
            need(is_sentence, "expected a sentence, and no annotations where its text is empty")
            audit.note("empty sentences left out", int(not has_text))
            sentences += [element] * has_text
    text, starts = joined([element.get("text") for element in need(sentences, "a document without sentences")])
    name = root.get("id", "")
    record = Record(text, place, name=name, key=name, entities=[], links=[], starts=starts, sentences=EXACT)
    for sentence, at in zip(sentences, starts):
        known: dict[str, Entity] = {}
        for element in sentence:
            here = line_of(element, place.file)
            if local(element) == "entity":
                with audit.losing(here, ENTITIES):
                    known[element.get("id", "")] = _entity(element, sentence.get("text", ""), at, here, audit)
                    record.entities.append(known[element.get("id", "")])  # type: ignore[union-attr]
            elif local(element) == "pair":
                with audit.losing(here, RELATIONS):
                    record.links.append(_link(element, known, here))  # type: ignore[union-attr]
            else:
                audit.dropped(here, "line", "", "neither an entity nor a pair")
    return record


def _entity(element: Element, text: str, at: int, place: Place, audit: Audit) -> Entity:
    """An entity of a sentence with this text, which begins at ``at``. Raises LossError."""
    label, offsets = one_of(element.get("type"), TYPES), element.get("charOffset", "")
    numbers = [int(number) for number in re.split("[-;]", offsets)] if _OFFSETS.fullmatch(offsets) else []
    pieces = [(start, end + 1) for start, end in zip(numbers[::2], numbers[1::2])]
    fragments = located(text, [(pieces, element.get("text", ""))], audit)[0]
    return Entity(label, moved(need(fragments, WRONG, label=label), at), place)


def _link(pair: Element, known: Mapping[str, Entity], place: Place) -> Link:
    """A judged pair of the entities of a sentence, by their ids. Raises LossError."""
    ends = [known.get(pair.get(name)) for name in ("e1", "e2")]
    head, tail = (need(end, "an entity of the pair is lost or missing") for end in ends)
    does_interact = one_of(pair.get("ddi"), ("true", "false"), "ddi of a pair") == "true"
    return Link(one_of(pair.get("type"), LABELS, "type of interaction") if does_interact else None, head, tail, place)
