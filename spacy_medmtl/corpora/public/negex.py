"""The NegEx annotations: report sentences, each with one given condition and its status.

The text is lower-cased, because the file writes the condition in UPPER CASE, which would give the span away. Reports
cannot be told apart, so a dev part is cut by sentence: all rows of a sentence go to the same side.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place
from ..formats.files import read_lines
from ..leakage import bare
from ..reader import Reader
from ..record import Entity, Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme

STATUSES = {"negated": "negative", "affirmed": "positive", "possible": "unknown"}
TEMPORALITY = {"historical": ["historical"], "hypothetical": ["hypothetical"], "recent": [], "not particular": []}
JUDGED = ("historical", "family")  # hypothetical and possible occur in the guide of the corpus, not in the file
EXPERIENCER = {"patient": [], "family member": ["family"], "other": ["family"]}


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """A record for each row. Raises MedmtlError E401 at the first loss in stop mode."""
    for number, line in read_lines(path, audit):
        columns = line.split("\t")
        is_header = number == 1 and columns[1:2] == ["Condition"]
        if line.strip() and not is_header:
            yield from _record(columns, audit, Place(path, number))


READER = Reader(read, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=JUDGED, given_only=True))


def _record(columns: Sequence[str], audit: Audit, place: Place) -> Iterator[Record]:
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


def locate(condition: str, sentence: str) -> list[tuple[int, int]]:
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
