"""IMCS21 in files of lines, an utterance each, whose dialogues are not told apart; see ``imcs21``."""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby, zip_longest
from pathlib import Path
from typing import Any

from ...annotations.groups import ENTITIES, INTENTS
from ..audit import Audit, Place, need
from ..formats.conll import TaggedSentence, read_cell
from ..formats.files import UNREADABLE, input_files, read_lines
from .dialogues import SPEAKERS, Utterance

# in the order of class.txt, by which da_dev.txt numbers them
ACTS = (
    *("Request-Etiology", "Request-Precautions", "Request-Medical_Advice", "Inform-Etiology", "Diagnose"),
    *("Request-Basic_Information", "Request-Drug_Recommendation", "Inform-Medical_Advice"),
    *("Request-Existing_Examination_and_Treatment", "Inform-Basic_Information", "Inform-Precautions"),
    *("Inform-Existing_Examination_and_Treatment", "Inform-Drug_Recommendation", "Request-Symptom", "Inform-Symptom"),
    "Other",
)
SPOKEN = re.compile(f"({'|'.join(SPEAKERS)})\uff1a(.*)", re.DOTALL)
STRETCH = 40  # utterances in a record; dialogues have 42 on average
BLOCK = 10  # such records that stay together in a split, as a dialogue may run over their borders
MAX_CHARACTERS = 20_000  # of an utterance; none comes near, and a stretch of the longest can still be read


def stretches(utterances: Iterable[Utterance], audit: Audit) -> Iterator[tuple[str, list[Utterance]]]:
    """Utterances in stretches of one record each, with what a split keeps together."""
    for number, numbered in groupby(enumerate(utterances), key=lambda pair: pair[0] // STRETCH):
        stretch = [utterance for _, utterance in numbered]
        audit.note("utterances of dialogues that are not told apart", len(stretch))
        yield f"imcs21 block {number // BLOCK}", stretch


def act_lines(path: Path, audit: Audit) -> Iterator[Utterance]:
    """Utterances with their ``act``."""
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        with audit.losing(place):
            said, _, act = line.rpartition("\t")
            if line.strip():
                speaker, text = _said(said)
                is_known = re.fullmatch("[0-9]{1,2}", act) and int(act) < len(ACTS)
                need(is_known, f"an unknown act: expected 0 to {len(ACTS) - 1}", INTENTS)
                yield Utterance(speaker, text, place, {"act": ACTS[int(act)]})


def _said(line: str) -> tuple[str, str]:
    """Who speaks and what. Raises LossError."""
    match = SPOKEN.fullmatch(line) if len(line) <= MAX_CHARACTERS else None
    speaker, text = match.groups() if match is not None else ("", "")
    return speaker, need(text.strip() and text, f"expected {' or '.join(SPEAKERS)}, a fullwidth colon, the sentence")


def tagged_lines(path: Path, audit: Audit) -> Iterator[Utterance]:
    """Utterances with their entities (``ner``) of two parallel files. A line that is malformed in either is a loss with
    what it holds. Raises MedmtlError E402 for a file without its tags."""
    (tagged,) = input_files([path.with_name(path.name.replace("input", "output")).with_suffix(".bio")], ())
    pairs = zip_longest(*(read_lines(file, audit, instead=UNREADABLE) for file in (path, tagged)), fillvalue=(0, ""))
    for (number, line), (tag_number, tag_line) in pairs:
        place = Place(path, number) if number else Place(tagged, tag_number)
        if not line.strip() and not tag_line.strip():
            continue
        if UNREADABLE in (line, tag_line):  # which is listed already
            continue
        with audit.losing(place):
            words, tags = line.strip(" ").split(" "), tag_line.split()
            need(len(words) == len(tags), "the two files differ in the number of characters and tags")
            speaker, text = _said("".join(words))
            sentence = TaggedSentence(place, None)
            for word, tag in zip(words, tags):
                problem = "a tag that is neither O nor a label with B- or I- before it"
                cell = read_cell(tag)
                need(cell is not None, problem)
                sentence.add(word, [cell or ()], place.line, audit)
            entities: list[list[Any]] = []
            edges = list(accumulate(map(len, words), initial=len(text) - sum(map(len, words))))
            for mention in sentence.mentions:  # by characters of the text behind the speaker
                with audit.losing(place, ENTITIES):
                    need(edges[mention.start] >= 0, "a mention in the speaker's name")
                    entities.append([edges[mention.start], edges[mention.end], mention.label])
            yield Utterance(speaker, text, place, {"ner": entities})
