"""JSON files of any shape: an array, an object with an array, one value after another, a value a line."""

import codecs
import itertools
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from ..audit import Audit, Place
from .files import HEAD_BYTES, MARK, checked_encoding, read_lines

MAX_ELEMENT = 64_000_000  # characters; what is longer is taken for broken
_CHUNK = 1 << 16
_OPEN = re.compile(r"[ \t\r\n]*\{")
_COMMA = re.compile(r"[ \t\r\n]*,")
_NAME = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\["\\/bfnrtu])*")[ \t\r\n]*:[ \t\r\n]*')
_HEAD = re.compile(r"[ \t\r\n]*\[")
_NEXT = re.compile(r"[ \t\r\n]*(,|\])?[ \t\r\n]*")
BROKEN = "broken JSON; what stands from here on is not read"
_DECODER = json.JSONDecoder()
Values = Iterator[tuple[Place, Any]]


def read_json_lines(path: Path, audit: Audit) -> Values:
    """The place and value of each line that is not blank; None for a line that is no JSON.

    Raises MedmtlError E401 in stop mode for a line that cannot be decoded.
    """
    for number, line in read_lines(path, audit):
        line = line.removeprefix(MARK)  # of a file that was appended to another
        if line.strip():
            yield Place(path, number), _value(line)


def read_json(path: Path, audit: Audit, *, keys: Collection[str] = ()) -> Values:
    """Yield (place, value) for what a file holds: the elements of an array, or of the array that an object has under
    one of ``keys``, one at a time in memory; a value a line, None for a broken one; or values one after another.

    A place names the element of an array, as files of one line are common, and the line on which it begins. What is
    broken is a loss with the line where reading ended (MedmtlError E401 in stop mode): what stands behind that place is
    not read. Bytes that cannot be decoded come as halves of surrogate pairs, so whoever checks a text by ``is_unicode``
    loses just their elements.
    """
    with path.open("rb") as stream:
        window = _Window(stream, path, audit)
        while len(window.text) < _CHUNK and window.more():
            pass
        head = _HEAD.match(window.text)
        member = None if head is not None else _head_of_member(window.text, keys)
        if head is None and member is None:
            # of an object over several lines neither of the first two is a value of its own
            first = [line for line in window.text.split("\n") if line.strip()][:2]
            if any(_value(line) is not None for line in first):
                yield from read_json_lines(path, audit)
                return
            yield from _values(path, window)
        else:
            window.skip_to((head or member).end())  # type: ignore[union-attr]
            yield from _elements(path, window, is_member=member is not None)


class _Window:
    """The part of a file that is in memory: decoded text, where in it reading stands, and the line of that place."""

    def __init__(self, stream: IO[bytes], path: Path, audit: Audit) -> None:
        self.stream, self.audit = stream, audit
        encoding = checked_encoding(stream.read(HEAD_BYTES), path, audit)
        stream.seek(0)
        errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
        self.decode = codecs.getincrementaldecoder(encoding)(errors).decode
        self.text, self.at, self.line, self.at_end = "", 0, 1, False

    def lose(self, file: Path, reason: str) -> None:
        """What stands from here on is a loss (MedmtlError E401 in stop mode)."""
        self.audit.dropped(Place(file, self.line), "document", "", reason)

    def more(self) -> bool:
        """Read at least as much again as is there, and leave behind what was read. Whether anything came."""
        if self.at_end:
            return False
        raw = self.stream.read(max(_CHUNK, len(self.text) - self.at))
        self.at_end = not raw
        self.audit.bytes_read[0] += len(raw)
        self.text, self.at = self.text[self.at :] + self.decode(raw, not raw), 0
        return True

    def skip_to(self, at: int) -> None:
        """Go on to a place in the text."""
        self.line += self.text.count("\n", self.at, at)
        self.at = at

    def mark(self) -> str:
        """Skip blanks, a comma or closing bracket, and blanks; return what was between the blanks."""
        while (match := _NEXT.match(self.text, self.at)) is not None:
            if match.end() < len(self.text) or not self.more():
                self.skip_to(match.end())
                return match[1] or ""
        return ""

    def value(self) -> tuple[Any] | None:
        """The value that begins here, behind which reading then stands; None if there is none."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
                if end < len(self.text) or not self.more():  # else a number may go on
                    self.skip_to(end)
                    return (value,)
            except RecursionError:
                return None
            except ValueError:
                if len(self.text) - self.at > MAX_ELEMENT or not self.more():
                    return None


def _elements(path: Path, window: _Window, *, is_member: bool) -> Values:
    """The elements of the array in which the window stands."""
    for number in itertools.count():
        mark = window.mark()
        element = Path(f"{path}[{number}]")
        if mark == "]":
            break
        if (mark == ",") == (number == 0):
            problem = "expected a comma between two elements of an array, or its end; the rest is not read"
            return window.lose(element, problem)
        place = Place(element, window.line)
        decoded = window.value()
        if decoded is None:
            return window.lose(element, BROKEN)
        yield place, decoded[0]
    if window.text[window.at :][:1] not in (("}", ",") if is_member else ("",)):
        window.lose(path, "text behind the end of the array, which is not read")


def _values(path: Path, window: _Window) -> Values:
    if not window.text.strip():
        window.audit.note("files in which nothing stands")
        return
    if window.text.lstrip()[0] not in '{["':
        return window.lose(path, "no JSON: expected an array, an object, or one a line")
    while window.mark() or window.at < len(window.text):
        place = Place(path, window.line)
        decoded = window.value()
        if decoded is None:
            return window.lose(path, BROKEN)
        yield place, decoded[0]


def _head_of_member(text: str, keys: Collection[str]) -> "re.Match[str] | None":
    """Up to the bracket of a member of the outermost object; the members before it must be in ``text``."""
    match = _OPEN.match(text) if keys else None
    while match is not None:
        name = _NAME.match(text, match.end())
        if name is None:
            return None
        if json.loads(name[1], strict=False) in keys:
            return _HEAD.match(text, name.end())
        try:
            _, end = _DECODER.raw_decode(text, name.end())
        except (ValueError, RecursionError):
            return None
        match = _COMMA.match(text, end)
    return None


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
