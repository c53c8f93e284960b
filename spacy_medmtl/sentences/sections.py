"""The sections of a note: where headings stand, what they are called, and how far they reach."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .lines import LABEL, is_heading, item_text
from .section_names import NAMES, OTHER, PARTS

_MARKUP = re.compile(r"[#*=_~>\s]*")


@dataclass(frozen=True)
class Section:
    """A section in characters: its heading, with colon, is ``text[start:heading_end]``. It reaches to the next one."""

    start: int
    heading_end: int
    end: int
    name: str


def find_sections(
    text: str, paragraphs: Sequence[tuple[int, int]], sentences: Sequence[tuple[int, int]]
) -> list[Section]:
    """The sections of a plain text, in order. What stands before the first heading is in none.

    A heading is a line of its own ("PAST MEDICAL HISTORY", "Wound care:"; of the name ``other`` if it is not known), or
    a known one with a colon at the beginning of a sentence ("Allergies: none known"). A part of the body ("Lungs:") is
    no heading: it belongs to the section that it stands in.
    """
    is_capital_text = text.isupper()
    starts = {start for start, _ in paragraphs}
    headings: list[tuple[int, int, str]] = []
    ends = dict(paragraphs)
    for start, end in sentences:
        if start in starts:
            heading = _line_heading(text, start, ends[start], is_capital_text) or _run_in_heading(text, start, end)
        else:
            heading = _run_in_heading(text, start, end)
        if heading is not None:
            headings.append((start, *heading))
    last = paragraphs[-1][1] if paragraphs else 0
    borders = [*(start for start, _, _ in headings[1:]), last]
    return [
        Section(start, heading_end, start + len(text[start:border].rstrip()), name)
        for (start, heading_end, name), border in zip(headings, borders)
    ]


def _line_heading(text: str, start: int, end: int, is_capital_text: bool) -> tuple[int, str] | None:
    """The end and name of the heading that a whole line is."""
    line = text[start:end]
    if "\n" in line:
        return None
    name = _name(line)
    if name in PARTS:
        return None
    if name in NAMES and len(line) < 80:
        return end, NAMES[name]
    return (end, OTHER) if name and is_heading(line, is_capital_text=is_capital_text) else None


def _run_in_heading(text: str, start: int, end: int) -> tuple[int, str] | None:
    """The end and name of a known heading with text behind it, in the same line."""
    first = text[start : min(end, start + 80)]
    skipped = len(first) - len(item_text(first))
    match = LABEL.match(first, skipped)
    if match is None:
        return None
    name = _name(match[0])
    return (start + match.end(), NAMES[name]) if name in NAMES else None


def _name(heading: str) -> str:
    """A heading as ``NAMES`` has it."""
    text = item_text(heading)
    text = text[_MARKUP.match(text).end() :]  # type: ignore[union-attr]  # matches everywhere
    return " ".join(text.lower().rstrip(":*=_~ .").replace("(s)", "s").split())
