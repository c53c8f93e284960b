"""IMCS21, entities in dialogues."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit, Place
from .docs import keep_together
from .entities import write_mentions
from .formats.lines import input_files, read_lines
from .formats.mention import Mention
from .imcs21 import (
    MAX_CHARACTERS,
    SPEAKERS,
    SPOKEN,
    SPOKEN_FORM,
    Dialogue,
    aligned_doc,
    read_dialogues,
    stretches,
    within,
)
from .turns import dialogue_doc

LABELS = {name: name for name in ("Drug", "Drug_Category", "Medical_Examination", "Operation", "Symptom")}
NOT_GIVEN = "utterances whose entities are not given, taken to have none"
_TAG = re.compile(r"O|[BI]-\S+")
_NOT_UTF8 = "\x00"


@dataclass(frozen=True)
class _Line:
    """An utterance, with mentions in its text."""

    speaker: str
    text: str
    mentions: list[Mention]


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each dialogue of the aligned form, or for each stretch of utterances of a ``.char`` file.

    Raises MedmtlError E401 at the first loss in stop mode, E402 for a ``.char`` file without its tags.
    """
    for path in paths:
        if path.suffix == ".char":
            for key, lines in stretches(_lines(path, audit), audit):
                yield _stretch_doc(key, lines, nlp, audit)
        else:
            for dialogue in read_dialogues(path, nlp, audit):
                doc, offsets, _ = aligned_doc(dialogue, nlp)
                write_mentions(doc, _mentions(dialogue, offsets, audit), LABELS, audit)
                yield doc


def _mentions(dialogue: Dialogue, offsets: Sequence[int], audit: Audit) -> list[Mention]:
    mentions: list[Mention] = []
    for one, first in zip(dialogue.utterances, offsets, strict=True):
        audit.note(NOT_GIVEN, int(one.entities is None))
        for entity in one.entities or ():
            if not isinstance(entity, list) or len(entity) != 3 or not isinstance(entity[2], str):
                audit.dropped(dialogue.place, ENTITIES, "", "an entity that is not [start, end, type]")
            elif not within(entity[0], entity[1], one.text):
                audit.dropped(dialogue.place, ENTITIES, "", "the offsets are outside the utterance")
            else:
                mentions.append(Mention(first + entity[0], first + entity[1], entity[2], dialogue.place))
    return mentions


def _stretch_doc(key: str, lines: list[_Line], nlp: Language, audit: Audit) -> Doc:
    doc, offsets, _ = dialogue_doc(nlp, [line.text for line in lines], [line.speaker for line in lines])
    mentions = [
        replace(mention, start=first + mention.start, end=first + mention.end)
        for line, first in zip(lines, offsets, strict=True)
        for mention in line.mentions
    ]
    write_mentions(doc, mentions, LABELS, audit)
    keep_together(doc, key)
    return doc


def _lines(path: Path, audit: Audit) -> Iterator[_Line]:
    """The utterances of two parallel files. A line that is malformed in either is a loss with what it holds."""
    (tagged,) = input_files([path.with_name(path.name.replace("input", "output")).with_suffix(".bio")], None)
    pairs = zip_longest(*(read_lines(one, audit, instead=_NOT_UTF8) for one in (path, tagged)), fillvalue=(0, ""))
    for (number, line), (other, tag_line) in pairs:
        place = Place(path, number) if number else Place(tagged, other)
        if not line.strip() and not tag_line.strip():
            continue
        words, tags = line.strip(" ").split(" "), tag_line.split()
        problem = _problem(words, tags)
        if not problem:
            yield _line(words, tags, place, audit)
        elif not audit.knows(place) and not audit.knows(Place(tagged, other)):  # not UTF-8: listed already
            audit.dropped(place, "line", "", problem)


def _problem(words: Sequence[str], tags: Sequence[str]) -> str:
    """What is wrong with a line of both files, or nothing."""
    said = "".join(words)
    match = SPOKEN.fullmatch(said)
    if len(words) != len(tags):
        return "the two files differ in the number of characters and tags"
    if match is None or not match[2].strip() or len(said) > MAX_CHARACTERS:
        return f"expected {SPOKEN_FORM}"
    if not all(map(_TAG.fullmatch, tags)):
        return "a tag that is neither O nor a label with B- or I- before it"
    return ""


def _line(words: Sequence[str], tags: Sequence[str], place: Place, audit: Audit) -> _Line:
    """An utterance without its speaker, to whom no tag may belong. A mention goes on while I- repeats its label."""
    match = SPOKEN.fullmatch("".join(words))
    speaker, text = (match[1], match[2]) if match else ("", "")
    mentions: list[Mention] = []
    end, before = len(text) - sum(map(len, words)), "O"
    for word, tag in zip(words, tags, strict=True):
        start, end = end, end + len(word)
        label = tag[2:]
        if label and tag[0] == "I" and before[2:] == label:
            mentions[-1] = replace(mentions[-1], end=end)
        elif label:
            mentions.append(Mention(start, end, label, place))
        before = tag
    for mention in mentions:
        if mention.start < 0:
            audit.dropped(place, ENTITIES, "", "a mention in the speaker's name")
    return _Line(SPEAKERS[speaker], text, [mention for mention in mentions if mention.start >= 0])
