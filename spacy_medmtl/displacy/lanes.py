"""A Doc as what is drawn: lines of text in sentences, and under them the spans, each in a lane of its own where they
overlap."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

from spacy.tokens import Doc, Span

from ..annotations.extensions import MODIFIERS
from ..annotations.groups import INTENTS, sentence_bounds, trimmed
from ..annotations.relations import read_relations
from ..annotations.rows import Row, doc_rows
from ..annotations.steady import aligned_group
from ..annotations.travelling import value_of
from .arcs import shortened
from .colours import colour

BADGES = {"positive": "+", "negative": "\u2212", "unknown": "?"}  # readable without colour
_LABEL_WIDTH = 0.9  # of a character of a label, in characters of the text, whose font is larger
_UNBROKEN = 32  # characters of a stretch that is kept on one line; fits a telephone


@dataclass(frozen=True)
class Drawn:
    """A span to draw. label: with badge and modifiers. told: all of it as words, for tooltips and screen readers."""

    start: int
    end: int
    label: str
    told: str
    colour: str
    status: str = ""
    is_finding: bool = False


@dataclass
class Bar:
    """The part of a span's bar below one token."""

    drawn: Drawn
    lane: int
    is_first: bool
    is_last: bool


@dataclass
class Word:
    """A token. text: with the blank behind it. bars: of the spans that it is in."""

    token: int
    text: str
    bars: list[Bar] = field(default_factory=list)


@dataclass
class Stretch:
    """Words with bars that hang together, or words without (``n_lanes`` 0). room: characters to leave for labels."""

    words: list[Word]
    n_lanes: int = 0
    room: float = 0.0

    @property
    def is_unbroken(self) -> bool:
        """Whether it stays on one line."""
        return sum(len(word.text) for word in self.words) <= _UNBROKEN


@dataclass
class Sentence:
    """A sentence with its intents, and the white space behind it as it stands in the note."""

    intents: list[str]
    stretches: list[Stretch]
    space: str


def sentences(doc: Doc, spans: Sequence[Drawn]) -> Iterator[Sentence]:
    """All text of a Doc, sentence by sentence."""
    bounds = sentence_bounds(doc)
    intents = _intents(doc)
    if not bounds:
        return
    if bounds[0][0]:
        yield Sentence([], [], doc[: bounds[0][0]].text_with_ws)
    by_start = deque(sorted(spans, key=lambda span: span.start))
    inside: list[Drawn] = []
    for (start, end), following in zip(bounds, [*(first for first, _ in bounds[1:]), len(doc)]):
        words = [Word(token.i, token.text_with_ws) for token in doc[start:end]]
        while by_start and by_start[0].start < end:
            inside.append(by_start.popleft())
        inside = [span for span in inside if span.end > start]
        lanes = _lanes(doc, inside)
        for span in inside:
            for word in words[max(0, span.start - start) : span.end - start]:
                bar = Bar(span, lanes[span], word.token == max(span.start, start), word.token == min(span.end, end) - 1)
                word.bars.append(bar)
        space = doc[end:following].text_with_ws
        yield Sentence(intents.get((start, end), []), list(_stretches(words)), space)


def _intents(doc: Doc) -> dict[tuple[int, int], list[str]]:
    intents: dict[tuple[int, int], list[str]] = {}
    for number, unit in enumerate(aligned_group(doc, INTENTS) or ()):
        score = value_of(doc, INTENTS, number, "scores")
        intents.setdefault(trimmed(doc, unit.start, unit.end), []).append(
            unit.label_ if score is None else f"{unit.label_} {score:.2f}"
        )
    return intents


def _lanes(doc: Doc, spans: Sequence[Drawn]) -> dict[Drawn, int]:
    """The lane of each span, 0 next to the text: short spans first, so that inner ones stand above outer ones. A label
    takes its room in the lane too."""
    taken: list[list[tuple[float, float]]] = []
    lanes = {}
    for span in sorted(spans, key=lambda span: (span.end - span.start, span.start)):
        first, last = doc[span.start].idx, _end_char(doc, span)
        extent = (float(first), max(float(last), first + len(span.label) * _LABEL_WIDTH))
        lane = next((number for number, used in enumerate(taken) if _has_room(used, extent)), len(taken))
        if lane == len(taken):
            taken.append([])
        insort(taken[lane], extent)
        lanes[span] = lane
    return lanes


def _has_room(used: Sequence[tuple[float, float]], extent: tuple[float, float]) -> bool:
    """Whether none of the extents in a lane, which are sorted and stand apart, overlaps another one."""
    place = bisect_left(used, extent)
    return (place == 0 or used[place - 1][1] <= extent[0]) and (place == len(used) or used[place][0] >= extent[1])


def _end_char(doc: Doc, span: Drawn) -> int:
    last = doc[span.end - 1]
    return int(last.idx + len(last))


def _stretches(words: Sequence[Word]) -> Iterator[Stretch]:
    """Words parted where no bar goes on."""
    current: list[Word] = []
    for word in words:
        begins = all(bar.is_first for bar in word.bars)
        if current and begins and bool(word.bars) | bool(current[-1].bars):
            yield _stretch(current)
            current = []
        current.append(word)
    if current:
        yield _stretch(current)


def _stretch(words: list[Word]) -> Stretch:
    bars = [bar for word in words for bar in word.bars]
    if not bars:
        return Stretch(words)
    offset = 0
    needed = 0.0
    for word in words:
        for bar in word.bars:
            if bar.is_first:
                needed = max(needed, offset + len(bar.drawn.label) * _LABEL_WIDTH + 1)
        offset += len(word.text)
    return Stretch(words, max(bar.lane for bar in bars) + 1, max(0.0, needed - offset))


def drawn_spans(doc: Doc, *, evidence: bool) -> list[Drawn]:
    """Findings and entities in the order of the text. An entity that is a finding too is drawn once."""
    spans = []
    by_place = {}
    tables = doc_rows(doc, "")
    for row in tables["findings"]:
        by_place[row["start"], row["end"], row["label"]] = row
        spans.append(_finding(doc, row, evidence))
    for row in tables["entities"]:
        if (row["start"], row["end"], row["label"]) not in by_place:
            start, end = _tokens(doc, row)
            label = row["label"] or "entity"
            told = f"{row['text']}: entity {label}{_percent(row['score'])}"
            spans.append(Drawn(start, end, label, " ".join(told.split()), colour(label)))
    return sorted((span for span in spans if span.start < span.end), key=lambda span: (span.start, -span.end))


def _finding(doc: Doc, row: Row, evidence: bool) -> Drawn:
    start, end = _tokens(doc, row)
    held = [name for name in MODIFIERS if row[name]]
    status = row["status"] or ""
    label = " ".join(filter(None, [BADGES.get(status, status), row["label"] or "finding", *held]))
    said = ", ".join(filter(None, [status, *held]))
    told = f"{row['text']}: finding {row['label'] or ''}, {said or 'no status'}{_percent(row['score'])}"
    if evidence:
        words = Span(doc, start, end, label=row["label"] or "")._.assertion_evidence or []
        told += f"; because of: {', '.join(word.text for word in words) or 'no single word'}"
    return Drawn(start, end, label, " ".join(told.split()), colour(row["label"] or ""), status, True)


def _tokens(doc: Doc, row: Row) -> tuple[int, int]:
    span = cast(Span, doc.char_span(row["start"], row["end"]))  # never None: rows are made from spans
    return span.start, span.end


def _percent(score: float | None) -> str:
    return "" if score is None else f", {100 * score:.0f} percent"


def relation_rows(doc: Doc, prefix: str) -> list[dict[str, str]]:
    """Relations to be listed, with what their ends link to."""
    return [
        {
            "head": shortened(relation.head.text),
            "head_link": f"{prefix}t{relation.head.start}",
            "label": relation.label,
            "tail": shortened(relation.tail.text),
            "tail_link": f"{prefix}t{relation.tail.start}",
            "score": f"{relation.score:.2f}",
        }
        for relation in read_relations(doc)
    ]
