"""Sentences with one given finding and its status: NegEx (reports) and Healthsea (reviews of food supplements)."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place
from ..formats.files import read_rows
from ..formats.json_files import read_json_lines
from ..formats.json_values import has_types
from ..leakage import bare
from ..reader import Reader
from ..record import EXACT, Bounds, Entity, Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme

STATUSES = {"negated": "negative", "affirmed": "positive", "possible": "unknown"}
TEMPORALITY = {"historical": ["historical"], "hypothetical": ["hypothetical"], "recent": [], "not particular": []}
JUDGED = ("historical", "family")  # hypothetical and possible occur in the guide of the corpus, not in the file
EXPERIENCER = {"patient": [], "family member": ["family"], "other": ["family"]}
CONDITION, BENEFIT = "<CONDITION>", "<BENEFIT>"
CHOICES = {
    "ANAMNESIS": asserted("positive", ["historical"]),  # the writer has the condition, from before
    "POSITIVE": asserted("positive"),  # it got better, so it was there
    "NEGATIVE": asserted("positive"),  # it got worse: no negation
    "NEUTRAL": asserted("unknown"),  # nothing of the writer, or nothing for sure
}


def read_negex(path: Path, audit: Audit) -> Iterator[Record]:
    """Rows of a condition, a sentence and three judgements. The text is lower-cased, because the file writes the
    condition in UPPER CASE, which would give the span away. Reports cannot be told apart, so a dev part is cut by
    sentence: all rows of a sentence go to the same side."""
    for place, columns in read_rows(path, audit):
        if place.line > 1 or columns[1:2] != ["Condition"]:  # the header
            yield from _judged(columns, audit, place)


def _judged(columns: Sequence[str], audit: Audit, place: Place) -> Iterator[Record]:
    if len(columns) != 6:
        audit.dropped(place, "line", "", f"{len(columns)} columns: expected 6, separated by tabs")
        return
    condition, sentence = columns[1], columns[2]
    negation, temporality, experiencer = (column.strip().lower() for column in columns[3:])
    for value, known in ((negation, STATUSES), (temporality, TEMPORALITY), (experiencer, EXPERIENCER)):
        if value not in known:
            audit.dropped(place, FINDINGS, FINDING, f"an unknown value: expected one of {', '.join(known)}")
            return
    occurrences = locate(condition, sentence)
    if not occurrences:
        audit.dropped(place, FINDINGS, FINDING, "the condition is not in the sentence")
        return
    audit.note("conditions that occur more than once in the sentence", int(len(occurrences) > 1))
    # what the corpus judged, and in the order in which it does
    modifiers = [*TEMPORALITY[temporality], *EXPERIENCER[experiencer], *["uncertain"] * (negation == "possible")]
    text = sentence.lower()
    entity = Entity(FINDING, (occurrences[0],), place, asserted(STATUSES[negation], modifiers))
    yield Record(text, place, entities=[entity], key=bare(text))  # reports repeat sentences with other punctuation


def locate(condition: str, sentence: str) -> list[Bounds]:
    """Where the condition stands in the lower-cased sentence, the likeliest place first.

    Blanks of any length match; whole words come before parts of words; among equals the one in upper case comes first,
    which is how the file marks the condition.
    """
    words = condition.lower().split()
    if not words:
        return []
    lowered = sentence.lower()
    pattern = r"\s+".join(map(re.escape, words))
    places = [match.span() for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", lowered)]
    places = places or [match.span() for match in re.finditer(pattern, lowered)]
    if len(lowered) == len(sentence):  # else the offsets of the two texts differ
        places.sort(key=lambda place: not sentence[slice(*place)].isupper())
    return places


def read_healthsea(path: Path, audit: Audit) -> Iterator[Record]:
    """Clauses about a condition whose name is blinded, each one sentence, with a choice of Prodigy that says what the
    supplement did. What it tells of the condition as a finding is in ``CHOICES``: no clause is a negation, so mix this
    corpus with others, which have them. Benefits, which are no conditions, are counted.
    """
    for place, row in read_json_lines(path, audit):
        if not has_types(row, {"text": str, "answer": str, "accept": list}):
            audit.dropped(place, "line", "", "expected a JSON object with text, accept and answer")
        elif row["answer"] != "accept" or not row["accept"]:
            audit.note("clauses of which nothing was chosen, left out")
        elif row["accept"][0] not in CHOICES or len(row["accept"]) > 1:
            audit.dropped(place, FINDINGS, FINDING, f"expected one of the choices {', '.join(CHOICES)}")
        elif row["text"].count(CONDITION) != 1:
            is_benefit = BENEFIT in row["text"] and CONDITION not in row["text"]
            audit.note(
                "clauses about a benefit, left out" if is_benefit else "clauses with several blinded names or none"
            )
        else:
            start = row["text"].index(CONDITION)
            entity = Entity(FINDING, ((start, start + len(CONDITION)),), place, CHOICES[row["accept"][0]])
            yield Record(row["text"], place, entities=[entity], sentences=EXACT)


NEGEX = Reader(read_negex, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=JUDGED, given_only=True))
HEALTHSEA = Reader(
    read_healthsea, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=("historical",), given_only=True)
)
