"""The bundled sample corpus (``assets/sample/GUIDE.md``): all four tasks on the same texts."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from ...errors import MedmtlError
from ..audit import Audit, Place
from ..formats.files import UNREADABLE, read_lines
from ..reader import Reader
from ..record import EXACT, Entity, Link, Record, moved
from ..scheme import BOTH, FINDING, Scheme
from .sample_markup import MarkedSentence, parse_lines

ANSWERS = "answers"


@dataclass
class SampleText:
    """One document. Documents of the same ``kind`` (the file's name) are alike enough to exchange answers."""

    kind: str
    place: Place
    sentences: list[MarkedSentence] = field(default_factory=list)

    def answers(self) -> list[tuple[MarkedSentence, MarkedSentence]]:
        """(question, answer)."""
        return [(question, answer) for question, answer in pairwise(self.sentences) if answer.answers_previous]


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
    lines = ((Place(path, number), line) for number, line in read_lines(path, audit, instead=UNREADABLE))
    for place, sentence in parse_lines(lines, audit):
        if sentence is None:
            texts.append(SampleText(path.stem, place))
        else:
            texts[-1].sentences.append(sentence)
    for text in texts:
        if not text.sentences:
            audit.dropped(text.place, "document", "", "a document without sentences")
    return [text for text in texts if text.sentences]


def _record(text: SampleText) -> Record:
    """Sentences parted by line breaks, each break belonging to the sentence before it, or by a blank."""
    joined, starts = "", []
    for number, sentence in enumerate(text.sentences):
        joined += "" if not number else " " if sentence.same_line else "\n"
        starts.append(len(joined))
        joined += sentence.text
    edges = pairwise([*starts, len(joined)])
    stretches = [(start, end - (joined[end - 1] == " " and end < len(joined))) for start, end in edges]
    entities = [
        replace(entity, fragments=moved(entity.fragments, at))
        for sentence, at in zip(text.sentences, starts)
        for entity in sentence.entities
    ]
    units = [Entity("", (bounds,), sentence.place) for bounds, sentence in zip(stretches, text.sentences)]
    links = [
        Link(ANSWERS if sentence.answers_previous else None, head, tail, sentence.place)
        for (head, tail), sentence in zip(pairwise(units), text.sentences[1:])
        if sentence.follows
    ]
    return Record(
        joined,
        text.place,
        entities=entities,
        links=links,
        units=[(bounds, sentence.intent) for bounds, sentence in zip(stretches, text.sentences)],
        turns=[(start, sentence.speaker) for start, sentence in zip(starts, text.sentences)],
        starts=starts,
        sentences=EXACT,
    )


def _pairs(text: SampleText, texts: Sequence[SampleText], audit: Audit, draw: random.Random) -> Iterator[Record]:
    """Two pairs for each question with an answer: its own (holds), another one (does not)."""
    other_texts = [other_text for other_text in texts if other_text is not text and other_text.kind == text.kind]
    elsewhere = [answer.text for other_text in other_texts for _, answer in other_text.answers()]
    for question, answer in text.answers():
        pairs: list[tuple[str, str | None]] = [(answer.text, ANSWERS)]
        different = [candidate for candidate in elsewhere if candidate.casefold() != answer.text.casefold()]
        if different:
            pairs.append((draw.choice(different), None))
        else:
            audit.note("answers without another document's answer to put in their place")
        for second, verdict in pairs:
            yield Record(question.text, answer.place, second=second, verdict=verdict, sentences=EXACT)
