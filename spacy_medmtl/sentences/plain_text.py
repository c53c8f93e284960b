"""A text with one kind of blank and one kind of line end, so that sentences do not hang on how a note was exported."""

import re
from dataclasses import dataclass

from ..annotations.blanks import INVISIBLE
from ..annotations.groups import SEPARATOR

_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_TO_CHANGE = re.compile(f"[{INVISIBLE}{_BLANKS}{_LINE_ENDS[1:]}{SEPARATOR}]")


@dataclass(frozen=True)
class PlainText:
    """text: the plain text. offsets: of each of its characters, and of its end, the place in the original."""

    text: str
    offsets: "list[int] | range"


def plain_text(text: str) -> PlainText:
    """Invisible characters are left out, blanks of all widths become one, line ends a line feed, and between the two
    texts of a pair there is an empty line."""
    if not _TO_CHANGE.search(text):
        return PlainText(text, range(len(text) + 1))
    characters: list[str] = []
    offsets: list[int] = []
    before = ""
    left_out = None  # where the invisible characters in front begin: they are part of the word behind them
    for offset, character in enumerate(text):
        plain = character
        if character in INVISIBLE or (character == "\n" and before == "\r"):
            plain = ""
        elif character in _LINE_ENDS:
            plain = "\n"
        elif character in _BLANKS:
            plain = " "
        elif character == SEPARATOR:
            plain = "\n\n"
        if plain:
            characters.append(plain)
            offsets += [offset if left_out is None else left_out] * len(plain)
            left_out = None
        elif left_out is None and character in INVISIBLE:
            left_out = offset
        before = character
    return PlainText("".join(characters), [*offsets, len(text)])
