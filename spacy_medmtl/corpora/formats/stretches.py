"""Offsets as text, the words at them, and mentions in several pieces: what formats with character offsets share."""

from collections.abc import Sequence

Stretch = tuple[int, int]


def read_stretch(start: str, end: str) -> Stretch | None:
    """Two columns as offsets, end exclusive; None if they are not the offsets of at least one character."""
    if not all(column.isascii() and column.isdigit() and len(column) < 10 for column in (start, end)):
        return None
    stretch = int(start), int(end)
    return stretch if stretch[0] < stretch[1] else None


def stretch_of(words: str, text: str, start: str, end: str) -> Stretch | None:
    """Two columns as offsets, if they give these words in the text; else None."""
    stretch = read_stretch(start, end)
    is_there = stretch is not None and stretch[1] <= len(text) and same_words(text[slice(*stretch)], words)
    return stretch if is_there else None


def cover(pieces: Sequence[Stretch]) -> Stretch:
    """The stretch from the first to the last character of the pieces of one mention."""
    return min(start for start, _ in pieces), max(end for _, end in pieces)


def are_parted(pieces: Sequence[Stretch], text: str) -> bool:
    """Whether words lie between pieces; brat also parts a mention where a line ends, which loses nothing."""
    ordered = sorted(pieces)
    return any(text[before[1] : after[0]].strip() for before, after in zip(ordered, ordered[1:]))


def same_words(first: str, second: str) -> bool:
    """Whether two texts differ in white space only: attributes of XML and columns of brat cannot hold a line break."""
    return first.split() == second.split()
