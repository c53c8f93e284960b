"""One JSON value a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from .lines import read_lines


def read_json_lines(path: Path, audit: Audit) -> Iterator[tuple[Place, Any]]:
    """The place and value of each line that is not blank; None for a line that is no JSON.

    Raises MedmtlError E401 in stop mode for a line that is not UTF-8.
    """
    for number, line in read_lines(path, audit):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            yield Place(path, number), value


def is_unicode(text: str) -> bool:
    """Whether it can be written: JSON may hold half a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
