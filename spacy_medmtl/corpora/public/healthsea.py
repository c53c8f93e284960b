"""Healthsea: clauses of customers' reviews of food supplements, in which the name of a condition or of a benefit is
blinded, and what the clause says of it, as choices of Prodigy.

The four choices say what the supplement did, and not whether somebody has the condition. What they say of a condition
as a finding, by their meaning:

| choice             | the clause tells that                       | status   | modifiers  |
| ------------------ | ------------------------------------------- | -------- | ---------- |
| ANAMNESIS          | the writer has the condition, from before   | positive | historical |
| POSITIVE, NEGATIVE | it got better or worse, so it was there     | positive |            |
| NEUTRAL            | nothing of the writer, or nothing for sure  | unknown  |            |

So NEGATIVE is no negation, and no clause is one: mix this corpus with others, which have them. Benefits, which are no
conditions, are counted. The other modifiers were not judged.
"""

from collections.abc import Iterator
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit
from ..formats.json_files import read_json_lines
from ..formats.json_values import has_types
from ..reader import Reader
from ..record import EXACT, Entity, Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme

CONDITION, BENEFIT = "<CONDITION>", "<BENEFIT>"
CHOICES = {
    "ANAMNESIS": asserted("positive", ["historical"]),
    "POSITIVE": asserted("positive"),
    "NEGATIVE": asserted("positive"),
    "NEUTRAL": asserted("unknown"),
}


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The clauses about a condition, each one sentence. Raises MedmtlError E401 at the first loss in stop mode."""
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


READER = Reader(read, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=("historical",), given_only=True))
