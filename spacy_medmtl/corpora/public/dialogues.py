"""Dialogues of doctors and patients in Chinese: utterances, each a sentence, parted by line breaks; each break belongs
to the sentence before it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..audit import Place
from ..record import EXACT, Record, joined

SPEAKERS = {"医生": "D", "患者": "P"}  # the letters of the sample corpus: doctor, patient


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
