"""From records to reference Docs, by the rules of a ``Scheme``: the one place where annotation becomes spans."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations.groups import (
    ANNOTATED_LABELS,
    ANNOTATED_MODIFIERS,
    ENTITIES,
    FINDINGS,
    GIVEN_SPANS_ONLY,
    RELATIONS,
    TURNS,
    set_sentence_starts,
    write_group,
)
from ..annotations.pairs import pair_doc, segment_bounds
from ..annotations.relations import JudgedPair, write_relations
from ..errors import MedmtlError
from .audit import COVERED, MERGED, RESHAPED, SHORTENED, Audit
from .judged import JudgedPairs
from .reader import Read
from .record import RULE, Bounds, Entity, Record, are_parted, is_unicode
from .scheme import FINDINGS_ONLY, NER, Names, Scheme, in_order, only_group
from .spans import (
    SpansByTokens,
    TokenOffsets,
    add_unless_there,
    keep_together,
    sentence_starts,
    starts_by_rule,
    token_span,
)

NO_MODIFIERS: tuple[str, ...] = ()
Findings = dict[tuple[int, int, str], tuple[str, tuple[str, ...]]]  # tokens and label -> status and modifiers
Advance = Callable[[int], None]  # told how many bytes were read


def convert_records(
    read: Read,
    scheme: Scheme,
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    advance: Advance = lambda n_bytes: None,
) -> Iterator[Doc]:
    """One Doc for each record of the files. An open scheme reads them twice: first for the names that occur at all.

    Raises MedmtlError E401 at the first loss in stop mode, E411 for judged pairs of labels that are not there, E414
    where nothing says which labels are findings.
    """
    names, links = Names(), TextLinks()
    look = audit.first_look()
    for path in paths if scheme.is_read_twice else ():
        for record in read(path, look):
            names.add(record, scheme)
            links.add(record)
            advance(audit.bytes_read[0])
    if scheme.is_open and paths:
        _check_kinds(scheme, names)
    writer = Writer(nlp, audit, scheme, names)
    for path in paths:
        for record in read(path, audit):
            advance(audit.bytes_read[0])
            if scheme.links_texts:
                record.key = links.first(record.text)
            doc = writer.doc(record)
            if doc is not None:
                yield doc


def _check_kinds(scheme: Scheme, names: Names) -> None:
    """Raises MedmtlError E411 for a pair of labels, judged by what a user set, of which one is no label there."""
    known = {*names.labels, *scheme.labels}
    unknown = sorted({label for kind in scheme.kinds for label in kind} - known)
    if unknown:
        occurring = ", ".join(sorted(known)) or "there are none"
        expected = f"HEAD:TAIL of labels that mentions have, or that the setting 'labels' names ({occurring})"
        raise MedmtlError("E411", key="kinds", received=", ".join(unknown), expected=expected)


class Writer:
    """Makes Docs of records. ``labels``, ``finding_types``, ...: what the corpus was annotated for."""

    def __init__(self, nlp: Language, audit: Audit, scheme: Scheme, names: Names) -> None:
        """Raises MedmtlError E414 where findings are asked for and nothing says which labels they have."""
        self.nlp, self.audit, self.scheme = nlp, audit, scheme
        self.seen: set[str] = set()  # ids of documents
        is_open = scheme.is_open
        own = set(scheme.labels) if scheme.group == NER else set(scheme.labels) | names.labels
        self.labels = sorted(own or names.labels) if is_open else sorted(set((scheme.types or {}).values()))
        self.classes = sorted({*scheme.classes, *names.classes})
        self.relations = sorted({*scheme.relations, *names.relations})
        self.modifiers = list(scheme.modifiers or ())
        self.finding_types: set[str] | None = None if scheme.finding_types is None else set(scheme.finding_types)
        if is_open:
            self.finding_types = set(scheme.labels) or names.flagged
            if scheme.modifiers is None:
                self.modifiers = list(in_order(names.modifiers))
            if scheme.group == FINDINGS_ONLY and names.labels and not self.finding_types:
                attributes = ", ".join(sorted(names.attributes)) or "none"
                raise MedmtlError("E414", attributes=attributes, labels=", ".join(sorted(names.labels)))
        self.finding_labels = sorted({scheme.finding_label or name for name in self.finding_types or {""}})

    def doc(self, record: Record) -> Doc | None:
        """The Doc of a record; None and a loss (MedmtlError E401 in stop mode) if none can be made."""
        if record.is_blank():
            self.audit.note("empty texts, left out")
            return None
        problem = self._problem(record)
        if problem:
            self._lose(record, problem)
            return None
        if record.name is not None:
            self.audit.note("document ids that occur again", int(record.name in self.seen))
            self.seen.add(record.name)
        doc = self._pair(record) if record.second is not None else self._annotated(record)
        if doc is not None and record.key is not None:
            keep_together(doc, record.key)
        return doc

    def _problem(self, record: Record) -> str:
        """Why a record cannot become a Doc, or nothing."""
        length = len(record.text) + len(record.second or "")
        if not record.text.strip() or (record.second is not None and not record.second.strip()):
            return "one of the two texts is empty" if record.second is not None else "an empty text"
        if not is_unicode(record.text + (record.second or "")):
            return "a text with half a surrogate pair, which is no Unicode"
        given = (record.entities, record.links, record.classes, record.units, record.second)
        if all(annotation is None for annotation in given):
            return "a text on which nothing is annotated"
        return "a document longer than spaCy reads" if length > self.nlp.max_length else ""

    def _lose(self, record: Record, problem: str) -> None:
        self.audit.dropped(record.place, "document", record.verdict or "", problem)
        kind = FINDINGS if self.scheme.group == FINDINGS_ONLY else ENTITIES
        for entity in record.entities or ():
            self.audit.dropped(entity.place, kind, entity.label, "a mention of a lost document", entity.bounds)

    def _pair(self, record: Record) -> Doc | None:
        """Two segments, judged as one pair: a label, or no relation; nothing but relations is annotated on it."""
        try:
            doc = pair_doc(self.nlp, record.text, record.second or "")
        except MedmtlError:
            self._lose(record, "the segment separator U+241E stands in a text")
            return None
        head, tail = segment_bounds(doc)
        inner = starts_by_rule(doc) - {head[1]} if record.sentences == RULE else set()  # the separator ends a segment
        set_sentence_starts(doc, {tail[0], *inner})
        labels = () if record.verdict is None else (record.verdict,)
        value = float(bool(labels)) if record.value is None else record.value
        write_relations(doc, [JudgedPair(head, tail, labels, value)])
        if self.scheme.declares:
            doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = self.relations
        return doc

    def _annotated(self, record: Record) -> Doc:
        doc = self._tokens(record)
        offsets = TokenOffsets(doc)
        placed: dict[Entity, Bounds | None] = {}
        whole: list[Span] = []
        if record.entities is not None:
            placed = self._write_spans(doc, record, record.entities)
            whole = [span for key in (ENTITIES, FINDINGS) for span in doc.spans.get(key, ())]
        pairs = JudgedPairs(doc, placed, set(record.entities or ()) - set(placed), self.audit)
        if record.links is not None and record.entities is None:  # only what is related is marked
            pairs.add_links(record.links, self.scheme)
            whole = [doc[slice(*bounds)] for head, tail, _ in pairs.stated for bounds in (head, tail)]
        sentence_starts(doc, map(offsets.at, record.starts), record.sentences, whole, self.audit)
        if record.links is not None and (record.is_explicit or self.relations):
            if self.scheme.kinds:
                pairs.add_candidates(self.scheme)
            if record.entities is not None:
                pairs.add_links(record.links, self.scheme)
            pairs.write(self.relations if self.scheme.declares else None)
        self._write_classes(doc, record, offsets)
        if record.turns is not None:
            self._write_turns(doc, record.turns, offsets)
        return doc

    def _tokens(self, record: Record) -> Doc:
        """The tokens that the record gives, if they make up its text, else those of the tokenizer."""
        if record.words is not None:
            doc = Doc(self.nlp.vocab, words=record.words, spaces=record.spaces)
            if record.spaces is None or doc.text == record.text:
                return doc
            self.audit.note("documents whose given tokens do not make up their text, tokenised anew")
        return self.nlp.make_doc(record.text)

    def _write_spans(self, doc: Doc, record: Record, entities: Sequence[Entity]) -> dict[Entity, Bounds | None]:
        """Annotate the Doc with entities and findings; the tokens of those that became spans of it, None for those that
        the settings have no use for."""
        scheme = self.scheme
        spans: SpansByTokens = {}
        findings: Findings = {}
        placed: dict[Entity, Bounds | None] = {}
        has_findings = scheme.group != NER and record.is_asserted and self.finding_types != set()
        for entity in entities:
            label, only = scheme.label(entity), only_group(entity)
            is_finding = has_findings and (self.finding_types is None or entity.label in self.finding_types)
            uses = [(ENTITIES, label or "")] if FINDINGS_ONLY not in (scheme.group, only) else []
            status, modifiers = "", NO_MODIFIERS
            if is_finding and only != NER:
                status, modifiers = self._judgement(entity)
                uses += [(FINDINGS, scheme.finding_label or entity.label)] if status else []
            if scheme.is_open:
                self._leave_attributes(entity, is_finding)
            if label is None or (scheme.group == NER and scheme.labels and label not in scheme.labels):
                expected = " or ".join(scheme.labels or scheme.types or ())
                self.audit.dropped(entity.place, ENTITIES, "", f"an unknown label: expected {expected}")
                continue
            if not uses and not (is_finding and only != NER):
                self.audit.leave_out(f"mention of the label {entity.label}, which is no finding here")
                placed[entity] = None
            bounds = self._kept(entity, uses, record.text) if uses else None
            span = token_span(doc, *bounds, uses, self.audit, entity.place) if bounds is not None else None
            if span is None:
                continue
            placed[entity] = (span.start, span.end)
            if uses[0][0] == ENTITIES:
                add_unless_there(spans, span, ENTITIES, self.audit, entity.place)
            if uses[-1][0] == FINDINGS:
                self._add_finding(entity, (span.start, span.end, uses[-1][1]), (status, modifiers), findings)
        if scheme.group != FINDINGS_ONLY:
            self._declare(write_group(doc, ENTITIES, spans.values()), self.labels)
        if has_findings:
            self._write_findings(doc, findings)
        return placed

    def _kept(self, entity: Entity, uses: Sequence[tuple[str, str]], text: str) -> Bounds | None:
        """The stretch of an entity that becomes a span, by the rule for discontinuous ones; None and a loss if none."""
        if not are_parted(entity.fragments, text):
            return entity.bounds
        rule = self.scheme.discontinuous
        bounds = entity.fragments[0] if rule == "first" else entity.bounds
        for kind, label in uses:
            if rule == "drop":
                self.audit.dropped(entity.place, kind, label, "a discontinuous mention", entity.bounds)
            else:
                moved = () if bounds == entity.bounds else bounds
                reason = COVERED if rule == "cover" else SHORTENED
                self.audit.changed(RESHAPED, entity.place, kind, label, (*entity.bounds, *moved), reason)
        return None if rule == "drop" else bounds

    def _judgement(self, entity: Entity) -> tuple[str, tuple[str, ...]]:
        """The status and modifiers of a finding; no status if it is none, or what is said of it is a loss."""
        status, modifiers, problem = self.scheme.judgement(entity.attributes)
        if problem:
            label = self.scheme.finding_label or entity.label
            self.audit.dropped(entity.place, FINDINGS, label, problem, entity.bounds)
            return "", NO_MODIFIERS
        return status or self.scheme.default_status or "", modifiers

    def _add_finding(
        self, entity: Entity, key: tuple[int, int, str], said: tuple[str, tuple[str, ...]], findings: Findings
    ) -> None:
        """One of tokens that carry the same label with another status or other modifiers already is a loss."""
        first = findings.setdefault(key, said)
        if first != said:
            reason = "the same tokens carry another status or other modifiers already"
            self.audit.dropped(entity.place, FINDINGS, key[2], reason, entity.bounds)
        elif first is not said:
            self.audit.changed(MERGED, entity.place, FINDINGS, key[2], entity.bounds)

    def _leave_attributes(self, entity: Entity, is_finding: bool) -> None:
        """Count the attributes that nothing was made of."""
        for name, value in entity.attributes:
            meaning = self.scheme.meaning(name, value)
            is_read = meaning == () or (is_finding and self.scheme.knows(name))
            if not is_read:
                self.audit.leave_out(f"attribute {name}")

    def _write_findings(self, doc: Doc, findings: Findings) -> None:
        group = write_group(
            doc,
            FINDINGS,
            [Span(doc, *key) for key in findings],
            assertion=[status for status, _ in findings.values()],
            assertion_modifiers=[list(modifiers) for _, modifiers in findings.values()],
        )
        if self.scheme.given_only:
            group.attrs[GIVEN_SPANS_ONLY] = True
        if self.scheme.declares:
            group.attrs[ANNOTATED_LABELS] = self.finding_labels
            group.attrs[ANNOTATED_MODIFIERS] = self.modifiers

    def _declare(self, group: "object", labels: Sequence[str]) -> None:
        """Say for which labels a group was annotated, so that corpora can be mixed."""
        if self.scheme.declares:
            group.attrs[ANNOTATED_LABELS] = list(labels)  # type: ignore[attr-defined]

    def _write_classes(self, doc: Doc, record: Record, offsets: TokenOffsets) -> None:
        """Intents: of labelled sentences, or of the whole text as one unit; or ``doc.cats`` if the unit is the Doc."""
        if record.classes is not None and self.scheme.unit == "doc":
            doc.cats = {label: float(label in record.classes) for label in self.classes}
            for label in record.classes:
                self.audit.note(f"documents of the class {label}")
            return
        if record.classes is None and record.units is None:
            return
        units = [Span(doc, 0, len(doc), label) for label in dict.fromkeys(record.classes or ())]
        units += [Span(doc, *offsets.bounds(start, end), label) for (start, end), label in record.units or ()]
        self._declare(write_group(doc, self.scheme.spans_key, units), self.classes)

    def _write_turns(self, doc: Doc, lines: Sequence[tuple[int, str | None]], offsets: TokenOffsets) -> None:
        """Neighbouring lines of one speaker are a turn. None: nobody says it, it is written; where nobody speaks at
        all, there are no turns to annotate."""
        turns: list[Bounds] = []
        names: list[str] = []
        before: str | None = None
        starts = [offsets.at(start) for start, _ in lines]
        for (_, speaker), start, end in zip(lines, starts, [*starts[1:], len(doc)]):
            if speaker is not None and speaker == before:
                turns[-1] = (turns[-1][0], end)
            elif speaker is not None:
                turns.append((start, end))
                names.append(speaker)
            before = speaker
        if turns:
            write_group(doc, TURNS, [doc[start:end] for start, end in turns], speakers=names)


class TextLinks:
    """Which texts are linked by pairs, directly or by way of others. White space and case make no difference."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def add(self, record: Record) -> None:
        """Link the two texts of a pair."""
        if record.second is not None:
            ends = sorted((self.first(record.text), self.first(record.second)))
            self._parents[ends[1]] = ends[0]

    def first(self, text: str) -> str:
        """Of all texts linked with this one the first in order, which stands for them."""
        text = " ".join(text.casefold().split())
        while self._parents.setdefault(text, text) != text:
            self._parents[text] = self._parents[self._parents[text]]
            text = self._parents[text]
        return text
