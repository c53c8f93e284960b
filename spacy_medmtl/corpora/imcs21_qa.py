"""IMCS21, the task of question and answer: does the second utterance answer the first?

Built as the progressive learning paper describes it: a positive pair is an adjacent question and answer that belong
together, a negative one has its question or its answer replaced at random. Here a pair is a question of the doctor and
the very next utterance, of the patient, whose act informs on what the question's act requests; so the acts say that the
two belong together. The substitute comes from another dialogue of the same group, and groups stay together in a split:
no text of one part is seen in another.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, RELATIONS
from .audit import Audit, Place
from .docs import judged_pair_doc, keep_together
from .imcs21 import Dialogue, read_dialogues

ANSWERS = "answers"  # as in the sample corpus
REQUEST, INFORM = "Request-", "Inform-"


@dataclass(frozen=True)
class _Pair:
    """A question with its answer."""

    question: str
    answer: str
    dialogue: str
    place: Place


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """Two two-segment Docs for each pair: the pair (it holds), and a substituted one (it does not), drawn with
    ``seed``.

    The files are read twice, as substitutes may stand anywhere. Raises MedmtlError E401 at the first loss in stop mode.
    """
    groups: dict[str, list[_Pair]] = {}
    for path in paths:
        for dialogue in read_dialogues(path, nlp, Audit("report")):
            groups.setdefault(dialogue.group, []).extend(_pairs(dialogue))
    draw = random.Random(seed)
    for path in paths:
        for dialogue in read_dialogues(path, nlp, audit):
            for pair in _pairs(dialogue):
                substituted = _substituted(pair, groups[dialogue.group], draw)
                audit.note("pairs without another dialogue to take a substitute from", int(substituted is None))
                judged = [((pair.question, pair.answer), ANSWERS), *([(substituted, None)] if substituted else [])]
                for texts, label in judged:
                    doc = judged_pair_doc(nlp, *texts, label, audit, pair.place, by_rule=False)
                    if doc is not None:
                        doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = [ANSWERS]
                        keep_together(doc, dialogue.group)
                        yield doc


def _pairs(dialogue: Dialogue) -> Iterator[_Pair]:
    for first, second in pairwise(dialogue.utterances):
        is_asked = (first.speaker, second.speaker) == ("D", "P") and first.act.startswith(REQUEST)
        if is_asked and second.act == INFORM + first.act.removeprefix(REQUEST):
            yield _Pair(first.text, second.text, dialogue.id, dialogue.place)


def _substituted(pair: _Pair, group: Sequence[_Pair], draw: random.Random) -> tuple[str, str] | None:
    """The pair with its question or its answer replaced by that of another dialogue; none if there is no other text.

    What is a pair somewhere in the group is no negative one.
    """
    real = {(one.question, one.answer) for one in group}
    others = [one for one in group if one.dialogue != pair.dialogue]
    answers = [(pair.question, other.answer) for other in others]
    questions = [(other.question, pair.answer) for other in others]
    choices = [[texts for texts in side if texts not in real] for side in (answers, questions)]
    sides = [side for side in choices if side]
    return draw.choice(draw.choice(sides)) if sides else None
