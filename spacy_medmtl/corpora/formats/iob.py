"""IOB files: a word and its tags on each line, a blank line after each sentence.

BIO, IOB1, IOBES and BILOU are all read by one rule: a mention goes on while ``I-``, ``E-`` or ``L-`` repeats its label,
and whatever else comes ends it, as ``E-`` and ``L-`` do. So ``B-`` right after a mention begins another one, ``I-``
that follows nothing begins one too (IOB1 writes all its mentions so), and a mention at the end of a sentence needs no
closing. Several columns of tags are layers, each read on its own, so that mentions may be nested.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..audit import Audit, Place
from .lines import read_lines

MAX_WORDS = 10_000  # far above any sentence; without blank lines a file would be one sentence that fills the memory
ORPHANS = "mentions that begin with I- or E-"
COMMENTS = "comment lines, not used"
_NEWDOC = re.compile(r"# *newdoc\b.*")
_SEPARATOR = re.compile(r"-DOCSTART-(\s.*)?|###MEDLINE:\d+\s*")
_TAG = re.compile(r"O|(?P<prefix>[BIESLU])-(?P<label>\S.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_NOT_UTF8 = "\x00"  # stands for a line that cannot be decoded: a blank line would end the sentence


@dataclass(frozen=True)
class Layout:
    """Which columns hold what, counted from 0, or from the end by -1; which lines are no rows.

    ``n_columns``: what every row must have; None: as many as the first row. ``notes``: a column of CoNLL-U's MISC kind.
    ``comments``: lines that begin with ``#`` and are no rows are comments, and ``# newdoc`` begins a document.
    """

    word: int = 0
    tags: tuple[int, ...] = (1,)
    n_columns: int | None = 2
    notes: int | None = None
    comments: bool = False


@dataclass
class Mention:
    """Words of a sentence, end exclusive. ``place`` is the line of its first word, ``layer`` the column of its tags."""

    start: int
    end: int
    label: str
    place: Place
    layer: int = 0


@dataclass
class Sentence:
    """A sentence of at most ``MAX_WORDS`` words. ``place`` is its first line, ``document`` the number (from 1) of the
    document in the file, None before the first separator or where the file has none. ``notes``: of each word."""

    place: Place
    document: int | None
    words: list[str] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    open: dict[int, Mention] = field(default_factory=dict)  # the mention of each layer that may go on
    is_broken: bool = False  # whether a line of it was lost

    def add(self, word: str, tags: "Sequence[re.Match[str]]", place: Place, audit: Audit) -> None:
        """Append a word with its tags, one of each layer."""
        at = len(self.words)
        self.words.append(word)
        for layer, tag in enumerate(tags):
            prefix, label = tag["prefix"], tag["label"]
            mention = self.open.pop(layer, None)
            if prefix is None:
                continue
            if mention is not None and prefix in "IEL" and mention.label == label:
                mention.end = at + 1
            else:
                mention = Mention(at, at + 1, label, place, layer)
                self.mentions.append(mention)
                audit.note(ORPHANS, int(prefix in "IEL"))
            if prefix in "BI":
                self.open[layer] = mention


def read_sentences(path: Path, audit: Audit, layout: Layout = Layout()) -> Iterator[Sentence]:
    """Yield the sentences of a file, one at a time in memory. Columns part at tabs, in a line without tabs at blanks.

    A malformed line is a loss (MedmtlError E401 in stop mode). Its sentence and the mentions there are then lost too:
    without the word the text would be another one, and without the tag its annotation.
    """
    document: int | None = None
    n_columns = layout.n_columns
    sentence = Sentence(Place(path, 1), document)
    for number, line in read_lines(path, audit, instead=_NOT_UTF8):
        place = Place(path, number)
        separator = _SEPARATOR.fullmatch(line) or (_NEWDOC.fullmatch(line) if layout.comments else None)
        is_separator = separator is not None
        if is_separator or not line.strip(" \t"):
            yield from finished(sentence, audit)
            document = (document or 0) + 1 if is_separator else document
            sentence = Sentence(Place(path, number + 1), document)
            continue
        columns = line.split("\t") if "\t" in line else re.split(" +", line.strip(" "))
        problem = _problem(line, columns, layout, n_columns)
        tags = [] if problem else [_TAG.fullmatch(columns[at].strip(" ")) for at in layout.tags]
        row = [tag for tag in tags if tag is not None]
        is_row = not problem and len(row) == len(tags)
        if layout.comments and line.startswith("#") and not is_row:
            audit.note(COMMENTS)
            continue
        if len(sentence.words) == MAX_WORDS:
            audit.dropped(place, "line", "", f"a sentence of more than {MAX_WORDS} words: a blank line is missing")
            sentence.is_broken = True
            yield from finished(sentence, audit)
            sentence = Sentence(place, document, is_broken=True)
        if is_row:
            n_columns = len(columns)
            sentence.add(columns[layout.word], row, place, audit)
            if layout.notes is not None:
                sentence.notes.append(columns[layout.notes])
            continue
        sentence.is_broken = True
        sentence.open.clear()
        if not audit.knows(place):  # a line that is not UTF-8 is listed already
            reason = problem or "the tag is neither O nor a label with B-, I-, E-, S-, L- or U- before it"
            audit.dropped(place, "line", "", reason)
    yield from finished(sentence, audit)


def finished(sentence: Sentence, audit: Audit) -> Iterator[Sentence]:
    """The sentence, unless it is empty or broken; what was in a broken one goes to the audit."""
    if not sentence.is_broken:
        if sentence.words:
            yield sentence
        return
    audit.dropped(sentence.place, "line", "", "the sentence of a lost line")
    for mention in sentence.mentions:
        audit.dropped(mention.place, "line", mention.label, "a mention in the sentence of a lost line")


def _problem(line: str, columns: list[str], layout: Layout, n_columns: int | None) -> str:
    """What is wrong with a line apart from its tags, or nothing."""
    if _CONTROL.search(line):
        return "a control character"
    if n_columns is not None and len(columns) != n_columns:
        what = "a word and its tag" if n_columns == 2 else "as in the rows before"
        return f"{len(columns)} columns: expected {n_columns}, {what}, separated by a tab or blanks"
    used = [layout.word, *layout.tags, *([] if layout.notes is None else [layout.notes])]
    if not all(-len(columns) <= at < len(columns) for at in used) or len(columns) < 2:
        return f"{len(columns)} columns, fewer than the settings name"
    word = columns[layout.word]
    if not word or word != word.strip():
        return "the word is empty or has white space at an edge"
    return ""
