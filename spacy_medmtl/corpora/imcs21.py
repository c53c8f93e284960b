"""IMCS21: Chinese dialogues of doctors and patients, as the corpora of four tasks. To be read with the language ``zh``.

The dialogue acts and the entities are published as files of lines that do not show where a dialogue ends. Hence two
forms are read. Where the four tasks are learnt together, take the aligned one: it keeps the dialogues, and all four
converters put a dialogue on the same side of a split.

| file                  | converters          | holds                                                                |
| --------------------- | ------------------- | -------------------------------------------------------------------- |
| ``aligned_dev.jsonl`` | da, ner, status, qa | a line a dialogue: {id, turns: [{speaker, text, act, ner, symptoms}]} |
| ``da_dev.txt``        | da                  | speaker, fullwidth colon, sentence, tab, number of the act           |
| ``input.seq.char``    | ner                 | the same without the act, characters parted by blanks; their tags    |
|                       |                     | stand in ``output.seq.bio`` beside it                                |
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit, Place
from .docs import keep_together
from .formats.json_lines import is_unicode, read_json_lines
from .turns import dialogue_doc, is_too_long

SPEAKERS = {"医生": "D", "患者": "P"}  # the letters of the sample corpus: doctor, patient
SPOKEN = re.compile(f"({'|'.join(SPEAKERS)})\uff1a(.*)", re.DOTALL)
SPOKEN_FORM = f"{' or '.join(SPEAKERS)}, a fullwidth colon, the sentence"
STRETCH = 40  # utterances in a Doc where dialogues are not told apart; dialogues have 42 on average
BLOCK = 10  # such Docs that stay together in a split, as a dialogue may run over their borders
MAX_CHARACTERS = 20_000  # of an utterance there; none comes near, and a stretch of the longest can still be read
N_GROUPS = 64  # groups of dialogues, kept together in a split: substituted answers come from the same group
Item = TypeVar("Item")


@dataclass(frozen=True)
class Utterance:
    """What one side says, and the annotations of the file as they are; None: not annotated."""

    speaker: str
    text: str
    act: str
    entities: list[Any] | None
    symptoms: list[Any] | None


@dataclass(frozen=True)
class Dialogue:
    """A dialogue of the aligned form."""

    id: str
    utterances: list[Utterance]
    place: Place

    @property
    def group(self) -> str:
        """What a split keeps together: one of ``N_GROUPS`` groups, by hash, so the same for all converters."""
        return f"imcs21 {int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % N_GROUPS}"


def read_dialogues(path: Path, nlp: Language, audit: Audit) -> Iterator[Dialogue]:
    """The dialogues of the aligned form. A malformed one is a loss (MedmtlError E401 in stop mode)."""
    for place, row in read_json_lines(path, audit):
        turns = row.get("turns") if isinstance(row, dict) else None
        identifier = row.get("id") if isinstance(row, dict) else None
        if not isinstance(identifier, str) or not is_unicode(identifier) or not _are_turns(turns):
            expected = f"turns with text, speaker ({' or '.join(SPEAKERS)}), act, ner and symptoms"
            audit.dropped(place, "line", "", f"expected a JSON object with id and turns, a list of {expected}")
            continue
        utterances = [
            Utterance(SPEAKERS[one["speaker"]], one["text"], one["act"], one["ner"], one["symptoms"]) for one in turns
        ]
        if is_too_long([one.text for one in utterances], nlp):
            audit.dropped(place, "line", "", "a dialogue longer than spaCy reads")
        else:
            yield Dialogue(identifier, utterances, place)


def _are_turns(turns: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(turns, list) and bool(turns) and all(map(_is_turn, turns))


def _is_turn(one: Any) -> bool:
    if not isinstance(one, dict) or not {"speaker", "text", "act", "ner", "symptoms"} <= set(one):
        return False
    if not all(isinstance(one[name], str) for name in ("speaker", "text", "act")):
        return False
    if not all(one[name] is None or isinstance(one[name], list) for name in ("ner", "symptoms")):
        return False
    return bool(one["text"].strip()) and is_unicode(one["text"]) and one["speaker"] in SPEAKERS


def aligned_doc(dialogue: Dialogue, nlp: Language) -> tuple[Doc, list[int], list[tuple[int, int]]]:
    """The Doc of a dialogue, and of each utterance the first character and the token bounds."""
    texts = [one.text for one in dialogue.utterances]
    doc, offsets, bounds = dialogue_doc(nlp, texts, [one.speaker for one in dialogue.utterances])
    keep_together(doc, dialogue.group)
    return doc, offsets, bounds


def stretches(items: Iterable[Item], audit: Audit) -> Iterator[tuple[str, list[Item]]]:
    """Items of a file whose dialogues are not told apart, in stretches, and what a split keeps together of them."""
    for number, numbered in groupby(enumerate(items), key=lambda pair: pair[0] // STRETCH):
        stretch = [item for _, item in numbered]
        audit.note("utterances of dialogues that are not told apart", len(stretch))
        yield f"imcs21 block {number // BLOCK}", stretch


def within(start: Any, end: Any, text: str) -> bool:
    """Whether two values are character offsets of at least one character of an utterance."""
    return type(start) is int and type(end) is int and 0 <= start < end <= len(text)
