"""CHIP-MDCFNPC: Chinese dialogues of doctors and patients online, one JSON object a line.

``{dialog_info: [{text, sender, ner: [{mention, range [start, end), type, attr}]}]}``; ranges are characters of the
utterance. To be read with the language ``zh``, whose tokens are characters, so that every span lies on whole tokens.

| attr   | said of                                                                       | status   |
| ------ | ----------------------------------------------------------------------------- | -------- |
| 阳性   | what the patient has or had                                                   | positive |
| 阴性   | what the patient does not have                                                | negative |
| 其他   | what was asked and not answered, or not clearly                               | unknown  |
| 不标注 | what does not concern the patient's state: general advice, names of tests     | unknown  |

The last one ("not annotated") is about the status only: the mention itself is marked as a finding. The progressive
learning paper trains on the marked mentions and names only positive and negative, not what it does with the other two;
to take them for findings with an open status keeps all marked mentions, and is what the guide of the sample corpus
says of general statements. Modifiers are not annotated.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import FINDINGS
from .audit import Audit, Place
from .findings import LABEL, FindingMention, write_findings
from .formats.json_lines import is_unicode, read_json_lines
from .turns import dialogue_doc, is_too_long

STATUS = {"阳性": "positive", "阴性": "negative", "其他": "unknown", "不标注": "unknown"}
SPEAKERS = {"医生": "D", "患者": "P"}  # the letters of the sample corpus: doctor, patient
TYPE = "clinical_findings"


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each dialogue: utterances, each a sentence, joined by line breaks; each break is the last token of
    the sentence before it.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    for path in paths:
        for place, row in read_json_lines(path, audit):
            utterances = row.get("dialog_info") if isinstance(row, dict) else None
            if not utterances or not isinstance(utterances, list) or not all(map(_is_utterance, utterances)):
                expected = f"utterances with text, sender ({' or '.join(SPEAKERS)}) and ner"
                audit.dropped(place, "line", "", f"expected a JSON object with dialog_info, a list of {expected}")
            elif is_too_long([one["text"] for one in utterances], nlp):
                audit.dropped(place, "line", "", "a dialogue longer than spaCy reads")
            else:
                yield _doc(utterances, nlp, audit, place)


def _is_utterance(one: Any) -> bool:
    if not isinstance(one, dict) or not {"text", "sender", "ner"} <= set(one):
        return False
    if [type(one[name]) for name in ("text", "sender", "ner")] != [str, str, list]:
        return False
    return bool(one["text"].strip()) and is_unicode(one["text"]) and one["sender"] in SPEAKERS


def _doc(utterances: Sequence[dict[str, Any]], nlp: Language, audit: Audit, place: Place) -> Doc:
    speakers = [SPEAKERS[one["sender"]] for one in utterances]
    doc, offsets, _ = dialogue_doc(nlp, [one["text"] for one in utterances], speakers)
    findings: list[FindingMention] = []
    for one, first in zip(utterances, offsets, strict=True):
        for entity in one["ner"]:
            problem = _problem(entity, one["text"])
            if problem:
                audit.dropped(place, FINDINGS, LABEL, problem)
            else:
                start, end = _bounds(entity, first)
                findings.append(FindingMention(start, end, LABEL, place, STATUS[entity["attr"]]))
    write_findings(doc, findings, audit, labels=[LABEL], modifiers=[])
    return doc


def _bounds(entity: dict[str, Any], first: int) -> tuple[int, int]:
    """Characters of the dialogue, of which the utterance begins at ``first``."""
    start, end = entity["range"]
    return first + start, first + end


def _problem(entity: Any, text: str) -> str:
    """What is wrong with a finding of an utterance, or nothing."""
    if not isinstance(entity, dict) or not {"mention", "range", "type", "attr"} <= set(entity):
        return "a finding that is not {mention, range, type, attr}"
    places = entity["range"]
    if not isinstance(places, list) or list(map(type, places)) != [int, int]:
        return "a range that is not [start, end]"
    if not 0 <= places[0] < places[1] <= len(text):
        return "the range is outside the utterance"
    if text[slice(*places)] != entity["mention"]:
        return "the mention is not what stands at its range"
    if entity["type"] != TYPE:
        return f"an unknown type: expected {TYPE}"
    if not isinstance(entity["attr"], str) or entity["attr"] not in STATUS:
        return f"an unknown status: expected one of {', '.join(STATUS)}"
    return ""
