"""What a sentence is read with: neighbouring sentences or dialogue turns, who speaks, and the heading above it."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from spacy.tokens import Doc

from ..annotations.groups import TURNS, Bounds, covered_tokens, group_values, trimmed
from ..annotations.steady import aligned_group
from ..encoder.views.requests import Unit, units_with_context

KINDS = ("sentence", "turn")
HEADING_WORDS = 6  # a colon after more words ends a clause, not a heading


def context_units(
    doc: Doc, bounds: Sequence[Bounds], *, neighbours: int, kind: str, headings: bool, speakers: dict[str, str]
) -> list[Unit]:
    """A unit for each of the sentences ``bounds``, sorted by start.

    kind: what the ``neighbours`` on either side are, ``sentence`` or ``turn`` (spans of ``doc.spans["medmtl_turns"]``;
    a sentence also reads all of its own turn; where a Doc has none, sentences). headings: see ``headings_above``.
    speakers: what is read in front of a turn, by the speaker that ``attrs["speakers"]`` of the turns names; others, and
    all where it is empty, are not announced. A turn that begins inside a sentence is not either.
    """
    trimmed_turns = (trimmed(doc, turn.start, turn.end) for turn in aligned_group(doc, TURNS) or ())
    turns = sorted((start, end) for start, end in trimmed_turns if start < end) if kind == "turn" else []
    units = _in_turns(bounds, turns, neighbours) if turns else units_with_context(bounds, neighbours)
    if headings:
        units = [replace(unit, heading=above) for unit, above in zip(units, headings_above(doc, bounds))]
    if speakers:
        spoken = _announced(doc, speakers)
        starts = [start for start, _, _ in spoken]
        units = [replace(unit, speakers=_heard(unit, spoken, starts)) for unit in units]
    return units


def touching(units: Sequence[Unit], places: Sequence[Bounds]) -> list[Unit]:
    """The units that share a token with one of the places [start, end)."""
    # by token, as a long text may have thousands of both
    is_wanted = covered_tokens(max((unit.end for unit in units), default=0), places)
    return [unit for unit in units if is_wanted[unit.start : unit.end].any()]


def _in_turns(bounds: Sequence[Bounds], turns: Sequence[Bounds], neighbours: int) -> list[Unit]:
    starts = [start for start, _ in turns]
    units = []
    for start, end in bounds:
        # the last turn that begins before the sentence does, or with it; text before the first turn counts with that
        i = max(0, bisect_right(starts, start) - 1)
        first, last = max(0, i - neighbours), min(len(turns) - 1, i + neighbours)
        units.append(Unit(min(start, turns[first][0]), start, end, max(end, turns[last][1])))
    return units


def _announced(doc: Doc, speakers: dict[str, str]) -> list[tuple[int, int, str]]:
    """(start, end, what is read in front) of the turns whose speakers are announced, in the order of the text.

    Raises MedmtlError E104 unless every turn has a speaker, or none.
    """
    names = group_values(doc, TURNS, "speakers")
    turns = zip(aligned_group(doc, TURNS) or (), names) if names else ()
    return sorted((turn.start, turn.end, f"{speakers[name]}:") for turn, name in turns if name in speakers)


def _heard(unit: Unit, spoken: Sequence[tuple[int, int, str]], starts: Sequence[int]) -> tuple[tuple[int, str], ...]:
    """Who speaks in what a unit reads: from where on, and what is read there. Of a turn that has begun before, at the
    beginning of what is read. starts: of what is ``spoken``."""
    # from the turn that goes on where the reading begins
    first = max(0, bisect_right(starts, unit.left) - 1)
    read = [
        (max(start, unit.left), name)
        for start, end, name in spoken[first : bisect_left(starts, unit.right)]
        if end > unit.left
    ]
    return tuple((token, name) for token, name in read if not unit.start < token < unit.end)


def headings_above(doc: Doc, bounds: Sequence[Bounds]) -> list[Bounds | None]:
    """Of each sentence, the tokens of the heading that it stands under, or None.

    A heading is what begins a line and ends in a colon after at most six words ("Family history:", "PMH:"). It holds
    for the sentences after it, up to the next heading or a blank line, and not for the one that it stands in itself.
    """
    headings: list[Bounds | None] = []
    current: Bounds | None = None
    for start, end in bounds:
        # line breaks belong to no sentence: they stand between the last one and this
        gap = doc[start - 1].text if start else "\n"
        if gap.count("\n") > 1:
            current = None
        own = _heading_in(doc, start, end) if "\n" in gap else None
        headings.append(None if own else current)
        current = own or current
    return headings


def _heading_in(doc: Doc, start: int, end: int) -> Bounds | None:
    for i in range(start, min(end, start + HEADING_WORDS + 1)):
        if doc[i].text.endswith(":"):
            return start, i + 1
    return None
