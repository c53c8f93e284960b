"""Dialogues of doctors and patients in Chinese: utterances, each a sentence, parted by line breaks; each break belongs
to the sentence before it. CHIP-MDCFNPC here, IMCS21 in ``imcs21``. Tokens of the language ``zh`` are characters, so
that every span lies on whole tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place
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
    for place, row in read_json_lines(path, audit):
        given = row.get("dialog_info") if isinstance(row, dict) else None
        if not given or not isinstance(given, list) or not all(map(_is_utterance, given)):
            expected = f"utterances with text, sender ({' or '.join(SPEAKERS)}) and ner"
            audit.dropped(place, "line", "", f"expected a JSON object with dialog_info, a list of {expected}")
            continue
        record = dialogue_record([Utterance(said["sender"], said["text"], place) for said in given])
        record.entities = [
            entity
            for said, at in zip(given, record.starts)
            for entity in mentions(said["ner"], said["text"], _finding, place, audit, at, FINDINGS, FINDING)
        ]
        yield record


def _is_utterance(said: Any) -> bool:
    return has_types(said, {"text": str, "sender": str, "ner": list}) and said["sender"] in SPEAKERS


def _finding(given: Any, text: str) -> Mention | str:
    if not isinstance(given, dict) or not {"mention", "range", "type", "attr"} <= set(given):
        return "a finding that is not {mention, range, type, attr}"
    bounds = given["range"]
    if not isinstance(bounds, list) or list(map(type, bounds)) != [int, int]:
        return "a range that is not [start, end]"
    if not within(bounds[0], bounds[1], text):
        return "the range is outside the utterance"
    if text[slice(*bounds)] != given["mention"]:
        return "the mention is not what stands at its range"
    if given["type"] != CHIP_TYPE:
        return f"an unknown type: expected {CHIP_TYPE}"
    if not isinstance(given["attr"], str) or given["attr"] not in CHIP_STATUSES:
        return f"an unknown status: expected one of {', '.join(CHIP_STATUSES)}"
    return bounds[0], bounds[1], FINDING, asserted(CHIP_STATUSES[given["attr"]])


CHIP_MDCFNPC = Reader(read_chip, Scheme(group=FINDINGS_ONLY, finding_label=FINDING))
