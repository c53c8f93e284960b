"""IMCS21: Chinese dialogues of doctors and patients, as the corpora of four tasks.

Acts and entities are published as files of lines that do not show where a dialogue ends. Where the four tasks are
learnt together, take the aligned form: all four readers put a dialogue on the same side of a split.

| file                  | readers             | holds                                                                |
| --------------------- | ------------------- | -------------------------------------------------------------------- |
| ``aligned_dev.jsonl`` | da, ner, status, qa | a line a dialogue: {id, turns: [{speaker, text, act, ner, symptoms}]} |
| ``da_dev.txt``        | da                  | speaker, fullwidth colon, sentence, tab, number of the act           |
| ``input.seq.char``    | ner                 | the same without the act, characters parted by blanks; their tags    |
|                       |                     | stand in ``output.seq.bio`` beside it (``imcs21_lines``)             |

A symptom is ``[start, end, name, status]``, the offsets being characters of the utterance: 1, the patient has it
(positive), 2, does not have it (negative), 3, uncertain (unknown). The name is the standard one, which is not used.

Pairs are built as the progressive learning paper describes them: a positive pair is an adjacent question and answer
that belong together, a negative one has one of the two replaced at random. Here a pair is a question of the doctor and
the very next utterance, of the patient, whose act informs on what the question's act requests. The substitute comes
from another dialogue of the same group, and groups stay together in a split.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...annotations.groups import ENTITIES, FINDINGS, INTENTS
from ..audit import Audit, Place, need, one_of
from ..formats.json_files import read_json_lines
from ..formats.json_values import Mention, has_types, mentions, typed_span, within
from ..reader import Reader
from ..record import EXACT, Record, asserted, is_unicode
from ..scheme import FINDING, FINDINGS_ONLY, Scheme, own_names
from .dialogues import SPEAKERS, Utterance, dialogue_record
from .imcs21_lines import ACTS as ACT_NAMES
from .imcs21_lines import act_lines, stretches, tagged_lines

TYPES = ("Drug", "Drug_Category", "Medical_Examination", "Operation", "Symptom")
STATUSES = {"1": "positive", "2": "negative", "3": "unknown"}
ANSWERS = "answers"  # as in the sample corpus
REQUEST, INFORM = "Request-", "Inform-"
N_GROUPS = 64  # groups of dialogues, kept together in a split: substituted answers come from the same group
NOT_GIVEN = "utterances whose {} are not given, taken to have none"
Dialogue = tuple[str, list[Utterance]]  # what a split keeps together, the utterances
Exchange = tuple[tuple[str, str], Place]  # a question with its answer, the place of their dialogue


def read_dialogues(path: Path, audit: Audit) -> Iterator[Dialogue]:
    """The dialogues of the aligned form, in one of ``N_GROUPS`` groups, by hash, so the same for all readers."""
    for place, value in read_json_lines(path, audit):
        with audit.losing(place):
            is_dialogue = has_types(value, id=str, turns=list) and value["turns"] and all(map(_is_turn, value["turns"]))
            need(is_dialogue, "expected a JSON object with id and turns, with text, speaker, act, ner and symptoms")
            group = int(hashlib.sha256(value["id"].encode()).hexdigest(), 16) % N_GROUPS
            yield f"imcs21 {group}", [Utterance(turn["speaker"], turn["text"], place, turn) for turn in value["turns"]]


def _is_turn(value: Any) -> bool:
    if not has_types(value, text=str, speaker=str) or not isinstance(value.get("act"), str):
        return False
    are_lists = all(name in value and isinstance(value[name], (list, type(None))) for name in ("ner", "symptoms"))
    return are_lists and is_unicode(value["act"]) and value["speaker"] in SPEAKERS


def read_acts(path: Path, audit: Audit) -> Iterator[Record]:
    """Dialogues of the aligned form (``.jsonl``), or stretches of a file of lines, with the act of each utterance."""
    is_aligned = path.suffix == ".jsonl"
    dialogues = read_dialogues(path, audit) if is_aligned else stretches(act_lines(path, audit), audit)
    for key, utterances in dialogues:
        record = dialogue_record(utterances, key)
        record.units = []
        for utterance, bounds in zip(utterances, pairwise([*record.starts, len(record.text)])):
            with audit.losing(utterance.place, INTENTS):
                record.units.append((bounds, one_of(utterance.given["act"], ACT_NAMES, "act")))
        yield record


def read_entities(path: Path, audit: Audit) -> Iterator[Record]:
    """Dialogues of the aligned form, or stretches of a ``.char`` file, with entities. Raises MedmtlError
    E402 for a ``.char`` file without its tags."""
    is_aligned = path.suffix != ".char"
    dialogues = read_dialogues(path, audit) if is_aligned else stretches(tagged_lines(path, audit), audit)
    return _with_mentions(dialogues, "ner", "entities", audit)


def read_statuses(path: Path, audit: Audit) -> Iterator[Record]:
    """Dialogues of the aligned form with symptoms."""
    return _with_mentions(read_dialogues(path, audit), "symptoms", "symptoms", audit)


def _with_mentions(dialogues: Iterator[Dialogue], member: str, what: str, audit: Audit) -> Iterator[Record]:
    """Dialogues with the mentions under a member of each utterance."""
    read, kind, label = (typed_span, ENTITIES, "") if member == "ner" else (_symptom, FINDINGS, FINDING)
    for key, utterances in dialogues:
        record = dialogue_record(utterances, key)
        record.entities = []
        for utterance, at in zip(utterances, record.starts):
            given = utterance.given[member]
            audit.note(NOT_GIVEN.format(what), int(given is None))
            record.entities += mentions(given or (), utterance.text, read, utterance.place, audit, at, kind, label)
        yield record


def _symptom(given: Any, text: str) -> Mention:
    """Raises LossError."""
    is_symptom = isinstance(given, list) and len(given) == 4 and isinstance(given[3], str)
    need(is_symptom, "a symptom that is not [start, end, name, status]")
    status = STATUSES[one_of(given[3], STATUSES, "status")]
    return within(given[0], given[1], text), FINDING, asserted(status)


def read_exchanges(path: Path, audit: Audit, *, seed: int = 0) -> Iterator[Record]:
    """Two pairs for each question with its answer: these (it holds), and a substituted one (it does not), drawn with
    ``seed``. The file is read twice, as substitutes may stand anywhere."""
    groups: dict[str, list[Exchange]] = {}
    for key, utterances in read_dialogues(path, audit.first_look()):
        groups.setdefault(key, []).extend(_exchanges(utterances))
    draw = random.Random(seed)
    for key, utterances in read_dialogues(path, audit):
        for exchange in _exchanges(utterances):
            substitute = _substituted(exchange, groups[key], draw)
            audit.note("pairs without another dialogue to take a substitute from", int(substitute is None))
            own, place = exchange
            for pair, verdict in ((own, ANSWERS), (substitute, None)):
                if pair is not None:
                    first, second = pair
                    yield Record(first, place, second=second, verdict=verdict, key=key, sentences=EXACT)


def _exchanges(utterances: Sequence[Utterance]) -> Iterator[Exchange]:
    for first, second in pairwise(utterances):
        asked, told = first.given["act"], second.given["act"]
        is_asked = (SPEAKERS[first.speaker], SPEAKERS[second.speaker]) == ("D", "P") and asked.startswith(REQUEST)
        if is_asked and told == INFORM + asked.removeprefix(REQUEST):
            yield (first.text, second.text), first.place


def _substituted(exchange: Exchange, group: Sequence[Exchange], draw: random.Random) -> tuple[str, str] | None:
    """The pair with its question or its answer replaced by that of another dialogue (a line of the file each); none if
    there is no other text. What is a pair somewhere in the group is no negative one."""
    (question, answer), place = exchange
    real = {texts for texts, _ in group}
    others = [texts for texts, other_place in group if other_place != place]
    answers = [(question, other_answer) for _, other_answer in others]
    questions = [(other_question, answer) for other_question, _ in others]
    choices = [[texts for texts in side if texts not in real] for side in (answers, questions)]
    sides = [side for side in choices if side]
    return draw.choice(draw.choice(sides)) if sides else None


ACTS = Reader(read_acts, Scheme(classes=ACT_NAMES))
ENTITY_READER = Reader(read_entities, Scheme(types=own_names(*TYPES)), suffixes=(".char",))
STATUS_READER = Reader(read_statuses, Scheme(group=FINDINGS_ONLY, finding_label=FINDING))
EXCHANGES = Reader(read_exchanges, Scheme(relations=[ANSWERS]))
