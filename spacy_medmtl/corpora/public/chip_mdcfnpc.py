"""CHIP-MDCFNPC: Chinese dialogues of doctors and patients online, one JSON object a line.

``{dialog_info: [{text, sender, ner: [{mention, range [start, end), type, attr}]}]}``; ranges are characters of the
utterance. Tokens of the language ``zh`` are characters, so that every span lies on whole tokens.

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

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...annotations.groups import FINDINGS
from ..audit import Audit
from ..formats.json_files import read_json_lines
from ..formats.json_values import Mention, has_types, mentions, within
from ..reader import Reader
from ..record import Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme
from .dialogues import SPEAKERS, Utterance, dialogue_record

STATUSES = {"阳性": "positive", "阴性": "negative", "其他": "unknown", "不标注": "unknown"}
TYPE = "clinical_findings"


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The dialogues of a file. Raises MedmtlError E401 at the first loss in stop mode."""
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


READER = Reader(read, Scheme(group=FINDINGS_ONLY, finding_label=FINDING))


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
    if given["type"] != TYPE:
        return f"an unknown type: expected {TYPE}"
    if not isinstance(given["attr"], str) or given["attr"] not in STATUSES:
        return f"an unknown status: expected one of {', '.join(STATUSES)}"
    return bounds[0], bounds[1], FINDING, asserted(STATUSES[given["attr"]])
