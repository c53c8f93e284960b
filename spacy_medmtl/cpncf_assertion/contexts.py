"""What a sentence is read with: neighbouring sentences or dialogue turns, and the heading that it stands under."""

from bisect import bisect_right
from dataclasses import replace
from typing import List, Optional, Sequence

from spacy.tokens import Doc

from ..annotations.groups import TURNS
from ..encoder.readings import Bounds, Unit, units_with_context

KINDS = ("sentence", "turn")
HEADING_WORDS = 6  # a colon after more words ends a clause, not a heading


def context_units(doc: Doc, bounds: Sequence[Bounds], *, neighbours: int, kind: str, headings: bool) -> List[Unit]:
    """A unit for each of the sentences ``bounds``, sorted by start.

    kind: what the ``neighbours`` on either side are, ``sentence`` or ``turn`` (spans of ``doc.spans["medmtl_turns"]``;
    a sentence also reads all of its own turn; where a Doc has none, sentences). headings: see ``headings_above``.
    """
    turns = sorted((turn.start, turn.end) for turn in doc.spans.get(TURNS, [])) if kind == "turn" else []
    units = _in_turns(bounds, turns, neighbours) if turns else units_with_context(bounds, neighbours)
    if not headings:
        return units
    return [replace(unit, heading=above) for unit, above in zip(units, headings_above(doc, bounds))]


def _in_turns(bounds: Sequence[Bounds], turns: Sequence[Bounds], neighbours: int) -> List[Unit]:
    starts = [start for start, _ in turns]
    units = []
    for start, end in bounds:
        i = max(0, bisect_right(starts, start) - 1)
        first, last = max(0, i - neighbours), min(len(turns) - 1, i + neighbours)
        units.append(Unit(min(start, turns[first][0]), start, end, max(end, turns[last][1])))
    return units


def headings_above(doc: Doc, bounds: Sequence[Bounds]) -> List[Optional[Bounds]]:
    """Of each sentence, the tokens of the heading that it stands under, or None.

    A heading is what begins a line and ends in a colon after at most six words ("Family history:", "PMH:"). It holds
    for the sentences after it, up to the next heading or a blank line, and not for the one that it stands in itself.
    """
    found: List[Optional[Bounds]] = []
    current: Optional[Bounds] = None
    for start, end in bounds:
        gap = doc[start - 1].text if start else "\n"
        if gap.count("\n") > 1:
            current = None
        own = _heading_in(doc, start, end) if "\n" in gap else None
        found.append(None if own else current)
        current = own or current
    return found


def _heading_in(doc: Doc, start: int, end: int) -> Optional[Bounds]:
    for i in range(start, min(end, start + HEADING_WORDS + 1)):
        if doc[i].text.endswith(":"):
            return start, i + 1
    return None
