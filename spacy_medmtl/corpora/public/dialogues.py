"""Dialogues of doctors and patients in Chinese: utterances, each a sentence, parted by line breaks; each break belongs
to the sentence before it. CHIP-MDCFNPC here, IMCS21 in ``imcs21``. Tokens of the language ``zh`` are characters, so
that every span lies on whole tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place, need, one_of
from ..formats.json_files import read_json_lines
from ..formats.json_values import Mention, has_types, mentions, within
from ..reader import Reader
from ..record import EXACT, Record, asserted, joined
from ..scheme import FINDING, FINDINGS_ONLY, Scheme

SPEAKERS = {"医生": "D", "患者": "P"}  # the letters of the sample corpus: doctor, patient
# What the patient has or had; does not have; what was asked and not answered; what does not concern the patient's
# state. The last ("not annotated") is about the status only, the mention is marked all the same: so it is a finding of
# an open status, as general statements are in the guide of the sample corpus. Modifiers are not annotated.
CHIP_STATUSES = {"阳性": "positive", "阴性": "negative", "其他": "unknown", "不标注": "unknown"}
CHIP_TYPE = "clinical_findings"


@dataclass(frozen=True)
class Utterance:
    """What one side says. ``given``: its annotations by kind, as the file has them; ``place`` is theirs."""

    speaker: str
    text: str
    place: Place
    given: dict[str, Any] = field(default_factory=dict)


def dialogue_record(utterances: Sequence[Utterance], key: str | None = None) -> Record:
    """The record of at least one utterance, annotated with turns; ``starts`` has where each utterance begins."""
    text, starts = joined([utterance.text for utterance in utterances], "\n")
    turns: list[tuple[int, str | None]] = [(at, SPEAKERS[said.speaker]) for at, said in zip(starts, utterances)]
    return Record(text, utterances[0].place, key=key, turns=turns, starts=starts, sentences=EXACT)


def read_chip(path: Path, audit: Audit) -> Iterator[Record]:
    """An object ``{dialog_info: [{text, sender, ner: [{mention, range [start, end), type, attr}]}]}`` a line; ranges
    are characters of the utterance."""
    for place, value in read_json_lines(path, audit):
        with audit.losing(place):
            given = value.get("dialog_info", []) if isinstance(value, dict) else []
            is_dialogue = bool(given) and isinstance(given, list) and all(map(_is_utterance, given))
            need(is_dialogue, "expected a JSON object with dialog_info, a list of utterances with text, sender and ner")
            record = dialogue_record([Utterance(said["sender"], said["text"], place) for said in given])
            record.entities = [
                entity
                for said, at in zip(given, record.starts)
                for entity in mentions(said["ner"], said["text"], _finding, place, audit, at, FINDINGS, FINDING)
            ]
            yield record


def _is_utterance(said: Any) -> bool:
    return has_types(said, text=str, sender=str, ner=list) and said["sender"] in SPEAKERS


def _finding(given: Any, text: str) -> Mention:
    """Raises LossError."""
    has_all = isinstance(given, dict) and {"mention", "range", "type", "attr"} <= set(given)
    need(has_all, "a finding that is not {mention, range, type, attr}")
    bounds = given["range"]
    is_range = isinstance(bounds, list) and list(map(type, bounds)) == [int, int]
    need(is_range, "a range that is not [start, end]")
    start, end = within(bounds[0], bounds[1], text)
    need(text[start:end] == given["mention"], "the mention is not what stands at its range")
    one_of(given["type"], (CHIP_TYPE,), "type")
    return (start, end), FINDING, asserted(CHIP_STATUSES[one_of(given["attr"], CHIP_STATUSES, "status")])


CHIP_MDCFNPC = Reader(read_chip, Scheme(group=FINDINGS_ONLY, finding_label=FINDING))
