"""Flat XML records with line numbers, going on behind a record that is broken.

Built on expat itself, because ElementTree has no line numbers and gives up at the first error. A document type
declaration is refused, so there are no entities to expand and none to fetch.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional
from xml.parsers import expat

from ..audit import Audit, Place


@dataclass
class Record:
    """One record element: its attributes and the text of each child element, blanks at the edges removed."""

    place: Place
    attributes: Dict[str, str]
    fields: Dict[str, str] = field(default_factory=dict)


class _Refused(Exception):
    """Well-formed, but not what a file of records may hold."""


class _Collector:
    """Expat handlers that gather the records with one tag."""

    def __init__(self, path: Path, tag: str, first_line: int, encoding: Optional[str]) -> None:
        self.path, self.tag, self.first_line, self.encoding = path, tag, first_line, encoding
        self.root: Optional[str] = None
        self.done: List[Record] = []
        self.record: Optional[Record] = None
        self.child: Optional[str] = None
        self.pieces: List[str] = []
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.XmlDeclHandler = self.declaration

    @property
    def line(self) -> int:
        return self.first_line + self.parser.CurrentLineNumber - 1

    def start(self, name: str, attributes: Dict[str, str]) -> None:
        if self.root is None:
            self.root = name
        elif self.record is None:
            if name == self.tag:
                self.record = Record(Place(self.path, self.line), attributes)
        elif self.child is not None or name == self.tag or name in self.record.fields:
            raise _Refused(f"an element that is nested or repeated in a <{self.tag}>")
        else:
            self.child, self.pieces = name, []

    def characters(self, text: str) -> None:
        if self.child is not None:
            self.pieces.append(text)
        elif self.record is not None and text.strip():
            raise _Refused(f"text between the elements of a <{self.tag}>")

    def end(self, name: str) -> None:
        if self.record is None:
            return
        if self.child is not None:
            self.record.fields[self.child] = "".join(self.pieces).strip()
            self.child = None
        else:
            self.done.append(self.record)
            self.record = None

    def declaration(self, version: str, encoding: Optional[str], standalone: int) -> None:
        self.encoding = encoding

    def doctype(self, *_: object) -> None:
        raise _Refused("a document type declaration, which is refused because it may define entities")


def read_records(path: Path, tag: str, audit: Audit) -> Iterator[Record]:
    """Yield the ``<tag>`` elements below the root of a file, in order.

    Broken XML is a loss with its line (MedmtlError E401 in stop mode); then reading goes on at the next ``<tag``.
    """
    data = path.read_bytes()
    next_tag = re.compile(rb"<" + re.escape(tag.encode()) + rb"(?=[\s/>])")
    position, line, prefix = 0, 1, b""
    encoding: Optional[str] = None
    while True:
        collector = _Collector(path, tag, line, encoding)
        try:
            collector.parser.Parse(prefix, False)
            collector.parser.Parse(memoryview(data)[position:], True)
        except (expat.ExpatError, _Refused, ValueError, LookupError) as error:
            yield from collector.done
            audit.dropped(Place(path, collector.line), "document", "", _reason(error, tag))
        else:
            yield from collector.done
            return
        broken = position + collector.parser.CurrentByteIndex - len(prefix)
        following = next_tag.search(data, max(broken, position + 1))
        if following is None:
            return
        line += data.count(b"\n", position, following.start())
        position = following.start()
        encoding = collector.encoding
        # The rest is parsed as the content of the same root, so that the root's end tag still fits.
        prefix = f"<{collector.root or 'resumed'}>".encode()


def _reason(error: Exception, tag: str) -> str:
    if isinstance(error, expat.ExpatError):
        return f"broken XML ({expat.ErrorString(error.code)}); what stands before the next <{tag}> is lost"
    if isinstance(error, _Refused):
        return str(error)
    return "an encoding that cannot be read: expected UTF-8"
