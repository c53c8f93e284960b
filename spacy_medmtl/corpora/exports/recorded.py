"""From Docs back to records, which the export formats write. What no record holds is counted."""

from collections import Counter

from spacy.tokens import Doc, Span

from ...annotations.groups import (
    ANNOTATED_LABELS,
    ENTITIES,
    ENTS,
    FINDINGS,
    GIVEN_SPANS_ONLY,
    INTENTS,
    RELATIONS,
    TURNS,
    entity_spans,
    group_values,
)
from ...annotations.relations import read_pairs
from ..audit import Place
from ..record import EXACT, Attributes, Bounds, Entity, Link, Record, asserted
from ..scheme import FINDINGS_ONLY, GROUP, NER

Told = Counter  # what a format cannot hold -> how often


def record_of(doc: Doc, place: Place, told: "Told[str]") -> Record:
    """The record that a reader would have given for a Doc. Raises MedmtlError E103 or E104 for a damaged group.

    A finding that is no entity says so by the attribute ``group``, and so does an entity that is none of the findings
    that its Doc has.
    """
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    record = Record(doc.text, place, words=words, spaces=None if doc.has_unknown_spaces else spaces)
    entities = _entities(doc, place)
    record.entities = None if entities is None else list(entities.values())
    record.has_findings_only = FINDINGS in doc.spans and ENTITIES not in doc.spans and not doc.ents
    if record.entities is not None:
        own = {entity.label for entity in record.entities}  # of doc.ents too
        record.declared_labels = sorted(own.union(*(labels_of(doc, key) for key in (ENTITIES, FINDINGS))))
    if RELATIONS in doc.spans:
        by_bounds: dict[Bounds, Entity] = {}
        for (start, end, _), entity in (entities or {}).items():
            by_bounds.setdefault((start, end), entity)
        record.links = _links(doc, by_bounds, place)
    if doc.cats:
        record.classes = [label for label, value in doc.cats.items() if value >= 0.5]
    if INTENTS in doc.spans:
        record.units = [((span.start_char, span.end_char), span.label_) for span in doc.spans[INTENTS]]
    if TURNS in doc.spans:
        record.turns = _turns(doc)
    if doc.has_annotation("SENT_START"):
        record.starts, record.sentences = [sent.start_char for sent in doc.sents], EXACT
    _tell(doc, told)
    return record


def labels_of(doc: Doc, key: str) -> list[str]:
    """The labels that a Doc has or was judged for under a key."""
    if key not in doc.spans:
        return []
    return [*doc.spans[key].attrs.get(ANNOTATED_LABELS, ()), *(span.label_ for span in doc.spans[key])]


def _entities(doc: Doc, place: Place) -> dict[tuple[int, int, str], Entity] | None:
    """Entities and findings by tokens and label; None if the Doc is annotated with neither. The entities of a Doc of
    spaCy's own tools are its ``doc.ents``."""
    key = ENTITIES if ENTITIES in doc.spans or not doc.ents else ENTS
    if key not in (*doc.spans, ENTS) and FINDINGS not in doc.spans:
        return None
    plain = entity_spans(doc, key)
    findings = list(doc.spans.get(FINDINGS, ()))
    statuses = group_values(doc, FINDINGS, "assertion") or [""] * len(findings)
    modifiers = group_values(doc, FINDINGS, "assertion_modifiers") or [()] * len(findings)
    said: dict[tuple[int, int, str], Attributes] = {}
    for span, status, held in zip(findings, statuses, modifiers, strict=True):
        said[span.start, span.end, span.label_] = asserted(status, held) if status else ()
    has_both = FINDINGS in doc.spans and key in (*doc.spans, ENTS)
    is_known = has_both and ANNOTATED_LABELS in doc.spans[FINDINGS].attrs
    of_findings = set(labels_of(doc, FINDINGS)) if is_known else None
    entities: dict[tuple[int, int, str], Entity] = {}
    for mention in [*plain, *(finding for finding in said if finding not in set(plain))]:
        attributes = said.get(mention, ())
        if has_both and mention not in said and (of_findings is None or mention[2] in of_findings):
            attributes = ((GROUP, NER),)
        elif mention not in set(plain):
            attributes += ((GROUP, FINDINGS_ONLY),)
        span = Span(doc, mention[0], mention[1])
        entities[mention] = Entity(mention[2], ((span.start_char, span.end_char),), place, attributes)
    return entities


def _links(doc: Doc, by_bounds: dict[Bounds, Entity], place: Place) -> list[Link]:
    links: list[Link] = []
    for pair in read_pairs(doc):
        ends: list[Entity] = []
        for bounds in (pair.head, pair.tail):
            span = Span(doc, *bounds)
            ends.append(by_bounds.get(bounds, Entity("", ((span.start_char, span.end_char),), place)))
        links += [Link(label, ends[0], ends[1], place, pair.score) for label in pair.labels or (None,)]
    return links


def _turns(doc: Doc) -> list[tuple[int, str | None]]:
    """Where each turn begins and who speaks; None where somebody's turn ends and nobody goes on."""
    turns: list[tuple[int, str | None]] = []
    speakers = group_values(doc, TURNS, "speakers") or [""] * len(doc.spans[TURNS])
    end = 0
    for turn, speaker in zip(doc.spans[TURNS], speakers):
        if turn.start > end:
            turns.append((doc[end].idx, None))
        turns.append((turn.start_char, str(speaker)))
        end = turn.end
    return [*turns, (doc[end].idx, None)] if end < len(doc) else turns


def tell_unheld(record: Record, told: "Told[str]") -> None:
    """Count what a format of spans alone cannot hold."""
    told["intents"] += len(record.units or ())
    told["turns"] += sum(speaker is not None for _, speaker in record.turns or ())
    told["classes of documents"] += len(record.classes or ())


def _tell(doc: Doc, told: "Told[str]") -> None:
    if ENTITIES in doc.spans:
        beside = set(entity_spans(doc, ENTS)) - set(entity_spans(doc, ENTITIES))
        told["entities of doc.ents, beside those of medmtl_ner"] += len(beside)
    told["concepts of entities (kb_id)"] += sum(span.kb_id != 0 for span in doc.ents)
    for key, group in doc.spans.items():
        if key not in (ENTITIES, FINDINGS, RELATIONS, INTENTS, TURNS):
            told[f"spans of the group {key}"] += len(group)
        if key in (ENTITIES, FINDINGS, INTENTS) and "scores" in group.attrs:
            told[f"scores of {key}"] += len(group)
        if group.attrs.get(GIVEN_SPANS_ONLY):
            told["documents in which only the given spans were judged, which is not said any more"] += 1
