"""IOB files: a word and its tag on each line, a blank line after each sentence.

BIO, IOB1 and IOBES are all read by one rule: a mention goes on while ``I-`` or ``E-`` repeats its label, and whatever
else comes ends it. So ``B-`` right after a mention begins another one, ``I-`` that follows nothing begins one too (IOB1
writes all its mentions so), and a mention at the end of a sentence needs no closing.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator, List, Optional

from ..audit import Audit, Place
from .lines import read_lines

MAX_WORDS = 10_000  # far above any sentence; without blank lines a file would be one sentence that fills the memory
ORPHANS = "mentions that begin with I- or E-"
_SEPARATOR = re.compile(r"-DOCSTART-(\s.*)?|###MEDLINE:\d+\s*")
_TAG = re.compile(r"O|(?P<prefix>[BIES])-(?P<label>\S.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_NOT_UTF8 = "\x00"  # stands for a line that cannot be decoded: a blank line would end the sentence


@dataclass
class Mention:
    """Words of a sentence, end exclusive. ``place`` is the line of its first word."""

    start: int
    end: int
    label: str
    place: Place


@dataclass
class Sentence:
    """A sentence of at most ``MAX_WORDS`` words. ``place`` is its first line, ``document`` the number (from 1) of the
    document in the file, None before the first separator or where the file has none."""

    place: Place
    document: Optional[int]
    words: List[str] = field(default_factory=list)
    mentions: List[Mention] = field(default_factory=list)
    is_open: bool = False  # whether the last mention may go on
    is_broken: bool = False  # whether a line of it was lost

    def add(self, word: str, tag: "re.Match[str]", place: Place, audit: Audit) -> None:
        """Append a word with its tag."""
        at, prefix, label = len(self.words), tag["prefix"], tag["label"]
        self.words.append(word)
        if prefix is not None:
            if self.is_open and prefix in "IE" and self.mentions[-1].label == label:
                self.mentions[-1].end = at + 1
            else:
                self.mentions.append(Mention(at, at + 1, label, place))
                audit.note(ORPHANS, int(prefix in "IE"))
        self.is_open = prefix is not None and prefix in "BI"


def read_sentences(path: Path, audit: Audit) -> Iterator[Sentence]:
    """Yield the sentences of a file, one at a time in memory. Columns part at tabs, in a line without tabs at blanks.

    A malformed line is a loss (MedmtlError E401 in stop mode). Its sentence and the mentions there are then lost too:
    without the word the text would be another one, and without the tag its annotation.
    """
    document: Optional[int] = None
    sentence = Sentence(Place(path, 1), document)
    for number, line in read_lines(path, audit, instead=_NOT_UTF8):
        place = Place(path, number)
        is_separator = _SEPARATOR.fullmatch(line) is not None
        if is_separator or not line.strip(" \t"):
            yield from _finished(sentence, audit)
            document = (document or 0) + 1 if is_separator else document
            sentence = Sentence(Place(path, number + 1), document)
            continue
        if len(sentence.words) == MAX_WORDS:
            audit.dropped(place, "line", "", f"a sentence of more than {MAX_WORDS} words: a blank line is missing")
            sentence.is_broken = True
            yield from _finished(sentence, audit)
            sentence = Sentence(place, document, is_broken=True)
        columns = line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))
        problem = _problem(line, columns)
        tag = None if problem else _TAG.fullmatch(columns[1].strip(" "))
        if tag is not None:
            sentence.add(columns[0], tag, place, audit)
            continue
        sentence.is_broken, sentence.is_open = True, False
        if not audit.knows(place):  # a line that is not UTF-8 is listed already
            reason = problem or "the tag is neither O nor a label with B-, I-, E- or S- before it"
            audit.dropped(place, "line", "", reason)
    yield from _finished(sentence, audit)


def _finished(sentence: Sentence, audit: Audit) -> Iterator[Sentence]:
    """The sentence, unless it is empty or broken; what was in a broken one goes to the audit."""
    if not sentence.is_broken:
        if sentence.words:
            yield sentence
        return
    audit.dropped(sentence.place, "line", "", "the sentence of a lost line")
    for mention in sentence.mentions:
        audit.dropped(mention.place, "line", mention.label, "a mention in the sentence of a lost line")


def _problem(line: str, columns: List[str]) -> str:
    """What is wrong with a line apart from its tag, or nothing."""
    if _CONTROL.search(line):
        return "a control character"
    if len(columns) != 2:
        return f"{len(columns)} columns: expected 2, a word and its tag, separated by a tab or blanks"
    if not columns[0] or columns[0] != columns[0].strip():
        return "the word is empty or has white space at an edge"
    return ""
