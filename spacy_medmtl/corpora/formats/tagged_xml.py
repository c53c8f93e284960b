"""One text with flat annotations behind it: ``<x><TEXT>...</TEXT><TAGS><NAME start="3" end="7" .../>...</TAGS></x>``.

The form of i2b2 since 2012, written by the tool MAE. Offsets count characters of TEXT as an XML parser gives it (its
first line feed included, line ends as single line feeds). Some published files hold a bare ``&`` in an attribute, which
no XML parser reads; it is read as ``&amp;``, and the audit counts those.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ..audit import Audit, Place
from .stretches import Stretch, stretch_of
from .xml_parser import XML_ERRORS, LineCounter, SafeParser, xml_problem

TEXT, TAGS = "TEXT", "TAGS"
_BARE = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)", re.DOTALL)


@dataclass(frozen=True)
class Tag:
    """An element in TAGS. ``name`` is that of the element."""

    name: str
    attributes: dict[str, str]
    place: Place

    def value(self, name: str) -> str:
        """An attribute in upper case without blanks at the edges; empty if it is not there."""
        return self.attributes.get(name, "").strip().upper()


@dataclass(frozen=True)
class TaggedText:
    """A text and its tags in the order of the file."""

    text: str
    tags: list[Tag]

    def stretch(self, tag: Tag) -> Stretch | None:
        """The characters that a tag marks; None if its offsets do not give the words that it repeats."""
        words, start, end = (tag.attributes.get(name, "") for name in ("text", "start", "end"))
        return stretch_of(words, self.text, start, end)


class _Collector(SafeParser):
    """Gathers the text and the tags, with their places."""

    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(path, LineCounter(data))
        self.path_to: list[str] = []  # names of the open elements
        self.texts: list[list[str]] = []
        self.tags: list[Tag] = []
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.is_in_text() or (len(self.path_to) == 3 and self.path_to[1] == TAGS):
            self.refuse(f"an element inside of <{TEXT}> or of a tag")
        self.path_to.append(name)
        if self.is_in_text():
            self.texts.append([])
        elif len(self.path_to) == 3 and self.path_to[1] == TAGS:
            self.tags.append(Tag(name, attributes, self.place()))

    def end(self, name: str) -> None:
        self.path_to.pop()

    def is_in_text(self) -> bool:
        """Whether the parser is directly in a TEXT below the root."""
        return len(self.path_to) == 2 and self.path_to[1] == TEXT

    def characters(self, text: str) -> None:
        if self.is_in_text():
            self.texts[-1].append(text)


def read_tagged(path: Path, audit: Audit) -> TaggedText | None:
    """The text and the tags of a file. None, and the document a loss (MedmtlError E401 in stop mode), if the XML is
    broken or has not exactly one TEXT with a text in it."""
    data, n_bare = _repaired(path.read_bytes())
    collector = _Collector(path, data)
    try:
        collector.parser.Parse(data, True)
    except XML_ERRORS as error:
        audit.dropped(collector.place(), "document", "", xml_problem(error, "the document"))
        return None
    texts = ["".join(pieces) for pieces in collector.texts]
    if len(texts) != 1 or not texts[0].strip():
        audit.dropped(Place(path, 1), "document", "", "expected one <TEXT> with a text below the root of the file")
        return None
    audit.note("bare '&' in XML read as '&amp;'", n_bare)
    return TaggedText(texts[0], collector.tags)


def _repaired(data: bytes) -> tuple[bytes, int]:
    """The file with bare ``&`` escaped outside of CDATA, and how many those were. Lines stay where they are."""
    n_bare = 0

    def escaped(match: "re.Match[bytes]") -> bytes:
        nonlocal n_bare
        n_bare += match[0] == b"&"
        return b"&amp;" if match[0] == b"&" else match[0]

    return _BARE.sub(escaped, data), n_bare
