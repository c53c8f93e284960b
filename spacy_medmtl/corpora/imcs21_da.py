"""IMCS21, what each utterance of a dialogue does: ask or tell, and about what."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import INTENTS
from .audit import Audit, Place
from .docs import keep_together
from .formats.lines import read_lines
from .imcs21 import MAX_CHARACTERS, SPEAKERS, SPOKEN, SPOKEN_FORM, aligned_doc, read_dialogues, stretches
from .intents import write_intents
from .turns import dialogue_doc

# in the order of class.txt, by which da_dev.txt numbers them
ACTS = (
    "Request-Etiology",
    "Request-Precautions",
    "Request-Medical_Advice",
    "Inform-Etiology",
    "Diagnose",
    "Request-Basic_Information",
    "Request-Drug_Recommendation",
    "Inform-Medical_Advice",
    "Request-Existing_Examination_and_Treatment",
    "Inform-Basic_Information",
    "Inform-Precautions",
    "Inform-Existing_Examination_and_Treatment",
    "Inform-Drug_Recommendation",
    "Request-Symptom",
    "Inform-Symptom",
    "Other",
)


@dataclass(frozen=True)
class _Line:
    speaker: str
    text: str
    act: str


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each dialogue of the aligned form (``.jsonl``), or for each stretch of utterances of a file of lines.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    for path in paths:
        if path.suffix == ".jsonl":
            for dialogue in read_dialogues(path, nlp, audit):
                doc, _, bounds = aligned_doc(dialogue, nlp)
                acts = [one.act if one.act in ACTS else None for one in dialogue.utterances]
                for _ in range(acts.count(None)):
                    audit.dropped(dialogue.place, INTENTS, "", f"an unknown act: expected one of {', '.join(ACTS)}")
                write_intents(doc, bounds, acts, ACTS)
                yield doc
        else:
            for key, lines in stretches(_lines(path, audit), audit):
                yield _stretch_doc(key, lines, nlp)


def _stretch_doc(key: str, lines: list[_Line], nlp: Language) -> Doc:
    doc, _, bounds = dialogue_doc(nlp, [line.text for line in lines], [line.speaker for line in lines])
    write_intents(doc, bounds, [line.act for line in lines], ACTS)
    keep_together(doc, key)
    return doc


def _lines(path: Path, audit: Audit) -> Iterator[_Line]:
    for number, line in read_lines(path, audit):
        if not line.strip():
            continue
        said, _, act = line.rpartition("\t")
        match = SPOKEN.fullmatch(said)
        if match is None or not match[2].strip() or len(line) > MAX_CHARACTERS:
            audit.dropped(Place(path, number), "line", "", f"expected {SPOKEN_FORM}, a tab, the number of the act")
        elif not re.fullmatch("[0-9]{1,2}", act) or int(act) >= len(ACTS):
            audit.dropped(Place(path, number), INTENTS, "", f"an unknown act: expected 0 to {len(ACTS) - 1}")
        else:
            yield _Line(SPEAKERS[match[1]], match[2], ACTS[int(act)])
