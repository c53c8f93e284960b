"""IMCS21: Chinese dialogues of doctors and patients, as the corpora of four tasks.

The dialogue acts and the entities are published as files of lines that do not show where a dialogue ends. Hence two
forms are read. Where the four tasks are learnt together, take the aligned one: it keeps the dialogues, and all four
readers put a dialogue on the same side of a split.

| file                  | readers             | holds                                                                |
| --------------------- | ------------------- | -------------------------------------------------------------------- |
| ``aligned_dev.jsonl`` | da, ner, status, qa | a line a dialogue: {id, turns: [{speaker, text, act, ner, symptoms}]} |
| ``da_dev.txt``        | da                  | speaker, fullwidth colon, sentence, tab, number of the act           |
| ``input.seq.char``    | ner                 | the same without the act, characters parted by blanks; their tags    |
|                       |                     | stand in ``output.seq.bio`` beside it (``imcs21_lines``)             |

A symptom is ``[start, end, name, status]``, the offsets being characters of the utterance: 1, the patient has it
(positive), 2, does not have it (negative), 3, uncertain (unknown). The name is the standard one, which is not used.

Pairs of question and answer are built as the progressive learning paper describes them: a positive pair is an adjacent
question and answer that belong together, a negative one has its question or its answer replaced at random. Here a pair
is a question of the doctor and the very next utterance, of the patient, whose act informs on what the question's act
requests; so the acts say that the two belong together. The substitute comes from another dialogue of the same group,
and groups stay together in a split: no text of one part is seen in another.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...annotations.groups import ENTITIES, FINDINGS, INTENTS
from ..audit import Audit, Place
from ..formats.json_files import read_json_lines
from ..formats.json_values import has_types, within
from ..reader import Reader
from ..record import EXACT, Bounds, Entity, Record, asserted, is_unicode, joined
from ..scheme import FINDING, FINDINGS_ONLY, Scheme
from . import imcs21_lines
from .dialogues import SPEAKERS

TYPES = ("Drug", "Drug_Category", "Medical_Examination", "Operation", "Symptom")
STATUSES = {"1": "positive", "2": "negative", "3": "unknown"}
ANSWERS = "answers"  # as in the sample corpus
REQUEST, INFORM = "Request-", "Inform-"
N_GROUPS = 64  # groups of dialogues, kept together in a split: substituted answers come from the same group
NOT_GIVEN = "utterances whose {} are not given, taken to have none"


@dataclass(frozen=True)
class Dialogue:
    """A dialogue of the aligned form, its turns as the file has them."""

    id: str
    turns: list[dict[str, Any]]
    place: Place

    @property
    def group(self) -> str:
        """What a split keeps together: one of ``N_GROUPS`` groups, by hash, so the same for all readers."""
        return f"imcs21 {int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % N_GROUPS}"

    def record(self) -> tuple[Record, list[int]]:
        """The record, not annotated but with turns, and where each utterance begins."""
        text, starts = joined([one["text"] for one in self.turns], "\n")
        turns: list[tuple[int, str | None]] = [(at, SPEAKERS[one["speaker"]]) for at, one in zip(starts, self.turns)]
        return Record(text, self.place, key=self.group, turns=turns, starts=starts, sentences=EXACT), starts


@dataclass(frozen=True)
class Exchange:
    """A question with its answer."""

    question: str
    answer: str
    dialogue: str
    place: Place


def read_dialogues(path: Path, audit: Audit) -> Iterator[Dialogue]:
    """The dialogues of the aligned form. A malformed one is a loss (MedmtlError E401 in stop mode)."""
    for place, row in read_json_lines(path, audit):
        if has_types(row, {"id": str, "turns": list}) and row["turns"] and all(map(_is_turn, row["turns"])):
            yield Dialogue(row["id"], row["turns"], place)
        else:
            expected = f"turns with text, speaker ({' or '.join(SPEAKERS)}), act, ner and symptoms"
            audit.dropped(place, "line", "", f"expected a JSON object with id and turns, a list of {expected}")


def _is_turn(one: Any) -> bool:
    if not has_types(one, {"text": str, "speaker": str}) or not isinstance(one.get("act"), str):
        return False
    are_lists = all(name in one and isinstance(one[name], (list, type(None))) for name in ("ner", "symptoms"))
    return are_lists and is_unicode(one["act"]) and one["speaker"] in SPEAKERS


def read_acts(path: Path, audit: Audit) -> Iterator[Record]:
    """Dialogues of the aligned form (``.jsonl``), or stretches of a file of lines, with the act of each utterance.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    if path.suffix != ".jsonl":
        yield from imcs21_lines.read_acts(path, audit)
        return
    for dialogue in read_dialogues(path, audit):
        record, starts = dialogue.record()
        units: list[tuple[Bounds, str]] = []
        for one, bounds in zip(dialogue.turns, pairwise([*starts, len(record.text)])):
            if one["act"] in imcs21_lines.ACTS:
                units.append((bounds, one["act"]))
            else:
                expected = ", ".join(imcs21_lines.ACTS)
                audit.dropped(dialogue.place, INTENTS, "", f"an unknown act: expected one of {expected}")
        record.units = units
        yield record


def read_entities(path: Path, audit: Audit) -> Iterator[Record]:
    """Dialogues of the aligned form, or stretches of a ``.char`` file, with entities. Raises MedmtlError E401 at the
    first loss in stop mode, E402 for a ``.char`` file without its tags."""
    if path.suffix == ".char":
        yield from imcs21_lines.read_entities(path, audit)
        return
    for dialogue in read_dialogues(path, audit):
        record, starts = dialogue.record()
        record.entities = []
        for one, at in zip(dialogue.turns, starts):
            audit.note(NOT_GIVEN.format("entities"), int(one["ner"] is None))
            for given in one["ner"] or ():
                if not isinstance(given, list) or len(given) != 3 or not isinstance(given[2], str):
                    audit.dropped(dialogue.place, ENTITIES, "", "an entity that is not [start, end, type]")
                elif not within(given[0], given[1], one["text"]):
                    audit.dropped(dialogue.place, ENTITIES, "", "the offsets are outside the utterance")
                else:
                    bounds = at + given[0], at + given[1]
                    record.entities.append(Entity(given[2], (bounds,), dialogue.place))
        yield record


def read_statuses(path: Path, audit: Audit) -> Iterator[Record]:
    """Dialogues of the aligned form with symptoms. Raises MedmtlError E401 at the first loss in stop mode."""
    for dialogue in read_dialogues(path, audit):
        record, starts = dialogue.record()
        record.entities = []
        for one, at in zip(dialogue.turns, starts):
            audit.note(NOT_GIVEN.format("symptoms"), int(one["symptoms"] is None))
            for given in one["symptoms"] or ():
                problem = _symptom_problem(given, one["text"])
                if problem:
                    audit.dropped(dialogue.place, FINDINGS, FINDING, problem)
                else:
                    start, end, _, status = given
                    bounds = at + start, at + end
                    said = asserted(STATUSES[status])
                    record.entities.append(Entity(FINDING, (bounds,), dialogue.place, said))
        yield record


def _symptom_problem(given: Any, text: str) -> str:
    """What is wrong with a symptom of an utterance, or nothing."""
    if not isinstance(given, list) or len(given) != 4 or not isinstance(given[3], str):
        return "a symptom that is not [start, end, name, status]"
    if not within(given[0], given[1], text):
        return "the offsets are outside the utterance"
    return "" if given[3] in STATUSES else f"an unknown status: expected one of {', '.join(STATUSES)}"


def read_exchanges(path: Path, audit: Audit, *, seed: int = 0) -> Iterator[Record]:
    """Two pairs for each question with its answer: these (it holds), and a substituted one (it does not), drawn with
    ``seed``. The file is read twice, as substitutes may stand anywhere. Raises MedmtlError E401 at the first loss in
    stop mode."""
    groups: dict[str, list[Exchange]] = {}
    for dialogue in read_dialogues(path, audit.first_look()):
        groups.setdefault(dialogue.group, []).extend(_exchanges(dialogue))
    draw = random.Random(seed)
    for dialogue in read_dialogues(path, audit):
        for one in _exchanges(dialogue):
            other = _substituted(one, groups[dialogue.group], draw)
            audit.note("pairs without another dialogue to take a substitute from", int(other is None))
            judged = [((one.question, one.answer), ANSWERS), *([(other, None)] if other else [])]
            for (first, second), verdict in judged:
                key = dialogue.group
                yield Record(first, one.place, second=second, verdict=verdict, key=key, sentences=EXACT)


def _exchanges(dialogue: Dialogue) -> Iterator[Exchange]:
    for first, second in pairwise(dialogue.turns):
        speakers = SPEAKERS[first["speaker"]], SPEAKERS[second["speaker"]]
        is_asked = speakers == ("D", "P") and first["act"].startswith(REQUEST)
        if is_asked and second["act"] == INFORM + first["act"].removeprefix(REQUEST):
            yield Exchange(first["text"], second["text"], dialogue.id, dialogue.place)


def _substituted(one: Exchange, group: Sequence[Exchange], draw: random.Random) -> tuple[str, str] | None:
    """The pair with its question or its answer replaced by that of another dialogue; none if there is no other text.

    What is a pair somewhere in the group is no negative one.
    """
    real = {(other.question, other.answer) for other in group}
    others = [other for other in group if other.dialogue != one.dialogue]
    answers = [(one.question, other.answer) for other in others]
    questions = [(other.question, one.answer) for other in others]
    choices = [[texts for texts in side if texts not in real] for side in (answers, questions)]
    sides = [side for side in choices if side]
    return draw.choice(draw.choice(sides)) if sides else None


ACTS = Reader(read_acts, Scheme(classes=imcs21_lines.ACTS))
ENTITY_READER = Reader(read_entities, Scheme(types={name: name for name in TYPES}), patterns=("*.char",))
STATUS_READER = Reader(read_statuses, Scheme(group=FINDINGS_ONLY, finding_label=FINDING))
EXCHANGES = Reader(read_exchanges, Scheme(relations=[ANSWERS]))
