"""The bundled sample corpus (``assets/sample/GUIDE.md``): all four tasks on the same texts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations.groups import ENTITIES, FINDINGS, INTENTS, write_group
from ..annotations.relations import JudgedPair, write_relations
from .audit import Audit, Place
from .docs import Spans, add_unless_there, judged_pair_doc, set_sentence_starts, token_span, tokens_at
from .formats.lines import read_lines
from .markup import Document, MarkupError, Sentence, parse_lines
from .turns import write_turns

FINDING = "Finding"
ANSWERS = "answers"


@dataclass
class _Line:
    """A sentence, where it stands, and whether the line above it is the sentence before it (no line lost between)."""

    sentence: Sentence
    place: Place
    follows: bool


@dataclass
class _Text:
    """One document. Documents of the same ``kind`` (the file's name) are alike enough to exchange answers."""

    name: str
    kind: str
    place: Place
    lines: list[_Line] = field(default_factory=list)

    def answers(self) -> list[tuple[_Line, _Line]]:
        """(question, answer) lines."""
        pairs = pairwise(self.lines)
        return [(question, answer) for question, answer in pairs if answer.sentence.answers_previous]


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """The documents, then two-segment Docs: each question with its own answer, and with one from another document.

    The latter are drawn with ``seed`` among the documents of the same kind in ``paths``, which must be one split.
    Raises MedmtlError E401 at the first loss in stop mode.
    """
    texts = [text for path in paths for text in _read(path, audit)]
    for text in texts:
        yield _document(text, nlp, audit)
    draw = random.Random(seed)
    for text in texts:
        yield from _pairs(text, texts, nlp, audit, draw)


def _read(path: Path, audit: Audit) -> list[_Text]:
    """The documents of a file that have sentences."""
    texts: list[_Text] = []
    follows = False
    for number, item in parse_lines(read_lines(path, audit, instead="<")):
        place = Place(path, number)
        if isinstance(item, MarkupError):
            if not audit.knows(place):  # a line that is not UTF-8 comes as "<", which is listed already
                audit.dropped(place, "line", "", str(item))
            follows = False
        elif isinstance(item, Document):
            texts.append(_Text(item.name, path.stem, place))
            follows = False
        else:
            texts[-1].lines.append(_Line(item, place, follows))
            follows = True
    for text in texts:
        if not text.lines:
            audit.dropped(text.place, "document", "", "a document without sentences")
    return [text for text in texts if text.lines]


def _document(text: _Text, nlp: Language, audit: Audit) -> Doc:
    """Sentences parted by line breaks, each break the last token of the sentence before it, or by a blank."""
    sentences = [line.sentence for line in text.lines]
    joined = sentences[0].text
    offsets = [0]
    for sentence in sentences[1:]:
        joined += " " if sentence.same_line else "\n"
        offsets.append(len(joined))
        joined += sentence.text
    doc = nlp.make_doc(joined)
    set_sentence_starts(doc, tokens_at(doc, offsets))
    bounds = [(sent.start, sent.end) for sent in doc.sents]
    intents = [Span(doc, *bound, s.intent) for bound, s in zip(bounds, sentences, strict=True)]
    write_group(doc, INTENTS, intents)
    _write_entities(doc, text, offsets, audit)
    pairs = [
        JudgedPair(head, tail, (ANSWERS,), 1.0) if line.sentence.answers_previous else JudgedPair(head, tail, (), 0.0)
        for head, tail, line in zip(bounds[:-1], bounds[1:], text.lines[1:], strict=True)
        if line.follows
    ]
    write_relations(doc, pairs)
    write_turns(doc, bounds, [sentence.speaker for sentence in sentences])
    return doc


def _write_entities(doc: Doc, text: _Text, offsets: Sequence[int], audit: Audit) -> None:
    """All entities; those with a status are the findings."""
    entities: Spans = {}
    findings: Spans = {}
    statuses: list[str] = []
    modifiers: list[list[str]] = []
    for line, offset in zip(text.lines, offsets, strict=True):
        for entity in line.sentence.entities:
            uses = [(ENTITIES, entity.label)] + [(FINDINGS, FINDING)] * (entity.status is not None)
            span = token_span(doc, offset + entity.start, offset + entity.end, uses, audit, line.place)
            if span is None:
                continue
            add_unless_there(entities, span, ENTITIES, audit, line.place)
            if entity.status is not None:
                finding = Span(doc, span.start, span.end, FINDING)
                if add_unless_there(findings, finding, FINDINGS, audit, line.place):
                    statuses.append(entity.status)
                    modifiers.append(list(entity.modifiers))
    write_group(doc, ENTITIES, entities.values())
    write_group(doc, FINDINGS, findings.values(), assertion=statuses, assertion_modifiers=modifiers)


def _pairs(text: _Text, texts: Sequence[_Text], nlp: Language, audit: Audit, draw: random.Random) -> Iterator[Doc]:
    """Two Docs for each question with an answer: its own (holds), another one (does not)."""
    others = [other for other in texts if other is not text and other.kind == text.kind]
    elsewhere = [answer.sentence.text for other in others for _, answer in other.answers()]
    for question, answer in text.answers():
        asked, answered = question.sentence.text, answer.sentence.text
        pairs: list[tuple[str, str | None]] = [(answered, ANSWERS)]
        different = [candidate for candidate in elsewhere if candidate.casefold() != answered.casefold()]
        if different:
            pairs.append((draw.choice(different), None))
        else:
            audit.note("answers without another document's answer to put in their place")
        for second, label in pairs:
            doc = judged_pair_doc(nlp, asked, second, label, audit, answer.place, by_rule=False)
            if doc is not None:
                yield doc
