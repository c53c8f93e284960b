"""i2b2 2012: discharge summaries with events, times and temporal links (``tagged_xml``).

Entities are the EVENTs by type, the TIMEX3s by type, and the SECTIMEs (times of admission and discharge). Findings are
the EVENTs of type PROBLEM:

| modality              | polarity | status   | modifiers    |
| --------------------- | -------- | -------- | ------------ |
| FACTUAL               | POS      | positive |              |
| FACTUAL               | NEG      | negative |              |
| POSSIBLE              | either   | unknown  | uncertain    |
| CONDITIONAL, PROPOSED | either   | unknown  | hypothetical |

The other modifiers are not annotated. Modality and polarity of other events are not used, which the audit counts.

Relations are the TLINKs, in the three types to which the challenge merged eight. Annotators linked what they found
worth a link, so a pair without one was not judged, and no pair counts as having none.
"""

from collections.abc import Iterator
from pathlib import Path

from ...annotations.groups import ENTITIES, FINDINGS, RELATIONS
from ..audit import Audit, Place
from ..reader import Reader
from ..record import GIVEN, Attributes, Entity, LinkRow, Record, asserted, line_starts, resolve_links
from ..scheme import BOTH, FINDING, Scheme
from .tagged_xml import Tag, TaggedText, read_tagged

PROBLEM, SECTIME, LINK = "PROBLEM", "SECTIME", "TLINK"
TYPES = {
    "EVENT": (PROBLEM, "TEST", "TREATMENT", "CLINICAL_DEPT", "EVIDENTIAL", "OCCURRENCE"),
    "TIMEX3": ("DATE", "TIME", "DURATION", "FREQUENCY"),
    SECTIME: ("ADMISSION", "DISCHARGE"),
}
# The label of an event or a time is its type, that of a SECTIME the element
LABELS = {name: name.capitalize() for name in (*TYPES["EVENT"], *TYPES["TIMEX3"])} | {SECTIME: "Section_time"}
STATUSES: dict[tuple[str, str], Attributes] = {
    ("FACTUAL", "POS"): asserted("positive"),
    ("FACTUAL", "NEG"): asserted("negative"),
    **{("POSSIBLE", sign): asserted("unknown", ["uncertain"]) for sign in ("POS", "NEG")},
    **{
        (name, sign): asserted("unknown", ["hypothetical"])
        for name in ("CONDITIONAL", "PROPOSED")
        for sign in ("POS", "NEG")
    },
}
LINKS = {
    **dict.fromkeys(("BEFORE", "ENDED_BY", "BEFORE_OVERLAP"), "BEFORE"),
    **dict.fromkeys(("AFTER", "BEGUN_BY"), "AFTER"),
    **dict.fromkeys(("OVERLAP", "SIMULTANEOUS", "DURING"), "OVERLAP"),
}


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of an ``.xml``, its lines as sentences. Raises MedmtlError E401 at the first loss in stop mode."""
    content = read_tagged(path, audit)
    if content is None:
        return
    entities: list[Entity] = []
    by_id: dict[str, Entity] = {}
    for tag in content.tags:
        entity = _entity(tag, audit)
        if entity is not None:
            entities.append(entity)
            by_id.setdefault(tag.attributes.get("id", "").strip(), entity)
            if tag.name == SECTIME:  # links call it by its type or by its id
                by_id.setdefault(tag.value("type").capitalize(), entity)
    by_id.pop("", None)
    links = resolve_links(_links(content, audit), by_id, audit)
    starts = line_starts(content.text)
    record = Record(content.text, Place(path, 1), key=path.stem, entities=entities, links=links, starts=starts)
    record.sentences = GIVEN
    yield record


READER = Reader(
    read,
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


def _entity(tag: Tag, audit: Audit) -> Entity | None:
    """The entity of a tag; None for a link. A tag of an unknown name or type, or at a wrong place, is a loss."""
    kind = tag.value("type")
    if tag.name not in TYPES:
        if tag.name != LINK:
            audit.dropped(tag.place, "line", "", f"an unknown element: expected one of {', '.join((*TYPES, LINK))}")
        return None
    if kind not in TYPES[tag.name]:
        expected = ", ".join(TYPES[tag.name])
        audit.dropped(tag.place, ENTITIES, "", f"an unknown type of {tag.name}: expected one of {expected}")
        return None
    label = SECTIME if tag.name == SECTIME else kind
    if tag.bounds is None:
        audit.dropped(tag.place, ENTITIES, LABELS[label], "the offsets do not give the words of the element")
        return None
    return Entity(label, (tag.bounds,), tag.place, _status(tag, label, audit))


def _status(tag: Tag, label: str, audit: Audit) -> Attributes:
    said = STATUSES.get((tag.value("modality"), tag.value("polarity")))
    if label != PROBLEM:
        audit.note("modality and polarity of events that are no problems, not used", int(tag.name == "EVENT"))
    elif said is None:
        expected = "modality FACTUAL, POSSIBLE, CONDITIONAL or PROPOSED, and polarity POS or NEG"
        audit.dropped(tag.place, FINDINGS, FINDING, f"an unknown value: expected {expected}", tag.bounds or ())
    else:
        return said
    return ()


def _links(content: TaggedText, audit: Audit) -> Iterator[LinkRow]:
    for tag in content.tags:
        label = LINKS.get(tag.value("type"))
        if tag.name == LINK and label is None:
            audit.dropped(tag.place, RELATIONS, "", f"an unknown relation: expected {' or '.join(LINKS)}")
        elif tag.name == LINK and label is not None:
            head, tail = (tag.attributes.get(name, "").strip() for name in ("fromID", "toID"))
            yield LinkRow(label, head, tail, tag.place)
