"""Expat, with line numbers and without document type declarations: what all readers of XML build on.

ElementTree has no line numbers and gives up at the first error. As a document type declaration is refused, there are no
entities to expand and none to fetch.
"""

import mmap
from pathlib import Path
from xml.parsers import expat

from ..audit import Place

DOCTYPE = "a document type declaration, which is refused because it may define entities"


class RefusedError(Exception):
    """Well-formed, but not what a file may hold."""


XML_ERRORS = (expat.ExpatError, RefusedError, ValueError, LookupError)  # the latter two: an encoding


class LineCounter:
    """Line numbers of ascending offsets. Only line feeds count, as for every other format (expat counts more)."""

    def __init__(self, data: "bytes | mmap.mmap") -> None:
        self.data, self.offset, self.line = data, 0, 1

    def __call__(self, offset: int) -> int:
        if offset < self.offset:
            self.offset, self.line = 0, 1
        self.line += self.data[self.offset : offset].count(b"\n")
        self.offset = offset
        return self.line


class SafeParser:
    """An expat parser that knows its place. The handlers are those of ``parser`` that a subclass sets.

    shift: turns offsets in what is fed into the file's. namespaces: names are ``URI name``, not ``prefix:name``.
    """

    def __init__(
        self,
        path: Path,
        line_at: LineCounter,
        *,
        shift: int = 0,
        encoding: str | None = None,
        namespaces: bool = False,
    ) -> None:
        self.path, self.line_at, self.shift = path, line_at, shift
        self.refused: int | None = None
        self.parser = expat.ParserCreate(encoding, " " if namespaces else None)
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self.doctype

    @property
    def offset(self) -> int:
        """Where in the file the parser is, or what it refused was."""
        return max(self.parser.CurrentByteIndex + self.shift, 0) if self.refused is None else self.refused

    def place(self) -> Place:
        """The line where the parser is."""
        return Place(self.path, self.line_at(self.offset))

    def refuse(self, reason: str) -> None:
        """Raise, and keep the place, because expat still runs to the end of its chunk after an exception."""
        self.refused = self.offset
        raise RefusedError(reason)

    def doctype(self, *_: object) -> None:
        self.refuse(DOCTYPE)


def xml_problem(error: Exception, lost: str) -> str:
    """What one of ``XML_ERRORS`` means. ``lost``: what broken XML costs."""
    if isinstance(error, expat.ExpatError):
        return f"broken XML ({expat.ErrorString(error.code)}); {lost} is lost"
    if isinstance(error, RefusedError):
        return str(error)
    return "an encoding that cannot be read: expected UTF-8"
