"""IMCS21 in files of lines, an utterance each, whose dialogues are not told apart; see ``imcs21``."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise, zip_longest
from pathlib import Path

from ...annotations.groups import ENTITIES, INTENTS
from ..audit import Audit, Place
from ..formats.files import input_files, read_lines
from ..record import EXACT, Bounds, Entity, Record, joined, moved
from .dialogues import SPEAKERS

# in the order of class.txt, by which da_dev.txt numbers them
ACTS = (
    *("Request-Etiology", "Request-Precautions", "Request-Medical_Advice", "Inform-Etiology", "Diagnose"),
    *("Request-Basic_Information", "Request-Drug_Recommendation", "Inform-Medical_Advice"),
    *("Request-Existing_Examination_and_Treatment", "Inform-Basic_Information", "Inform-Precautions"),
    *("Inform-Existing_Examination_and_Treatment", "Inform-Drug_Recommendation", "Request-Symptom", "Inform-Symptom"),
    "Other",
)
SPOKEN = re.compile(f"({'|'.join(SPEAKERS)})\uff1a(.*)", re.DOTALL)
SPOKEN_FORM = f"{' or '.join(SPEAKERS)}, a fullwidth colon, the sentence"
STRETCH = 40  # utterances in a record; dialogues have 42 on average
BLOCK = 10  # such records that stay together in a split, as a dialogue may run over their borders
MAX_CHARACTERS = 20_000  # of an utterance; none comes near, and a stretch of the longest can still be read
_TAG = re.compile(r"O|[BI]-\S+")
_UNREADABLE = "\x00"


@dataclass(frozen=True)
class Utterance:
    """What one side says, with its act or its entities (characters of the text: bounds, type)."""

    speaker: str
    text: str
    place: Place
    act: str = ""
    entities: list[tuple[Bounds, str]] = field(default_factory=list)


def read_acts(path: Path, audit: Audit) -> Iterator[Record]:
    """Stretches of utterances with their acts. Raises MedmtlError E401 at the first loss in stop mode."""
    for record, utterances, starts in _stretches(_act_lines(path, audit), audit):
        bounds = pairwise([*starts, len(record.text)])
        record.units = [(bound, one.act) for bound, one in zip(bounds, utterances)]
        yield record


def read_entities(path: Path, audit: Audit) -> Iterator[Record]:
    """Stretches of utterances with their entities. Raises MedmtlError E401 at the first loss in stop mode, E402 for a
    file without its tags."""
    for record, utterances, starts in _stretches(_tagged_lines(path, audit), audit):
        record.entities = [
            Entity(label, moved([bounds], at), one.place)
            for one, at in zip(utterances, starts)
            for bounds, label in one.entities
        ]
        yield record


def _stretches(utterances: Iterable[Utterance], audit: Audit) -> Iterator[tuple[Record, list[Utterance], list[int]]]:
    """Utterances in stretches of one record each, not annotated but with turns, and where each utterance begins."""
    for number, numbered in groupby(enumerate(utterances), key=lambda pair: pair[0] // STRETCH):
        stretch = [one for _, one in numbered]
        audit.note("utterances of dialogues that are not told apart", len(stretch))
        text, starts = joined([one.text for one in stretch], "\n")
        turns: list[tuple[int, str | None]] = [(at, one.speaker) for at, one in zip(starts, stretch)]
        key = f"imcs21 block {number // BLOCK}"
        yield Record(text, stretch[0].place, key=key, turns=turns, starts=starts, sentences=EXACT), stretch, starts


def _act_lines(path: Path, audit: Audit) -> Iterator[Utterance]:
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        said, _, act = line.rpartition("\t")
        match = SPOKEN.fullmatch(said)
        if not line.strip():
            continue
        if match is None or not match[2].strip() or len(line) > MAX_CHARACTERS:
            audit.dropped(place, "line", "", f"expected {SPOKEN_FORM}, a tab, the number of the act")
        elif not re.fullmatch("[0-9]{1,2}", act) or int(act) >= len(ACTS):
            audit.dropped(place, INTENTS, "", f"an unknown act: expected 0 to {len(ACTS) - 1}")
        else:
            yield Utterance(SPEAKERS[match[1]], match[2], place, ACTS[int(act)])


def _tagged_lines(path: Path, audit: Audit) -> Iterator[Utterance]:
    """The utterances of two parallel files. A line that is malformed in either is a loss with what it holds."""
    (tagged,) = input_files([path.with_name(path.name.replace("input", "output")).with_suffix(".bio")], ())
    pairs = zip_longest(*(read_lines(one, audit, instead=_UNREADABLE) for one in (path, tagged)), fillvalue=(0, ""))
    for (number, line), (other, tag_line) in pairs:
        place = Place(path, number) if number else Place(tagged, other)
        if not line.strip() and not tag_line.strip():
            continue
        words, tags = line.strip(" ").split(" "), tag_line.split()
        problem = _problem(words, tags)
        if not problem:
            yield _tagged(words, tags, place, audit)
        elif _UNREADABLE not in (line, tag_line):  # which is listed already
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


def _tagged(words: Sequence[str], tags: Sequence[str], place: Place, audit: Audit) -> Utterance:
    """An utterance without its speaker, to whom no tag may belong. A mention goes on while I- repeats its label."""
    speaker, _, text = "".join(words).partition("\uff1a")
    mentions: list[tuple[Bounds, str]] = []
    end, before = len(text) - sum(map(len, words)), "O"
    for word, tag in zip(words, tags):
        start, end = end, end + len(word)
        label = tag[2:]
        if label and tag[0] == "I" and before[2:] == label:
            mentions[-1] = (mentions[-1][0][0], end), label
        elif label:
            mentions.append(((start, end), label))
        before = tag
    for (start, _), _ in mentions:
        if start < 0:
            audit.dropped(place, ENTITIES, "", "a mention in the speaker's name")
    return Utterance(SPEAKERS[speaker], text, place, entities=[one for one in mentions if one[0][0] >= 0])
