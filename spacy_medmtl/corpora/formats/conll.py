"""Columns of words and tags with the header of CoNLL-U Plus, which says what each column holds.

``# global.columns = FORM MISC MEDMTL:NER MEDMTL:NER2 MEDMTL:FINDINGS``. ``MISC`` holds ``SpaceAfter=No`` where no blank
follows a word, and ``Form=...`` for a word that a column cannot hold, with white space and control characters escaped.
"""

import re
from pathlib import Path

from .iob import Layout

HEADER = "# global.columns = "
ENTITY_COLUMN, FINDING_COLUMN = "MEDMTL:NER", "MEDMTL:FINDINGS"
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_PLAIN = re.compile(r"[^\s|\\_]+")


def read_header(path: Path) -> list[str] | None:
    """The names of the columns, None in a file that does not begin with them."""
    with path.open("rb") as stream:
        line = stream.readline(10_000).decode("utf-8-sig", errors="replace")
    return line[len(HEADER) :].split() if line.startswith(HEADER) else None


def layout_of(header: list[str]) -> tuple[Layout, list[bool]] | None:
    """Where the words and tags are, and for each layer of tags whether it is one of findings; None if the header names
    no columns of ours."""
    tags = [at for at, name in enumerate(header) if name.startswith((ENTITY_COLUMN, FINDING_COLUMN))]
    if "FORM" not in header or not tags:
        return None
    notes = header.index("MISC") if "MISC" in header else None
    layout = Layout(header.index("FORM"), tuple(tags), len(header), notes, comments=True)
    return layout, [header[at].startswith(FINDING_COLUMN) for at in tags]


def escaped(word: str) -> str:
    """A word as ``Form=`` holds it: one column, no blanks, no ``|``."""
    return "".join(character if _PLAIN.fullmatch(character) else f"\\u{{{ord(character):x}}}" for character in word)


def misc_of(word: str, has_space: bool, *, is_plain: bool) -> str:
    """The ``MISC`` column of a word."""
    parts = ([] if has_space else ["SpaceAfter=No"]) + ([] if is_plain else [f"Form={escaped(word)}"])
    return "|".join(parts) or "_"


def read_misc(misc: str, word: str) -> tuple[str, bool]:
    """The word that a row stands for, and whether a blank follows."""
    entries: dict[str, str] = dict(part.partition("=")[::2] for part in misc.split("|"))
    if "Form" in entries:
        form = _ESCAPED.sub(lambda match: _character(match[1]), entries["Form"])
        word = form or word
    return word, entries.get("SpaceAfter") != "No"


def _character(code: str) -> str:
    number = int(code, 16)
    is_character = number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else "\ufffd"
