"""IMCS21, symptoms in dialogues: whether the patient has them.

A symptom is ``[start, end, name, status]``, the offsets being characters of the utterance. The name is the standard
one, which is not used.

| status | the patient      | written  |
| ------ | ---------------- | -------- |
| 1      | has it           | positive |
| 2      | does not have it | negative |
| 3      | uncertain        | unknown  |
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import FINDINGS
from .audit import Audit
from .findings import LABEL, FindingMention, write_findings
from .imcs21 import Dialogue, aligned_doc, read_dialogues, within

STATUS = {"1": "positive", "2": "negative", "3": "unknown"}
NOT_GIVEN = "utterances whose symptoms are not given, taken to have none"


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each dialogue of the aligned form. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        for dialogue in read_dialogues(path, nlp, audit):
            doc, offsets, _ = aligned_doc(dialogue, nlp)
            write_findings(doc, _findings(dialogue, offsets, audit), audit, labels=[LABEL], modifiers=[])
            yield doc


def _findings(dialogue: Dialogue, offsets: Sequence[int], audit: Audit) -> list[FindingMention]:
    findings: list[FindingMention] = []
    for one, first in zip(dialogue.utterances, offsets, strict=True):
        audit.note(NOT_GIVEN, int(one.symptoms is None))
        for symptom in one.symptoms or ():
            problem = _problem(symptom, one.text)
            if problem:
                audit.dropped(dialogue.place, FINDINGS, LABEL, problem)
            else:
                start, end, _, status = symptom
                findings.append(FindingMention(first + start, first + end, LABEL, dialogue.place, STATUS[status]))
    return findings


def _problem(symptom: Any, text: str) -> str:
    """What is wrong with a symptom of an utterance, or nothing."""
    if not isinstance(symptom, list) or len(symptom) != 4 or not isinstance(symptom[3], str):
        return "a symptom that is not [start, end, name, status]"
    if not within(symptom[0], symptom[1], text):
        return "the offsets are outside the utterance"
    if symptom[3] not in STATUS:
        return f"an unknown status: expected one of {', '.join(STATUS)}"
    return ""
