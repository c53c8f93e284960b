"""The bundled sample corpus (``assets/corpora/sample/GUIDE.md``): all four tasks on the same texts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from ...errors import MedmtlError
from ..audit import Audit, Place
from ..formats.files import read_lines
from ..reader import Reader
from ..record import EXACT, Entity, Link, Record, asserted, moved
from ..scheme import BOTH, FINDING, Scheme
from .sample_markup import MarkedDocument, MarkedSentence, parse_lines

ANSWERS = "answers"
UNREADABLE = "\x00"  # stands for a line that cannot be decoded


@dataclass
class SampleLine:
    """A sentence, where it stands, and whether the line above it is the sentence before it (no line lost between)."""

    sentence: MarkedSentence
    place: Place
    follows: bool


@dataclass
class SampleText:
    """One document. Documents of the same ``kind`` (the file's name) are alike enough to exchange answers."""

    name: str
    kind: str
    place: Place
    lines: list[SampleLine] = field(default_factory=list)

    def answers(self) -> list[tuple[SampleLine, SampleLine]]:
        """(question, answer) lines."""
        pairs = pairwise(self.lines)
        return [(question, answer) for question, answer in pairs if answer.sentence.answers_previous]


def read(path: Path, audit: Audit, *, seed: int = 0) -> Iterator[Record]:
    """The documents of a file, or of a folder of ``.txt`` files, then pairs: each question with its own answer, and
    with one from another document.

    The latter are drawn with ``seed`` among the documents of the same kind, which must be one split. Raises MedmtlError
    E402 for a folder without such files.
    """
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    if not files:
        raise MedmtlError("E402", path=path, problem="is a folder without *.txt files")
    texts = [text for file in files for text in _texts(file, audit)]
    for text in texts:
        yield _record(text)
    draw = random.Random(seed)
    for text in texts:
        yield from _pairs(text, texts, audit, draw)


READER = Reader(
    read,
    Scheme(group=BOTH, finding_label=FINDING, default_status=None, declares=False),
    takes_folders=True,
    reads_ahead=True,
)


def _texts(path: Path, audit: Audit) -> list[SampleText]:
    """The documents of a file that have sentences."""
    texts: list[SampleText] = []
    follows = False
    lines = list(read_lines(path, audit, instead=UNREADABLE))
    unreadable = {number for number, line in lines if line == UNREADABLE}  # which are listed already
    for number, item in parse_lines(lines):
        place = Place(path, number)
        if isinstance(item, MarkedDocument):
            texts.append(SampleText(item.name, path.stem, place))
        elif isinstance(item, MarkedSentence):
            texts[-1].lines.append(SampleLine(item, place, follows))
        elif number not in unreadable:
            audit.dropped(place, "line", "", str(item))
        follows = isinstance(item, MarkedSentence)
    for text in texts:
        if not text.lines:
            audit.dropped(text.place, "document", "", "a document without sentences")
    return [text for text in texts if text.lines]


def _record(text: SampleText) -> Record:
    """Sentences parted by line breaks, each break belonging to the sentence before it, or by a blank."""
    joined, starts = "", []
    for number, line in enumerate(text.lines):
        joined += "" if not number else " " if line.sentence.same_line else "\n"
        starts.append(len(joined))
        joined += line.sentence.text
    edges = pairwise([*starts, len(joined)])
    stretches = [(start, end - (joined[end - 1] == " " and end < len(joined))) for start, end in edges]
    entities = [
        Entity(
            entity.label,
            moved([(entity.start, entity.end)], at),
            line.place,
            () if entity.status is None else asserted(entity.status, entity.modifiers),
        )
        for line, at in zip(text.lines, starts)
        for entity in line.sentence.entities
    ]
    units = [Entity("", (bounds,), line.place) for bounds, line in zip(stretches, text.lines)]
    links = [
        Link(ANSWERS if line.sentence.answers_previous else None, head, tail, line.place)
        for (head, tail), line in zip(pairwise(units), text.lines[1:])
        if line.follows
    ]
    return Record(
        joined,
        text.place,
        entities=entities,
        links=links,
        units=[(bounds, line.sentence.intent) for bounds, line in zip(stretches, text.lines)],
        turns=[(start, line.sentence.speaker) for start, line in zip(starts, text.lines)],
        starts=starts,
        sentences=EXACT,
    )


def _pairs(text: SampleText, texts: Sequence[SampleText], audit: Audit, draw: random.Random) -> Iterator[Record]:
    """Two pairs for each question with an answer: its own (holds), another one (does not)."""
    other_texts = [other_text for other_text in texts if other_text is not text and other_text.kind == text.kind]
    elsewhere = [answer.sentence.text for other_text in other_texts for _, answer in other_text.answers()]
    for question, answer in text.answers():
        asked, answered = question.sentence.text, answer.sentence.text
        pairs: list[tuple[str, str | None]] = [(answered, ANSWERS)]
        different = [candidate for candidate in elsewhere if candidate.casefold() != answered.casefold()]
        if different:
            pairs.append((draw.choice(different), None))
        else:
            audit.note("answers without another document's answer to put in their place")
        for second, verdict in pairs:
            yield Record(asked, answer.place, second=second, verdict=verdict, sentences=EXACT)
