"""XML elements with all that is in them, with line numbers: one at a time of a long file, or a short one's root."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audit import Audit, Place
from .xml_parser import XML_ERRORS, LineCounter, xml_problem
from .xml_records import Collector, read_collected

MAX_DEPTH = 100


@dataclass
class Element:
    """An element with its own text (without that of its children) and its children, in order."""

    name: str
    attributes: dict[str, str]
    place: Place
    pieces: list[str] = field(default_factory=list)
    children: list["Element"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text as it stands, blanks included."""
        return "".join(self.pieces)

    def all(self, name: str) -> list["Element"]:
        """The children of this name."""
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator["Element"]:
        """The element and all that is in it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()

    def text_of(self, name: str) -> str:
        """The text of the only child of this name; empty if there is none, or several."""
        found = self.all(name)
        return found[0].text if len(found) == 1 else ""


class _TreeCollector(Collector[Element]):
    """Gathers elements with their children. ``open``: those that have begun, outermost first."""

    def __init__(self, *place: Any, namespaces: bool = False) -> None:
        super().__init__(*place, namespaces=namespaces)
        self.open: list[Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.open or self.tag in (name, None):
            if len(self.open) == MAX_DEPTH:
                self.refuse(f"elements nested more than {MAX_DEPTH} deep")
            element = Element(name, attributes, self.place())
            if self.open:
                self.open[-1].children.append(element)
            self.open.append(element)

    def characters(self, text: str) -> None:
        if self.open:
            self.open[-1].pieces.append(text)

    def end(self, name: str) -> None:
        if self.open:
            element = self.open.pop()
            if not self.open:
                self.done.append(element)


def read_elements(path: Path, tag: str, audit: Audit) -> Iterator[Element]:
    """Yield the outermost ``<tag>`` elements below the root of a file, in order.

    Broken XML is a loss with its line (MedmtlError E401 in stop mode); then reading goes on at the next ``<tag``. A
    document type declaration is refused, so there are no entities to expand and none to fetch.
    """
    return read_collected(path, tag, audit, _TreeCollector)


def read_tree(content: bytes, place: Place, audit: Audit) -> Element | None:
    """The root of a document that lies at ``place``, its names with their namespaces.

    None, and the document a loss (MedmtlError E401 in stop mode), if the XML is broken or declares a document type.
    """
    collector = _TreeCollector(place.file, None, 0, LineCounter(content), None, namespaces=True)
    collector.parser.StartElementHandler = collector.start  # the root is to be gathered as well
    try:
        collector.parser.Parse(content, True)
    except XML_ERRORS as error:
        audit.dropped(collector.place(), "document", "", xml_problem(error, "the document"))
        return None
    (root,) = collector.take()
    return root
