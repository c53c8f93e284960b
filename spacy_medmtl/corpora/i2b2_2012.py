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

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES, FINDINGS
from .audit import Audit, Place
from .entities import write_mentions
from .entity_relations import Entity, Relation, write_entity_relations
from .findings import LABEL, FindingMention, write_findings
from .formats.tagged_xml import Tag, TaggedText, read_tagged
from .texts import split_lines, text_doc

PROBLEM = "PROBLEM"
SECTIME = "SECTIME"
LINK = "TLINK"
TYPES = {
    "EVENT": (PROBLEM, "TEST", "TREATMENT", "CLINICAL_DEPT", "EVIDENTIAL", "OCCURRENCE"),
    "TIMEX3": ("DATE", "TIME", "DURATION", "FREQUENCY"),
    SECTIME: ("ADMISSION", "DISCHARGE"),
}
# The label of an event or a time is its type, that of a SECTIME the element
LABELS = {name: name.capitalize() for name in (*TYPES["EVENT"], *TYPES["TIMEX3"])} | {SECTIME: "Section_time"}
STATUS: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("FACTUAL", "POS"): ("positive", ()),
    ("FACTUAL", "NEG"): ("negative", ()),
    **{("POSSIBLE", polarity): ("unknown", ("uncertain",)) for polarity in ("POS", "NEG")},
    **{(name, sign): ("unknown", ("hypothetical",)) for name in ("CONDITIONAL", "PROPOSED") for sign in ("POS", "NEG")},
}
JUDGED = ["uncertain", "hypothetical"]
LINKS = {
    **dict.fromkeys(("BEFORE", "ENDED_BY", "BEFORE_OVERLAP"), "BEFORE"),
    **dict.fromkeys(("AFTER", "BEGUN_BY"), "AFTER"),
    **dict.fromkeys(("OVERLAP", "SIMULTANEOUS", "DURING"), "OVERLAP"),
}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each ``.xml``. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        content = read_tagged(path, audit)
        doc = text_doc(nlp, content.text, path.stem, audit, Place(path, 1)) if content is not None else None
        if content is not None and doc is not None:
            _annotate(doc, content, audit)
            yield doc


def _annotate(doc: Doc, content: TaggedText, audit: Audit) -> None:
    found = list(_entities(content, audit))
    entities = [entity for _, entity in found]
    write_mentions(doc, entities, LABELS, audit)
    split_lines(doc, audit, whole=doc.spans[ENTITIES])
    write_findings(doc, _findings(found, audit), audit, labels=[LABEL], modifiers=JUDGED)
    # Links call a SECTIME by its type or by its id
    by_type = [replace(entity, id=tag.value("type").capitalize()) for tag, entity in found if tag.name == SECTIME]
    write_entity_relations(doc, [*entities, *by_type], _links(content), audit, labels=LINKS)


def _entities(content: TaggedText, audit: Audit) -> Iterator[tuple[Tag, Entity]]:
    """The tags that are entities. Elements of unknown names are a loss as well."""
    for tag in content.tags:
        kind, stretch = tag.value("type"), content.stretch(tag)
        if tag.name not in TYPES:
            if tag.name != LINK:
                expected = ", ".join((*TYPES, LINK))
                audit.dropped(tag.place, "line", "", f"an unknown element: expected one of {expected}")
        elif kind not in TYPES[tag.name]:
            expected = ", ".join(TYPES[tag.name])
            audit.dropped(tag.place, ENTITIES, "", f"an unknown type of {tag.name}: expected one of {expected}")
        else:
            label = SECTIME if tag.name == SECTIME else kind
            if stretch is None:
                reason = "the offsets do not give the words of the element"
                audit.dropped(tag.place, ENTITIES, LABELS[label], reason)
            else:
                yield tag, Entity(*stretch, label, tag.place, tag.attributes.get("id", "").strip())


def _findings(found: Sequence[tuple[Tag, Entity]], audit: Audit) -> Iterator[FindingMention]:
    for tag, entity in found:
        judgement = STATUS.get((tag.value("modality"), tag.value("polarity")))
        if entity.label != PROBLEM:
            audit.note("modality and polarity of events that are no problems, not used", int(tag.name == "EVENT"))
        elif judgement is None:
            expected = "modality FACTUAL, POSSIBLE, CONDITIONAL or PROPOSED, and polarity POS or NEG"
            offsets = entity.start, entity.end
            audit.dropped(tag.place, FINDINGS, LABEL, f"an unknown value: expected {expected}", offsets)
        else:
            yield FindingMention(entity.start, entity.end, LABEL, tag.place, *judgement)


def _links(content: TaggedText) -> Iterator[Relation]:
    for tag in content.tags:
        if tag.name == LINK:
            head, tail = (tag.attributes.get(name, "").strip() for name in ("fromID", "toID"))
            yield Relation(head, tail, tag.value("type"), tag.place)
