"""One text with annotations as XMI, the exchange format of UIMA and WebAnno.

A file holds one text (``sofaString``) and, as attributes of flat elements, what was annotated: ``begin``, ``end`` (in
UTF-16 units of the text, end exclusive) and features.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from ..audit import Audit, Place
from .xml_parser import XML_ERRORS, LineCounter, SafeParser, xml_problem

TEXT = "sofaString"


@dataclass(frozen=True)
class Annotation:
    """Characters of the text, end exclusive, and what is said about them."""

    start: int
    end: int
    features: dict[str, str]
    place: Place


@dataclass(frozen=True)
class AnnotatedText:
    """A text and its annotations by layer (the name of their elements), in the order of the file."""

    text: str
    layers: dict[str, list[Annotation]]


class _Collector(SafeParser):
    """Gathers the texts and the elements of some layers, with their places."""

    def __init__(self, path: Path, layers: Collection[str], data: bytes) -> None:
        super().__init__(path, LineCounter(data))
        self.layers = layers
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str], Place]] = []
        self.parser.StartElementHandler = self.start

    def start(self, name: str, attributes: dict[str, str]) -> None:
        layer = name.rpartition(":")[2]
        if layer in self.layers:
            self.elements.append((layer, attributes, self.place()))
        elif TEXT in attributes:
            self.texts.append(attributes[TEXT])


def read_xmi(path: Path, layers: Collection[str], audit: Audit) -> AnnotatedText | None:
    """The text of a file and its annotations of these layers.

    None, and the document a loss, if the XML is broken or does not hold one text. An element whose begin and end are
    not inside the text is a loss. Either raises MedmtlError E401 in stop mode.
    """
    data = path.read_bytes()
    collector = _Collector(path, layers, data)
    try:
        collector.parser.Parse(data, True)
    except XML_ERRORS as error:
        audit.dropped(collector.place(), "document", "", xml_problem(error, "the document"))
        return None
    if len(collector.texts) != 1 or not collector.texts[0].strip():
        audit.dropped(Place(path, 1), "document", "", f"expected one text ({TEXT}) in the file")
        return None
    (text,) = collector.texts
    characters = _characters(text)
    found: dict[str, list[Annotation]] = {layer: [] for layer in layers}
    for layer, features, place in collector.elements:
        start, end = (characters.get(features.get(edge, ""), -1) for edge in ("begin", "end"))
        if 0 <= start < end:
            found[layer].append(Annotation(start, end, features, place))
        else:
            audit.dropped(place, "line", layer, "begin and end are not inside the text")
    return AnnotatedText(text, found)


def _characters(text: str) -> dict[str, int]:
    """From offsets as the file writes them, in UTF-16 units, to characters."""
    units = accumulate((2 if character > "\uffff" else 1 for character in text), initial=0)
    return {str(unit): index for index, unit in enumerate(units)}
