"""The elements of one long JSON array, one at a time in memory, with line numbers."""

import codecs
import json
import re
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import IO, Any

from ..audit import Audit, Place

MAX_ELEMENT = 64_000_000  # characters; what is longer is taken for broken
_CHUNK = 1 << 16
_OPEN = re.compile(r"[ \t\r\n]*\{")
_COMMA = re.compile(r"[ \t\r\n]*,")
_NAME = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\["\\/bfnrtu])*")[ \t\r\n]*:[ \t\r\n]*')
_HEAD = re.compile(r"[ \t\r\n]*\[")
_NEXT = re.compile(r"[ \t\r\n]*(,|\])?[ \t\r\n]*")


class _Window:
    """The part of a file that is in memory: decoded text, its position, and the line that it begins in. Bytes that are
    not UTF-8 come as halves of surrogate pairs."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self.text, self.line, self.at_end = "", 1, False

    def more(self) -> bool:
        """Read at least as much again as is there. Whether anything came."""
        if self.at_end:
            return False
        raw = self.stream.read(max(_CHUNK, len(self.text)))
        self.at_end = not raw
        self.text += self.decode(raw, not raw)
        return True

    def mark(self) -> str:
        """Skip blanks, a comma or closing bracket, and blanks; return what was between the blanks."""
        while (found := _NEXT.match(self.text)) is not None:
            if found.end() < len(self.text) or not self.more():
                self.skip(found.end())
                return found[1] or ""
        return ""

    def skip(self, n: int) -> None:
        """Leave characters behind."""
        self.line += self.text.count("\n", 0, n)
        self.text = self.text[n:]


def read_array(path: Path, audit: Audit, *, keys: Collection[str] = ()) -> Iterator[tuple[Place, Any]]:
    """Yield (place, value) for the elements of the array that a file holds, or an object in it under one of ``keys``. A
    place names the element, as files of one line are common, and the line on which it begins.

    A file of JSON that is broken or of another shape is a loss with the line where reading ended (MedmtlError E401 in
    stop mode): what stands behind that place is not read. Bytes that are not UTF-8 come as halves of surrogate pairs,
    so whoever checks a text by ``is_unicode`` loses just their elements.
    """
    with path.open("rb") as stream:
        window = _Window(stream)
        file, problem = yield from _elements(path, window, keys)
        if problem:
            audit.dropped(Place(file, window.line), "document", "", problem)


def _elements(
    path: Path, window: _Window, keys: Collection[str]
) -> Generator[tuple[Place, Any], None, tuple[Path, str]]:
    """The elements; returns what is wrong with the file, or nothing, and the element (or file) in which it is."""
    while len(window.text) < _CHUNK and window.more():
        pass
    head = _HEAD.match(window.text)
    is_member = head is None
    head = head or _head_of_member(window.text, keys)
    if head is None:
        return path, "expected a JSON array" + (f", or an object with one under {' or '.join(keys)}" if keys else "")
    window.skip(head.end())
    number = 0
    while (mark := window.mark()) != "]":
        element = Path(f"{path}[{number}]")
        if (mark == ",") == (number == 0):
            return element, "expected a comma between two elements of an array, or its end; the rest is not read"
        place = Place(element, window.line)
        decoded = _decoded(window)
        if decoded is None:
            return element, "broken JSON; what stands from here on is not read"
        yield place, decoded[0]
        window.skip(decoded[1])
        number += 1
    if window.text[:1] not in (("}", ",") if is_member else ("",)):
        return path, "text behind the end of the array, which is not read"
    return path, ""


def _head_of_member(text: str, keys: Collection[str]) -> "re.Match[str] | None":
    """Up to the bracket of a member of the outermost object; the members before it must be in ``text``."""
    found = _OPEN.match(text)
    while found is not None:
        name = _NAME.match(text, found.end())
        if name is None:
            return None
        if json.loads(name[1], strict=False) in keys:
            return _HEAD.match(text, name.end())
        try:
            _, end = json.JSONDecoder().raw_decode(text, name.end())
        except (ValueError, RecursionError):
            return None
        found = _COMMA.match(text, end)
    return None


def _decoded(window: _Window) -> tuple[Any, int] | None:
    """The value at the start of the window and where it ends; None if there is none."""
    while True:
        try:
            value, end = json.JSONDecoder().raw_decode(window.text)
            if end < len(window.text) or not window.more():  # else a number may go on
                return value, end
        except RecursionError:
            return None
        except ValueError:
            if len(window.text) > MAX_ELEMENT or not window.more():
                return None
