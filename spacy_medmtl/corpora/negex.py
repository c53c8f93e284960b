"""The NegEx annotations: report sentences, each with one given condition and its status.

The text is lower-cased, because the file writes the condition in UPPER CASE, which would give the span away. Reports
cannot be told apart, so a dev part is cut by sentence: all rows of a sentence go to the same side.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_MODIFIERS, FINDINGS, GIVEN_SPANS_ONLY, write_group
from .audit import Audit, Place
from .docs import keep_together, split_sentences, token_span
from .formats.lines import read_lines
from .leakage import bare

LABEL = "Finding"
STATUS = {"negated": "negative", "affirmed": "positive", "possible": "unknown"}
TEMPORALITY = {"historical": ["historical"], "hypothetical": ["hypothetical"], "recent": [], "not particular": []}
JUDGED = ["historical", "family"]  # hypothetical and possible occur in the guide of the corpus, not in the file
EXPERIENCER = {"patient": [], "family member": ["family"], "other": ["family"]}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each row. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        for number, line in read_lines(path, audit):
            columns = line.split("\t")
            is_header = number == 1 and columns[1:2] == ["Condition"]
            if line.strip() and not is_header:
                doc = _row_doc(columns, nlp, audit, Place(path, number))
                if doc is not None:
                    yield doc


def _row_doc(columns: Sequence[str], nlp: Language, audit: Audit, place: Place) -> Doc | None:
    if len(columns) != 6:
        audit.dropped(place, "line", "", f"{len(columns)} columns: expected 6, separated by tabs")
        return None
    condition, sentence = columns[1], columns[2]
    negation, temporality, experiencer = (column.strip().lower() for column in columns[3:])
    for value, known in ((negation, STATUS), (temporality, TEMPORALITY), (experiencer, EXPERIENCER)):
        if value not in known:
            audit.dropped(place, FINDINGS, LABEL, f"an unknown value: expected one of {', '.join(known)}")
            return None
    found = locate(condition, sentence)
    if not found:
        audit.dropped(place, FINDINGS, LABEL, "the condition is not in the sentence")
        return None
    audit.note("conditions that occur more than once in the sentence", int(len(found) > 1))
    text = sentence.lower()
    doc = nlp.make_doc(text)
    span = token_span(doc, *found[0], [(FINDINGS, LABEL)], audit, place)
    if span is None:
        return None
    modifiers = TEMPORALITY[temporality] + EXPERIENCER[experiencer] + ["uncertain"] * (negation == "possible")
    group = write_group(doc, FINDINGS, [span], assertion=[STATUS[negation]], assertion_modifiers=[modifiers])
    group.attrs[GIVEN_SPANS_ONLY] = True
    group.attrs[ANNOTATED_MODIFIERS] = JUDGED
    split_sentences(doc, audit, whole=[span])
    keep_together(doc, bare(text))  # reports repeat sentences with other punctuation
    return doc


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
