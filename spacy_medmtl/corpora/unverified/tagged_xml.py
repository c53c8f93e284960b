"""i2b2 2012 (events, times and temporal links) and 2014 (protected health information): one text with flat annotations
behind it, ``<x><TEXT>...</TEXT><TAGS><NAME start="3" end="7" .../>...</TAGS></x>``, as the tool MAE writes it.

Offsets count characters of TEXT as an XML parser gives it (its first line feed included, line ends as single line
feeds).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...annotations.groups import ENTITIES, FINDINGS, RELATIONS
from ..audit import Audit, LossError, Place, need, one_of
from ..formats.words import WRONG, located
from ..formats.xml import children, in_utf8, line_of, local, parse_xml
from ..reader import Reader
from ..record import (
    GIVEN,
    Attributes,
    Bounds,
    Entity,
    LinkRow,
    Record,
    asserted,
    is_offset,
    line_starts,
    resolve_links,
)
from ..scheme import BOTH, FINDING, Scheme, own_names

TEXT, TAGS = "TEXT", "TAGS"
PROBLEM, SECTIME, LINK = "PROBLEM", "SECTIME", "TLINK"
TYPES = {
    "EVENT": (PROBLEM, "TEST", "TREATMENT", "CLINICAL_DEPT", "EVIDENTIAL", "OCCURRENCE"),
    "TIMEX3": ("DATE", "TIME", "DURATION", "FREQUENCY"),
    SECTIME: ("ADMISSION", "DISCHARGE"),
}
# The label of an event or a time is its type, that of a SECTIME (a time of admission or discharge) the element
LABELS = {name: name.capitalize() for name in (*TYPES["EVENT"], *TYPES["TIMEX3"])} | {SECTIME: "Section_time"}
SIGNS = ("POS", "NEG")
STATUSES: dict[tuple[str, str], Attributes] = {
    ("FACTUAL", "POS"): asserted("positive"),
    ("FACTUAL", "NEG"): asserted("negative"),
    **{("POSSIBLE", sign): asserted("unknown", ["uncertain"]) for sign in SIGNS},
    **{(name, sign): asserted("unknown", ["hypothetical"]) for name in ("CONDITIONAL", "PROPOSED") for sign in SIGNS},
}
# The types to which the challenge merged eight
LINKS = {
    **dict.fromkeys(("BEFORE", "ENDED_BY", "BEFORE_OVERLAP"), "BEFORE"),
    **dict.fromkeys(("AFTER", "BEGUN_BY"), "AFTER"),
    **dict.fromkeys(("OVERLAP", "SIMULTANEOUS", "DURING"), "OVERLAP"),
}
PHI_TYPES = (
    *("PATIENT", "DOCTOR", "USERNAME", "PROFESSION", "AGE", "DATE"),
    *("ROOM", "DEPARTMENT", "HOSPITAL", "ORGANIZATION", "STREET", "CITY", "STATE", "COUNTRY", "ZIP", "LOCATION-OTHER"),
    *("PHONE", "FAX", "EMAIL", "URL", "IPADDR"),
    *("SSN", "MEDICALRECORD", "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "BIOID", "IDNUM", "OTHER"),
)
_BARE = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)", re.DOTALL)


@dataclass(frozen=True)
class Tag:
    """An element in TAGS: its name in upper case, its attributes by their names in lower case, and the characters that
    it marks (None if its offsets do not give the words that it repeats)."""

    name: str
    attributes: dict[str, str]
    bounds: Bounds | None
    place: Place

    def value(self, name: str) -> str:
        """An attribute in upper case without blanks at the edges; empty if it is not there."""
        return self.attributes.get(name.lower(), "").strip().upper()


def read_tagged(path: Path, audit: Audit) -> tuple[str, list[Tag]]:
    """The text and the tags of a file, in its order. Raises LossError unless it is whole and has one text."""
    data, n_bare = _repaired(in_utf8(path.read_bytes()))
    root = parse_xml(data, Place(path, 1), audit)
    texts = children(root, TEXT)
    elements = [element for tags in children(root, TAGS) for element in tags]
    is_whole = len(texts) == 1 and ((texts[0].text or "").strip() or not elements)
    need(is_whole, "expected one <TEXT> with a text below the root of the file")
    inner = next((child for element in (*texts, *elements) for child in element), None)
    if inner is not None:
        raise LossError(f"an element inside of <{TEXT}> or of a tag", place=line_of(inner, path))
    audit.note("bare '&' in XML read as '&amp;'", n_bare)
    text: str = texts[0].text or ""
    given = [{name.lower(): value for name, value in element.attrib.items()} for element in elements]
    mentions = [([_edges(attributes)], attributes.get("text")) for attributes in given]
    tags = [
        Tag(local(element).upper(), attributes, fragments[0] if fragments else None, line_of(element, path))
        for element, attributes, fragments in zip(elements, given, located(text, mentions, audit))
    ]
    ids = Counter(tag.attributes["id"] for tag in tags if tag.attributes.get("id"))
    audit.note("ids of tags that occur again", sum(ids.values()) - len(ids))
    return text, tags


def _edges(attributes: Mapping[str, str]) -> Bounds:
    """The offsets of a tag; what no text has if they are no numbers."""
    edges = [attributes.get(name, "").strip() for name in ("start", "end")]
    return (int(edges[0]), int(edges[1])) if all(map(is_offset, edges)) else (-1, -1)


def _repaired(data: bytes) -> tuple[bytes, int]:
    """The file with bare ``&`` escaped outside of CDATA, and how many those were. Lines stay where they are."""
    n_bare = sum(match[0] == b"&" for match in _BARE.finditer(data))
    return _BARE.sub(lambda match: b"&amp;" if match[0] == b"&" else match[0], data), n_bare


def read_2012(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of an ``.xml``, its lines as sentences. Annotators linked what they found worth a link, so a pair
    without one was not judged, and no pair counts as having none."""
    with audit.losing(Place(path, 1), "document"):
        text, tags = read_tagged(path, audit)
        entities: list[Entity] = []
        by_id: dict[str, Entity] = {}
        for tag in tags:
            with audit.losing(tag.place, ENTITIES):
                if tag.name != LINK:
                    entity = _entity(tag, audit)
                    entities.append(entity)
                    by_id.setdefault(tag.attributes.get("id", "").strip(), entity)
                    if tag.name == SECTIME:  # links call it by its type or by its id
                        by_id.setdefault(tag.value("type").capitalize(), entity)
        by_id.pop("", None)
        links = resolve_links(_links(tags, audit), by_id, audit)
        starts, place = line_starts(text), Place(path, 1)
        yield Record(text, place, key=path.stem, entities=entities, links=links, starts=starts, sentences=GIVEN)


def _entity(tag: Tag, audit: Audit) -> Entity:
    """Raises LossError for a tag of an unknown name or type, or at a wrong place."""
    types = TYPES[one_of(tag.name, TYPES, "element", "line")]
    kind = one_of(tag.value("type"), types, f"type of {tag.name}")
    label = SECTIME if tag.name == SECTIME else kind
    return Entity(label, (need(tag.bounds, WRONG, label=LABELS[label]),), tag.place, _status(tag, label, audit))


def _status(tag: Tag, label: str, audit: Audit) -> Attributes:
    said = STATUSES.get((tag.value("modality"), tag.value("polarity")))
    if label != PROBLEM:
        audit.note("modality and polarity of events that are no problems, not used", int(tag.name == "EVENT"))
    elif said is None:
        expected = "modality FACTUAL, POSSIBLE, CONDITIONAL or PROPOSED, and polarity POS or NEG"
        audit.dropped(tag.place, FINDINGS, FINDING, f"an unknown value: expected {expected}", tag.bounds or ())
    return said or () if label == PROBLEM else ()


def _links(tags: Sequence[Tag], audit: Audit) -> Iterator[LinkRow]:
    for tag in tags:
        with audit.losing(tag.place, RELATIONS):
            if tag.name == LINK:
                label = LINKS[one_of(tag.value("type"), LINKS, "relation")]
                head, tail = (tag.attributes.get(name, "").strip() for name in ("fromid", "toid"))
                yield LinkRow(label, head, tail, tag.place)


def read_2014(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of an ``.xml``. The element names the category (NAME, LOCATION, ...), TYPE what is marked (PATIENT,
    CITY, ...). ``220-03.xml`` is the third record of patient 220; the records of a patient stay together in a split."""
    with audit.losing(Place(path, 1), "document"):
        text, tags = read_tagged(path, audit)
        entities: list[Entity] = []
        for tag in tags:
            with audit.losing(tag.place, ENTITIES):
                label = one_of(tag.value("TYPE"), PHI_TYPES)
                entities.append(Entity(label, (need(tag.bounds, WRONG, label=label),), tag.place))
        yield Record(text, Place(path, 1), key=path.stem.partition("-")[0], entities=entities)


READER_2012 = Reader(
    read_2012,
    Scheme(
        group=BOTH,
        types=LABELS,
        finding_types=(PROBLEM,),
        finding_label=FINDING,
        default_status=None,
        modifiers=("uncertain", "hypothetical"),
        relations=("BEFORE", "AFTER", "OVERLAP"),
    ),
    suffixes=(".xml",),
)
READER_2014 = Reader(read_2014, Scheme(types=own_names(*PHI_TYPES)), suffixes=(".xml",))
