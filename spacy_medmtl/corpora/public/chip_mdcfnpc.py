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
from ..formats.json_values import has_types, within
from ..reader import Reader
from ..record import EXACT, Entity, Record, asserted, joined
from ..scheme import FINDING, FINDINGS_ONLY, Scheme
from .dialogues import SPEAKERS

STATUSES = {"阳性": "positive", "阴性": "negative", "其他": "unknown", "不标注": "unknown"}
TYPE = "clinical_findings"


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The dialogues of a file: utterances, each a sentence, joined by line breaks; each break belongs to the sentence
    before it. Raises MedmtlError E401 at the first loss in stop mode."""
    for place, row in read_json_lines(path, audit):
        utterances = row.get("dialog_info") if isinstance(row, dict) else None
        if not utterances or not isinstance(utterances, list) or not all(map(_is_utterance, utterances)):
            expected = f"utterances with text, sender ({' or '.join(SPEAKERS)}) and ner"
            audit.dropped(place, "line", "", f"expected a JSON object with dialog_info, a list of {expected}")
            continue
        text, starts = joined([one["text"] for one in utterances], "\n")
        turns = [(start, SPEAKERS[one["sender"]]) for start, one in zip(starts, utterances)]
        entities: list[Entity] = []
        for one, at in zip(utterances, starts):
            for given in one["ner"]:
                problem = _problem(given, one["text"])
                if problem:
                    audit.dropped(place, FINDINGS, FINDING, problem)
                else:
                    start, end = given["range"]
                    status = asserted(STATUSES[given["attr"]])
                    entities.append(Entity(FINDING, ((at + start, at + end),), place, status))
        yield Record(text, place, entities=entities, turns=list(turns), starts=starts, sentences=EXACT)


READER = Reader(read, Scheme(group=FINDINGS_ONLY, finding_label=FINDING))


def _is_utterance(one: Any) -> bool:
    return has_types(one, {"text": str, "sender": str, "ner": list}) and one["sender"] in SPEAKERS


def _problem(given: Any, text: str) -> str:
    """What is wrong with a finding of an utterance, or nothing."""
    if not isinstance(given, dict) or not {"mention", "range", "type", "attr"} <= set(given):
        return "a finding that is not {mention, range, type, attr}"
    places = given["range"]
    if not isinstance(places, list) or list(map(type, places)) != [int, int]:
        return "a range that is not [start, end]"
    if not within(places[0], places[1], text):
        return "the range is outside the utterance"
    if text[slice(*places)] != given["mention"]:
        return "the mention is not what stands at its range"
    if given["type"] != TYPE:
        return f"an unknown type: expected {TYPE}"
    if not isinstance(given["attr"], str) or given["attr"] not in STATUSES:
        return f"an unknown status: expected one of {', '.join(STATUSES)}"
    return ""
