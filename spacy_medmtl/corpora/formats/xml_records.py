"""XML records with line numbers, going on behind a record that is broken: flat ones here, trees in ``xml_trees``."""

import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ..audit import Audit, Place
from .lines import mapped
from .xml_parser import XML_ERRORS, LineCounter, SafeParser, xml_problem

T = TypeVar("T")
_CHUNK = 1 << 16


@dataclass
class Record:
    """One record element: its attributes and the text of each child element, blanks at the edges removed."""

    place: Place
    attributes: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)


class Collector(SafeParser, Generic[T]):
    """Gathers the elements with one tag; None: the root."""

    def __init__(
        self,
        path: Path,
        tag: str | None,
        shift: int,
        line_at: LineCounter,
        encoding: str | None,
        *,
        namespaces: bool = False,
    ) -> None:
        super().__init__(path, line_at, shift=shift, encoding=encoding, namespaces=namespaces)
        self.tag, self.encoding = tag, encoding
        self.root: str | None = None
        self.done: list[T] = []
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.XmlDeclHandler = self.declaration

    def take(self) -> list[T]:
        """The elements finished since the last call."""
        elements, self.done = self.done, []
        return elements

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """The first element is the root, in which all others are."""
        if self.root is None:
            self.root = name
        else:
            self.start(name, attributes)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        raise NotImplementedError

    def characters(self, text: str) -> None:
        """Text of the innermost open element."""
        raise NotImplementedError

    def end(self, name: str) -> None:
        """An element, or the root, ends."""
        raise NotImplementedError

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = encoding


class _FlatCollector(Collector[Record]):
    """Gathers records whose children hold nothing but text."""

    record: Record | None = None
    child: str | None = None
    pieces: list[str]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.record is None:
            if name == self.tag:
                self.record = Record(self.place(), attributes)
        elif self.child is not None or name == self.tag or name in self.record.fields:
            self.refuse(f"an element that is nested or repeated in a <{self.tag}>")
        else:
            self.child, self.pieces = name, []

    def characters(self, text: str) -> None:
        if self.child is not None:
            self.pieces.append(text)
        elif self.record is not None and text.strip():
            self.refuse(f"text between the elements of a <{self.tag}>")

    def end(self, name: str) -> None:
        if self.record is None:
            return
        if self.child is not None:
            self.record.fields[self.child] = "".join(self.pieces).strip()
            self.child = None
        else:
            self.done.append(self.record)
            self.record = None


def read_records(path: Path, tag: str, audit: Audit) -> Iterator[Record]:
    """Yield the flat ``<tag>`` elements below the root of a file, in order. Losses as for ``read_collected``."""
    return read_collected(path, tag, audit, _FlatCollector)


def read_collected(path: Path, tag: str, audit: Audit, collect: Callable[..., Collector[T]]) -> Iterator[T]:
    """Yield what a kind of collector makes of the ``<tag>`` elements of a file, in order.

    Broken XML is a loss with its line (MedmtlError E401 in stop mode); then reading goes on at the next ``<tag``.
    """
    with mapped(path) as data:
        yield from _collected(path, data, tag, audit, collect)


def _collected(
    path: Path, data: mmap.mmap, tag: str, audit: Audit, collect: Callable[..., Collector[T]]
) -> Iterator[T]:
    next_tag = re.compile(rb"<" + re.escape(tag.encode()) + rb"(?=[\s/>])")
    line_at = LineCounter(data)
    position, prefix = 0, b""
    encoding: str | None = None
    while True:
        collector = collect(path, tag, position - len(prefix), line_at, encoding)
        try:
            collector.parser.Parse(prefix, False)
            for start in range(position, len(data), _CHUNK):
                collector.parser.Parse(data[start : start + _CHUNK], False)
                yield from collector.take()
            collector.parser.Parse(b"", True)
        except XML_ERRORS as error:
            yield from collector.take()
            reason = xml_problem(error, f"what stands before the next <{tag}>")
            audit.dropped(collector.place(), "document", "", reason)
        else:
            yield from collector.take()
            return
        following = next_tag.search(data, max(collector.offset, position + 1))
        if following is None:
            return
        position = following.start()
        encoding = collector.encoding
        # The rest is parsed as the content of the same root, so that the root's end tag still fits.
        prefix = f"<{collector.root or _last_end_tag(data)}>".encode()


def _last_end_tag(data: mmap.mmap) -> str:
    """The root's name where parsing did not reach its start."""
    match = re.search(rb"</([A-Za-z][\w.-]*)\s*>\s*\Z", data[-1000:])
    return match[1].decode() if match else "root"
