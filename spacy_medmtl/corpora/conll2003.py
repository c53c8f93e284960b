"""CoNLL-2003, English news: names of persons, organisations, places and others; no clinical text, for comparison.

Four columns (word, part of speech, chunk, name), parted by blanks, a blank line after each sentence, ``-DOCSTART-``
before each document. Names are in IOB1: ``B-`` stands only between two neighbours of one type. The other layers are not
used. The words are kept as given, as in ``iob``.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from . import iob
from .audit import Audit, Place
from .formats.iob import MAX_WORDS, Mention, Sentence, finished
from .formats.lines import read_lines

LABELS = {name: name for name in ("PER", "LOC", "ORG", "MISC")}
START = "-DOCSTART-"
_TAG = re.compile(r"O|(?P<prefix>[BI])-(?P<label>PER|LOC|ORG|MISC)")
_NOT_UTF8 = "\x00"  # stands for a line that cannot be decoded: a blank line would end the sentence


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each document. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        for _, sentences in groupby(_sentences(path, audit), key=iob.unit):
            yield iob.sentences_doc(list(sentences), nlp, audit, LABELS)


def _sentences(path: Path, audit: Audit) -> Iterator[Sentence]:
    """The sentences of a file. One with a malformed line is a loss, because without the word the text would be another
    one, and without the tag its annotation."""
    n_documents = 0
    sentence = Sentence(Place(path, 1), None)
    for number, line in read_lines(path, audit, instead=_NOT_UTF8):
        place = Place(path, number)
        is_start = line.split(" ")[0] == START
        if is_start or not line.strip():
            yield from finished(sentence, audit)
            n_documents += is_start
            sentence = Sentence(Place(path, number + 1), n_documents or None)
        elif len(sentence.words) < MAX_WORDS:
            _read(sentence, line, place, audit)
        elif not sentence.is_broken:
            audit.dropped(place, "line", "", f"a sentence of more than {MAX_WORDS} words: a blank line is missing")
            sentence.is_broken = True
    yield from finished(sentence, audit)


def _read(sentence: Sentence, line: str, place: Place, audit: Audit) -> None:
    """Append the word of a line; a malformed line breaks the sentence."""
    columns = line.rstrip(" ").split(" ")
    tag = _TAG.fullmatch(columns[-1]) if len(columns) == 4 and all(columns) and line.isprintable() else None
    if tag is not None:
        _continue(sentence, columns[0], tag, place)
        return
    sentence.is_broken = True
    if not audit.knows(place):  # a line that is not UTF-8 is listed already
        expected = f"'word part-of-speech chunk name', names O, I- or B- with {', '.join(LABELS)}"
        audit.dropped(place, "line", "", f"expected {expected}, parted by blanks")


def _continue(sentence: Sentence, word: str, tag: "re.Match[str]", place: Place) -> None:
    """Append a word. ``I-`` continues a name of its type that ends right before, and else begins one."""
    at = len(sentence.words)
    sentence.words.append(word)
    last = sentence.mentions[-1] if sentence.mentions else None
    if tag["prefix"] == "I" and last is not None and (last.end, last.label) == (at, tag["label"]):
        last.end = at + 1
    elif tag["prefix"] is not None:
        sentence.mentions.append(Mention(at, at + 1, tag["label"], place))
