"""Columns of words and tags: a word a line, a blank line after each sentence.

BIO, IOB1, IOBES, BMES, BMEWO and BILOU are all read by one rule: a mention goes on while ``I-``, ``M-``, ``E-`` or
``L-`` repeats its label, and whatever else comes ends it, as ``E-`` and ``L-`` do. So ``I-`` that follows nothing
begins one, as all mentions of IOB1. Several columns of tags are layers, and so are several tags in a cell
(``B-Drug|B-Chemical``), so that mentions may be nested.

Where blanks stood is known only from a ``MISC`` column, as CoNLL-U Plus has it and ``medmtl export conll`` writes it:
``SpaceAfter=No``, and ``Form=...`` for a word that a column cannot hold.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from ...annotations.extensions import STATUSES
from ..audit import Audit, Place
from ..options import SPANS, columns
from ..reader import Reader
from ..record import EXACT, MAX_CHARACTERS, Entity, Record, is_label
from ..scheme import FINDINGS_ONLY, GROUP, NER, Scheme
from .files import MARK, UNREADABLE, read_lines

Tags = tuple[tuple[str, str], ...]  # of a cell: prefix and label of each, none outside of mentions
HEADER = "# global.columns = "
ENTITY_COLUMN, FINDING_COLUMN = "MEDMTL:NER", "MEDMTL:FINDINGS"
UNTYPED = "Entity"  # label of mentions whose tags have no type
MAX_WORDS = 10_000  # far above any sentence; without blank lines a file would be one sentence that fills the memory
ORPHANS = "mentions that begin with I- or E-"
COMMENTS = "comment lines, not used"
BLANK_WORDS = "words that are nothing but blanks, left out"
_NEWDOC = re.compile(r"# *newdoc\b.*")
_SEPARATOR = re.compile(r"-DOCSTART-(\s.*)?|###MEDLINE:\d+\s*")
_TAG = re.compile(r"(?P<prefix>[BIESLUMWbieslumw])(?:[-_](?P<label>\S.*))?")  # beside O
_LABELLED = re.compile(r" *[BIESLUMWbieslumw][-_]\S+ *")  # no label of one letter
_OUTSIDE = ("O", "o", "_")  # the last is how CoNLL-U and WebAnno write a column that is empty
_HEADS = frozenset(("tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "iob", "bio", "entity"))
_RANGE = re.compile(r"\d+[-.]\d+")  # number of a row of CoNLL-U that is no word: a word made of several, or left out
WEBANNO = "WebAnno TSV, which is not read: export 'CoNLL 2002' from INCEpTION or WebAnno"
_OTHER_FORMAT = re.compile(r"\s*(?:<\?xml\b|<!DOCTYPE\b|\[?\s*\{\s*\")", re.IGNORECASE)
OTHER_FORMAT = "XML or JSON, which is not read here: 'medmtl corpora' lists what reads which format"
NO_TAG = (
    "the tag is neither O nor a label with B-, I-, M-, E-, S-, L-, U- or W- before it: name the column of the tags by "
    "the setting 'tags', that of the words by 'word'"
)
_BLANKS = re.compile(" +")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_PLAIN = re.compile(r"[^\s|\\_]+")
_SAID = re.compile(r"(?P<status>" + "|".join(STATUSES) + r")(?P<modifiers>(?:\+[a-z][a-z0-9_]*)*)")


@dataclass(frozen=True)
class ColumnLayout:
    """Which columns hold what, counted from 0, or from the end by -1.

    ``findings``: of each column of tags whether it is one of findings, by a header of ours; none: there is no header.
    ``n_columns``: what every row must have; None: as many as the first row. ``misc``: a column of CoNLL-U's MISC kind.
    """

    word: int = 0
    tags: tuple[int, ...] = (-1,)
    n_columns: int | None = None
    misc: int | None = None
    findings: tuple[bool, ...] = ()


_USUAL = ColumnLayout()


@dataclass
class TaggedMention:
    """Words of a sentence, end exclusive. ``place`` is the line of its first word, ``layer`` the column of its tags."""

    start: int
    end: int
    label: str
    place: Place
    layer: int


Layer = tuple[int, str]  # a column of tags, by its place among them, and a label in it


@dataclass
class TaggedSentence:
    """A sentence of at most ``MAX_WORDS`` words. ``place`` is its first line, ``document`` the number (from 1) of the
    document in the file, None before the first separator or where the file has none."""

    place: Place
    document: int | None
    words: list[str] = field(default_factory=list)
    mentions: list[TaggedMention] = field(default_factory=list)
    misc: list[str] = field(default_factory=list)  # of each word
    open: dict[Layer, TaggedMention] = field(default_factory=dict)  # the mentions that may go on
    is_broken: bool = False  # whether a line of it was lost

    def add(self, word: str, cells: Sequence[Tags], number: int, audit: Audit) -> None:
        """Append a word, on line ``number``, with what stands in each of its columns of tags."""
        at = len(self.words)
        self.words.append(word)
        before, self.open = self.open, {}
        for column, tags in enumerate(cells):
            for prefix, label in tags:
                mention = before.get((column, label)) if prefix in "IMEL" else None
                if mention is not None:
                    mention.end = at + 1
                else:
                    mention = TaggedMention(at, at + 1, label, Place(self.place.file, number), column)
                    self.mentions.append(mention)
                    audit.note(ORPHANS, int(prefix in "IMEL"))
                if prefix in "BIM":
                    self.open[column, label] = mention


def read(path: Path, audit: Audit, *, word: tuple[int, ...] = (0,), tags: tuple[int, ...] = (-1,)) -> Iterator[Record]:
    """Yield the documents of a file where it parts them (``-DOCSTART-``, ``# newdoc``), else its sentences.

    ``word`` and ``tags``: the columns, where no header of ours names them. Losses as for ``read_sentences``.
    """
    first = _first_line(path)
    if first.startswith("#FORMAT=WebAnno TSV"):
        audit.dropped(Place(path, 1), "document", "", WEBANNO)
        return
    if _OTHER_FORMAT.match(first):
        audit.dropped(Place(path, 1), "document", "", OTHER_FORMAT)
        return
    layout = _layout(first) or ColumnLayout(word[0], tags)
    for _, sentences in groupby(read_sentences(path, audit, layout), key=_unit):
        yield _record(_bounded(sentences), layout, audit)


SUFFIXES = (
    *(".conll", ".tsv", ".txt", ".iob", ".iob2", ".bio", ".bioes", ".bilou", ".bmes", ".ner"),
    *(".conllu", ".conllup", ".conll2002", ".conll2003"),
)
READER = Reader(
    read,
    Scheme(is_open=True),
    suffixes=SUFFIXES,
    options={
        "word": columns("column of the words", "1"),
        "tags": columns("columns of the tags, several for nested entities: 3,4", "-1"),
        **SPANS,
    },
)


def read_sentences(path: Path, audit: Audit, layout: ColumnLayout) -> Iterator[TaggedSentence]:
    """Yield the sentences of a file, one at a time in memory. Columns part at tabs, in a line without tabs at blanks.

    A malformed line is a loss (MedmtlError E401 in stop mode). Its sentence and the mentions there are then lost too:
    without the word the text would be another one, and without the tag its annotation. A line that begins with ``#``
    and is no row is a comment.
    """
    document: int | None = None
    n_columns = layout.n_columns
    sentence = TaggedSentence(Place(path, 1), document)
    for number, line in read_lines(path, audit, instead=UNREADABLE):
        if not sentence.words and line.startswith(MARK) and line[1:2].strip():
            line = line[1:]  # of a file that was appended to another
        is_separator = line[:1] in ("-", "#") and bool(_SEPARATOR.fullmatch(line) or _NEWDOC.fullmatch(line))
        if is_separator or not line.strip(" \t"):
            yield from _finished(sentence, audit)
            document = (document or 0) + 1 if is_separator else document
            sentence = TaggedSentence(Place(path, number + 1), document)
            continue
        # at blanks, not at other white space, which may be a word
        columns = line.rstrip(" \t").split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))
        word = columns[layout.word] if -len(columns) <= layout.word < len(columns) else ""
        if word.strip(" ") not in ("", word):
            columns[layout.word] = word.strip(" ")
            audit.note("words with blanks at an edge, kept without these")
        words = _words_of_line(columns) if n_columns is None and layout == _USUAL else ()
        if words:  # a sentence a line, as spaCy writes it
            for word, tag in words:
                sentence.add(word, [read_cell(tag) or ()], number, audit)
            yield from _finished(sentence, audit)
            sentence = TaggedSentence(Place(path, number + 1), document)
            continue
        if len(columns) > 9 and layout.word > 0 and _RANGE.fullmatch(columns[0]):
            audit.note("rows of CoNLL-U that are no words, left out")
            continue
        problem = _problem(line, columns, layout, n_columns)
        if problem == BLANK_WORDS:
            audit.note(problem)
            continue
        tags = [] if problem else [read_cell(columns[at]) for at in layout.tags]
        if not problem and None in tags:
            if n_columns is None and {columns[at].strip().lower() for at in layout.tags} <= _HEADS:
                audit.note("lines with the names of columns, left out")
                n_columns = len(columns)
                continue
            problem = NO_TAG
        if problem and line[0] == "#":
            audit.note(COMMENTS)
            continue
        place = Place(path, number) if problem or len(sentence.words) == MAX_WORDS else sentence.place
        if len(sentence.words) == MAX_WORDS:
            audit.dropped(place, "line", "", f"a sentence of more than {MAX_WORDS} words: a blank line is missing")
            sentence.is_broken = True
            yield from _finished(sentence, audit)
            sentence = TaggedSentence(place, document, is_broken=True)
        if not problem:
            n_columns = len(columns)
            sentence.add(columns[layout.word], tags, number, audit)  # type: ignore[arg-type]
            if layout.misc is not None:
                sentence.misc.append(columns[layout.misc])
            continue
        sentence.is_broken = True
        sentence.open.clear()
        if line != UNREADABLE:  # which is listed already
            audit.dropped(place, "line", "", problem)
    yield from _finished(sentence, audit)


@lru_cache(maxsize=4096)
def read_tag(tag: str) -> tuple[str, str] | None:
    """The prefix and the label of a tag, both empty outside of mentions; None for what is no tag."""
    tag = tag.strip(" ")
    if tag in _OUTSIDE:
        return "", ""
    match = _TAG.fullmatch(tag)
    return (match["prefix"].upper(), match["label"] or UNTYPED) if match else None


@lru_cache(maxsize=4096)
def read_cell(cell: str) -> Tags | None:
    """The tags of a cell, without those outside of mentions; several where it holds nothing but tags between ``|``,
    ``;`` or ``,``, one otherwise. None for what is no tag."""
    splits = (cell.split(mark) for mark in "|;," if mark in cell)
    several = (parts for parts in splits if all(part in _OUTSIDE or _LABELLED.fullmatch(part) for part in parts))
    tags = [read_tag(part) for part in next(several, [cell])]
    return None if None in tags else tuple(dict.fromkeys(tag for tag in tags if tag is not None and tag[0]))


def _words_of_line(columns: Sequence[str]) -> list[tuple[str, str]]:
    """The words and tags of a line ``No|O fever|B-Problem``, or with more between; none if it is no such line."""
    parts = [column.split("|") for column in columns]
    if len({len(part) for part in parts}) > 1 or len(parts[0]) < 2:
        return []
    are_words = all(part[0] and read_tag(part[-1]) is not None for part in parts)
    return [(part[0], part[-1]) for part in parts] if are_words else []


def _finished(sentence: TaggedSentence, audit: Audit) -> Iterator[TaggedSentence]:
    """The sentence, unless it is empty or broken; what was in a broken one goes to the audit."""
    if not sentence.is_broken:
        if sentence.words:
            yield sentence
        return
    audit.dropped(sentence.place, "line", "", "the sentence of a lost line")
    for mention in sentence.mentions:
        audit.dropped(mention.place, "line", mention.label, "a mention in the sentence of a lost line")


def _problem(line: str, columns: list[str], layout: ColumnLayout, n_columns: int | None) -> str:
    """What is wrong with a line apart from its tags, or nothing."""
    if _CONTROL.search(line):
        return "a control character"
    if n_columns is not None and len(columns) != n_columns:
        return f"{len(columns)} columns: expected {n_columns}, as in the rows before, separated by tabs or blanks"
    n = len(columns)
    mark = next((mark for mark in ",;|" if n == 1 and mark in line), "")
    if mark:
        return f"no columns: expected tabs or blanks between them, and not '{mark}'"
    used = (layout.word, *layout.tags, layout.misc or 0)
    if n < 2 or not -n <= min(used) <= max(used) < n:
        return f"{len(columns)} columns, fewer than the settings name (a word and its tag)"
    word = columns[layout.word]
    if word and not word.strip(" "):
        return BLANK_WORDS
    return "" if word else "the word is empty"


def _unit(sentence: TaggedSentence) -> tuple[int, int]:
    """What a Doc is made of: a numbered document, or else a sentence by its line."""
    return (0, sentence.place.line) if sentence.document is None else (1, sentence.document)


def _bounded(sentences: Iterator[TaggedSentence]) -> list[TaggedSentence]:
    """The sentences of a document; of one that is longer than spaCy reads, enough of them to be so."""
    kept: list[TaggedSentence] = []
    length = 0
    for sentence in sentences:
        if length <= MAX_CHARACTERS:
            kept.append(sentence)
            length += sum(map(len, sentence.words)) + len(sentence.words)
    return kept


def _record(sentences: list[TaggedSentence], layout: ColumnLayout, audit: Audit) -> Record:
    words: list[str] = []
    spaces: list[bool] = []
    entities: list[Entity] = []
    record = Record("", sentences[0].place, entities=entities, words=words, sentences=EXACT)
    at = 0  # character of the text
    for sentence in sentences:
        record.starts.append(at)
        edges: list[tuple[int, int]] = []
        for number, given in enumerate(sentence.words):
            word, has_space = _read_misc(sentence.misc[number], given) if sentence.misc else (given, True)
            words.append(word)
            spaces.append(has_space)
            edges.append((at, at + len(word)))
            at += len(word) + has_space
        for mention in sentence.mentions:
            bounds = edges[mention.start][0], edges[mention.end - 1][1]
            entities += _entity(mention, bounds, layout, audit)
    record.text = "".join(word + " " * space for word, space in zip(words, spaces))
    record.spaces = spaces if any(sentence.misc for sentence in sentences) else None
    return record


def _entity(mention: TaggedMention, bounds: tuple[int, int], layout: ColumnLayout, audit: Audit) -> Iterator[Entity]:
    """The entity; of a finding, ``label/status+modifier`` gives what is said about it."""
    label, slash, said = mention.label.rpartition("/")
    match = _SAID.fullmatch(said) if slash else None
    attributes: tuple[tuple[str, str], ...] = ()
    if match is not None and not (layout.findings and not layout.findings[mention.layer]):
        attributes = (("assertion", match["status"]), *((name, "") for name in match["modifiers"].split("+")[1:]))
    else:
        label = mention.label
    if layout.findings:
        attributes += ((GROUP, FINDINGS_ONLY if layout.findings[mention.layer] else NER),)
    if is_label(label):
        yield Entity(label, (bounds,), mention.place, attributes)
    else:
        audit.dropped(mention.place, "line", "", "a label with blanks at an edge or characters that cannot be shown")


def _layout(line: str) -> ColumnLayout | None:
    """Where the words and tags are by the header of CoNLL-U Plus; None if there is none that names columns of ours."""
    header = line[len(HEADER) :].split() if line.startswith(HEADER) else []
    tags = tuple(at for at, name in enumerate(header) if name.startswith((ENTITY_COLUMN, FINDING_COLUMN)))
    if "FORM" not in header or not tags:
        return None
    misc = header.index("MISC") if "MISC" in header else None
    are_findings = tuple(header[at].startswith(FINDING_COLUMN) for at in tags)
    return ColumnLayout(header.index("FORM"), tags, len(header), misc, are_findings)


def _first_line(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.readline(10_000).decode("utf-8-sig", errors="replace")


def escaped(word: str) -> str:
    """A word as ``Form=`` holds it: one column, no blanks, no ``|``."""
    return "".join(character if _PLAIN.fullmatch(character) else f"\\u{{{ord(character):x}}}" for character in word)


def misc_of(word: str, has_space: bool, *, is_plain: bool) -> str:
    """The ``MISC`` column of a word."""
    parts = ([] if has_space else ["SpaceAfter=No"]) + ([] if is_plain else [f"Form={escaped(word)}"])
    return "|".join(parts) or "_"


def _read_misc(misc: str, word: str) -> tuple[str, bool]:
    """The word that a row stands for, and whether a blank follows."""
    entries: dict[str, str] = dict(part.partition("=")[::2] for part in misc.split("|"))
    if "Form" in entries:
        word = _ESCAPED.sub(lambda match: _character(match[1]), entries["Form"]) or word
    return word, entries.get("SpaceAfter") != "No"


def _character(code: str) -> str:
    number = int(code, 16)
    is_character = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else "\ufffd"
