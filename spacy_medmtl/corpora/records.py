"""From the records of the generic formats to reference Docs, by the settings that the user gave.

The input is read twice: first for the labels, modifiers and relations that occur at all, which is what counts as
annotated unless the user says so, then for the Docs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, FINDINGS, INTENTS, RELATIONS, write_group
from ..annotations.relations import JudgedPair, write_relations
from .audit import Audit, Place
from .docs import keep_together, set_sentence_starts, split_sentences, token_span, tokens_at
from .entities import write_mentions
from .findings import FindingMention, write_findings
from .formats.json_lines import is_unicode
from .formats.mention import COVERED, Mention
from .formats.record import FALSE, Bounds, Entity, Record
from .options import MODIFIERS, STATUSES, Meanings

Read = Callable[[Path, Audit], Iterator[Record]]
SHORTENED = "a discontinuous mention, of which the first stretch is kept"


@dataclass(frozen=True)
class Rules:
    """The settings of span formats; ``catalogue/generic.py`` says what they mean."""

    group: str = "ner"
    labels: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    statuses: Meanings = field(default_factory=dict)
    discontinuous: str = "cover"
    unit: str = "sentence"

    def kind(self, entity: Entity) -> str:
        """The span group that an entity goes to."""
        if self.group == "both":
            return FINDINGS if any(self.meaning(*one) for one in entity.attributes) else ENTITIES
        return FINDINGS if self.group == "findings" else ENTITIES

    def meaning(self, name: str, value: str) -> tuple[str, ...]:
        """The status and modifiers that an attribute stands for; none for one that the user gave no meaning."""
        return self.statuses.get((name.lower(), value.lower()), ())

    def knows(self, name: str) -> bool:
        """Whether any value of an attribute has a meaning."""
        return any(name.lower() == known for known, _ in self.statuses)


@dataclass
class Seen:
    """What occurs in the input at all."""

    labels: dict[str, set[str]] = field(default_factory=lambda: {ENTITIES: set(), FINDINGS: set()})
    modifiers: set[str] = field(default_factory=set)
    relations: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    def add(self, record: Record, rules: Rules) -> None:
        """Note what a record has."""
        for entity in record.entities or ():
            self.labels[rules.kind(entity)].add(entity.label)
            for name, _ in entity.attributes:
                named = (targets for (known, _), targets in rules.statuses.items() if known == name.lower())
                self.modifiers.update(target for targets in named for target in targets if target in MODIFIERS)
        self.relations.update(link.label for link in record.links or () if link.label is not None)
        self.classes.update(record.classes or (), (label for _, label in record.units or ()))


@dataclass(frozen=True)
class _EntityMention(Mention):
    """The stretch of an entity that is kept."""

    entity: Entity


def convert_records(
    read: Read, paths: Sequence[Path], nlp: Language, audit: Audit, rules: Rules, *, names: Seen | None = None
) -> Iterator[Doc]:
    """One Doc for each record that ``read`` gives. ``names``: what counts as annotated, where the files say so.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    seen = names or Seen()
    for path in paths:
        for record in read(path, Audit("report")):
            seen.add(record, rules)
    for path in paths:
        for record in read(path, audit):
            problem = _problem(record, nlp)
            if problem:
                _lose(record, problem, audit, rules)
                continue
            yield _doc(record, nlp, audit, rules, seen)


def _problem(record: Record, nlp: Language) -> str:
    """Why a record cannot become a Doc, or nothing."""
    if not record.text.strip():
        return "an empty text"
    if not is_unicode(record.text):
        return "a text with half a surrogate pair, which is no Unicode"
    if record.entities is None and record.links is None and record.classes is None and record.units is None:
        return "a text on which nothing is annotated"
    return "a document longer than spaCy reads" if len(record.text) > nlp.max_length else ""


def _lose(record: Record, problem: str, audit: Audit, rules: Rules) -> None:
    audit.dropped(record.place, "document", "", problem)
    for entity in record.entities or ():
        audit.dropped(entity.place, rules.kind(entity), entity.label, "a mention of a lost document", entity.bounds)


def _doc(record: Record, nlp: Language, audit: Audit, rules: Rules, seen: Seen) -> Doc:
    doc = _tokens(record, nlp, audit)
    if record.name is not None:
        keep_together(doc, record.name)
    kept: dict[Entity, Mention] = {}
    if record.entities is not None:
        kept = _write_spans(doc, record.entities, audit, rules, seen)
    if record.links is not None and (record.is_explicit or seen.relations):
        write_relations(doc, _pairs(doc, record, kept, audit, rules))
        doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = sorted(seen.relations)
    if record.by_rule:
        whole = [span for key in (ENTITIES, FINDINGS) for span in doc.spans.get(key, ())]
        split_sentences(doc, audit, given=tokens_at(doc, record.starts), whole=whole)
    else:
        set_sentence_starts(doc, tokens_at(doc, record.starts))
    _write_classes(doc, record, audit, rules, seen)
    return doc


def _tokens(record: Record, nlp: Language, audit: Audit) -> Doc:
    """The tokens that the record gives, if they make up its text, else those of the tokenizer."""
    if record.words is not None:
        doc = Doc(nlp.vocab, words=record.words, spaces=record.spaces)
        if record.spaces is None or doc.text == record.text:
            return doc
        audit.note("documents whose given tokens do not make up their text, tokenised anew")
    return nlp.make_doc(record.text)


def _write_spans(doc: Doc, entities: Sequence[Entity], audit: Audit, rules: Rules, seen: Seen) -> dict[Entity, Mention]:
    """Annotate the Doc with entities and findings, and return the stretches that were to become spans."""
    mentions: dict[str, list[_EntityMention]] = {ENTITIES: [], FINDINGS: []}
    for entity in entities:
        kind = rules.kind(entity)
        bounds = _kept(entity, kind, audit, rules)
        if bounds is None:
            continue
        if rules.labels and entity.label not in rules.labels and (kind == ENTITIES or rules.group == "findings"):
            audit.dropped(entity.place, kind, "", f"an unknown label: expected {' or '.join(rules.labels)}", bounds)
            continue
        mentions[kind].append(_EntityMention(*bounds, entity.label, entity.place, entity))
    if rules.group != "findings":
        labels = rules.labels or sorted(seen.labels[ENTITIES])
        write_mentions(doc, mentions[ENTITIES], {label: label for label in labels}, audit)
        audit.note(
            "attributes of entities, which medmtl_ner does not keep",
            sum(len(mention.entity.attributes) for mention in mentions[ENTITIES]),
        )
    if rules.group == "findings" or (rules.group == "both" and seen.labels[FINDINGS]):
        labels = (rules.group == "findings" and rules.labels) or sorted(seen.labels[FINDINGS])
        found = [_finding(mention, audit, rules) for mention in mentions[FINDINGS]]
        modifiers = rules.modifiers or [name for name in MODIFIERS if name in seen.modifiers]
        write_findings(doc, filter(None, found), audit, labels=labels, modifiers=modifiers)
    return {mention.entity: mention for mention in mentions[ENTITIES] + mentions[FINDINGS]}


def _kept(entity: Entity, kind: str, audit: Audit, rules: Rules) -> Bounds | None:
    """The stretch of an entity that becomes a span, by the rule for discontinuous ones; None and a loss if none."""
    if len(entity.fragments) == 1:
        return entity.bounds
    if rules.discontinuous == "drop":
        audit.dropped(entity.place, kind, entity.label, "a discontinuous mention", entity.bounds)
        return None
    bounds = entity.bounds if rules.discontinuous == "cover" else entity.fragments[0]
    reason = COVERED if rules.discontinuous == "cover" else SHORTENED
    audit.reshaped(entity.place, kind, entity.label, reason, (*entity.bounds, *bounds))
    return bounds


def _finding(mention: _EntityMention, audit: Audit, rules: Rules) -> FindingMention | None:
    """The finding with what its attributes say; None and a loss where they cannot be read. Positive unless they say
    otherwise."""
    targets: set[str] = set()
    problem = ""
    for name, value in mention.entity.attributes:
        if not rules.knows(name):
            audit.note("attributes of findings, to which the setting 'statuses' gives no meaning")
        elif value != FALSE and not rules.meaning(name, value):
            problem = "an attribute whose value has no meaning in the setting 'statuses'"
        targets.update(rules.meaning(name, value))
    statuses = targets & set(STATUSES)
    if len(statuses) > 1:
        problem = "attributes that give two statuses"
    unjudged = [target for target in targets if target in MODIFIERS and target not in (rules.modifiers or MODIFIERS)]
    if unjudged:
        problem = "a modifier that is not among those of the setting 'modifiers'"
    if problem:
        audit.dropped(mention.place, FINDINGS, mention.label, problem, (mention.start, mention.end))
        return None
    modifiers = tuple(name for name in MODIFIERS if name in targets)
    status = statuses.pop() if statuses else "positive"
    return FindingMention(mention.start, mention.end, mention.label, mention.place, status, modifiers)


def _written(doc: Doc, mention: Mention, key: str, audit: Audit) -> Bounds | None:
    """The tokens of the span that a mention became (or is merged with), or None if it was lost."""
    span = token_span(doc, mention.start, mention.end, (), audit, mention.place)
    written = ((one.start, one.end) for one in doc.spans.get(key, ()) if one.label_ == mention.label)
    return (span.start, span.end) if span is not None and (span.start, span.end) in written else None


def _pairs(doc: Doc, record: Record, kept: Mapping[Entity, Mention], audit: Audit, rules: Rules) -> list[JudgedPair]:
    """Judged pairs, all labels of one pair of tokens and score together. A relation of a lost mention is a loss."""
    known = set(record.entities or ())
    labels: dict[tuple[Bounds, Bounds, float], list[str]] = {}
    for link in record.links or ():
        ends: list[Bounds | None] = []
        for end in (link.head, link.tail):
            if end in known:
                ends.append(_written(doc, kept[end], rules.kind(end), audit) if end in kept else None)
            else:
                ends.append(_free(doc, end, link.label or "", audit, link.place))
        head, tail = ends
        if head is None or tail is None:
            audit.dropped(link.place, RELATIONS, link.label or "", "a relation of a lost mention")
            continue
        names = labels.setdefault((head, tail, link.score), [])
        if link.label in names:
            audit.merged(link.place, RELATIONS, link.label or "", ())
        elif link.label is not None:
            names.append(link.label)
    return [JudgedPair(head, tail, tuple(names), score) for (head, tail, score), names in labels.items()]


def _free(doc: Doc, end: Entity, label: str, audit: Audit, place: Place) -> Bounds | None:
    """The tokens of an argument that is no mention itself."""
    span = token_span(doc, *end.bounds, [(RELATIONS, label)], audit, place)
    return None if span is None else (span.start, span.end)


def _write_classes(doc: Doc, record: Record, audit: Audit, rules: Rules, seen: Seen) -> None:
    """Intents: of labelled sentences, or of the whole text as one unit, or ``doc.cats`` where the unit is the Doc."""
    if record.classes is not None and rules.unit == "doc":
        doc.cats = {label: float(label in record.classes) for label in sorted(seen.classes)}
        audit.note("documents with classes in doc.cats")
        return
    if record.classes is None and record.units is None:
        return
    units: list[Span] = [Span(doc, 0, len(doc), label) for label in dict.fromkeys(record.classes or ())]
    find = partial(token_span, doc, audit=audit, place=record.place)
    found = [find(start, end, uses=[(INTENTS, label)]) for (start, end), label in record.units or ()]
    units += [span for span in found if span is not None]
    write_group(doc, INTENTS, units).attrs[ANNOTATED_LABELS] = sorted(seen.classes)
