"""A file that is one JSON list, read element by element."""

import json
import re
from pathlib import Path
from typing import Any, Iterator, Tuple

from ..audit import Audit, Place

_BLANK = re.compile(r"[ \t\r\n]*")


def read_json_list(path: Path, audit: Audit) -> Iterator[Tuple[Place, Any]]:
    """The place and value of each element. The place names the element, as files of one line are common, and the line
    on which it begins.

    Where the list ends that is broken, the rest of the file is a loss (MedmtlError E401 in stop mode). Bytes that are
    not UTF-8 come as halves of surrogate pairs, so whoever checks a text by ``is_unicode`` loses just their elements.
    """
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    decoder = json.JSONDecoder()
    position = _skip(text, 0)
    place = Place(path, 1)
    line, counted, number = 1, 0, 0
    while text[position : position + 1] == ("," if number else "["):
        position = _skip(text, position + 1)
        if not number and text[position : position + 1] == "]":
            break
        line, counted = line + text.count("\n", counted, position), position
        place = Place(Path(f"{path}[{number}]"), line)
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        yield place, value
        number += 1
        position = _skip(text, position)
    if text[position : position + 1] != "]" or _skip(text, position + 1) < len(text):
        audit.dropped(
            place, "document", "", "not a JSON list, or one that is broken here: the rest of the file is lost"
        )


def _skip(text: str, position: int) -> int:
    """The next position that is no white space."""
    match = _BLANK.match(text, position)
    return match.end() if match else position
