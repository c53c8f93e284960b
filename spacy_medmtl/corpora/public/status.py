"""Sentences with one given finding and its status: NegEx (reports) and Healthsea (reviews of food supplements)."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place, need, one_of
from ..formats.files import read_rows
from ..formats.json_files import read_json_lines
from ..formats.json_values import object_with
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
        with audit.losing(place, FINDINGS, FINDING):
            if place.line > 1 or columns[1:2] != ["Condition"]:  # the header
                yield _judged(columns, audit, place)


def _judged(columns: Sequence[str], audit: Audit, place: Place) -> Record:
    """Raises LossError."""
    need(len(columns) == 6, f"{len(columns)} columns: expected 6, separated by tabs", "line")
    condition, sentence = columns[1], columns[2]
    said = [column.strip().lower() for column in columns[3:]]
    scales: list[Collection[str]] = [STATUSES, TEMPORALITY, EXPERIENCER]
    negation, temporality, experiencer = (one_of(value, known, "value") for value, known in zip(said, scales))
    occurrences = need(locate(condition, sentence), "the condition is not in the sentence")
    audit.note("conditions that occur more than once in the sentence", int(len(occurrences) > 1))
    # what the corpus judged, and in the order in which it does
    modifiers = [*TEMPORALITY[temporality], *EXPERIENCER[experiencer], *["uncertain"] * (negation == "possible")]
    text = sentence.lower()
    entity = Entity(FINDING, (occurrences[0],), place, asserted(STATUSES[negation], modifiers))
    return Record(text, place, entities=[entity], key=bare(text))  # reports repeat sentences with other punctuation


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
    for place, value in read_json_lines(path, audit):
        with audit.losing(place):
            row = object_with(value, text=str, answer=str, accept=list)
            text, chosen = row["text"], row["accept"]
            if row["answer"] != "accept" or not chosen:
                audit.note("clauses of which nothing was chosen, left out")
                continue
            is_one = len(chosen) == 1 and isinstance(chosen[0], str) and chosen[0] in CHOICES
            need(is_one, f"expected one of the choices {', '.join(CHOICES)}", FINDINGS, FINDING)
            if text.count(CONDITION) == 1:
                start = text.index(CONDITION)
                entity = Entity(FINDING, ((start, start + len(CONDITION)),), place, CHOICES[chosen[0]])
                yield Record(text, place, entities=[entity], sentences=EXACT)
            elif BENEFIT in text and CONDITION not in text:
                audit.note("clauses about a benefit, left out")
            else:
                audit.note("clauses with several blinded names or none")


NEGEX = Reader(read_negex, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=JUDGED, given_only=True))
HEALTHSEA = Reader(
    read_healthsea, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=("historical",), given_only=True)
)
