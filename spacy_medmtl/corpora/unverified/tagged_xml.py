"""One text with flat annotations behind it: ``<x><TEXT>...</TEXT><TAGS><NAME start="3" end="7" .../>...</TAGS></x>``.

The form of i2b2 since 2012, written by the tool MAE. Offsets count characters of TEXT as an XML parser gives it (its
first line feed included, line ends as single line feeds). Some published files hold a bare ``&`` in an attribute, which
no XML parser reads; it is read as ``&amp;``, and the audit counts those.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ..audit import Audit, Place
from ..formats.words import located
from ..formats.xml import Element, children, line_of, local, parse_xml
from ..record import Bounds, is_offset

TEXT, TAGS = "TEXT", "TAGS"
_BARE = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)", re.DOTALL)


@dataclass(frozen=True)
class Tag:
    """An element in TAGS: its name, its attributes, and the characters that it marks (None if its offsets do not give
    the words that it repeats)."""

    name: str
    attributes: dict[str, str]
    bounds: Bounds | None
    place: Place

    def value(self, name: str) -> str:
        """An attribute in upper case without blanks at the edges; empty if it is not there."""
        return self.attributes.get(name, "").strip().upper()


@dataclass(frozen=True)
class TaggedText:
    """A text and its tags in the order of the file."""

    text: str
    tags: list[Tag]


def read_tagged(path: Path, audit: Audit) -> TaggedText | None:
    """The text and the tags of a file. None, and the document a loss (MedmtlError E401 in stop mode), if the XML is
    broken or has not exactly one TEXT with a text in it."""
    data, n_bare = _repaired(path.read_bytes())
    root = parse_xml(data, Place(path, 1), audit)
    if root is None:
        return None
    texts = children(root, TEXT)
    if len(texts) != 1 or not (texts[0].text or "").strip():
        audit.dropped(Place(path, 1), "document", "", "expected one <TEXT> with a text below the root of the file")
        return None
    elements = [element for tags in children(root, TAGS) for element in tags]
    inner = next((child for element in (*texts, *elements) for child in element), None)
    if inner is not None:
        audit.dropped(line_of(inner, path), "document", "", f"an element inside of <{TEXT}> or of a tag")
        return None
    audit.note("bare '&' in XML read as '&amp;'", n_bare)
    mentions = [([_edges(element)], element.get("text", "")) for element in elements]
    tags = [
        Tag(local(element), dict(element.attrib), fragments[0] if fragments else None, line_of(element, path))
        for element, fragments in zip(elements, located(texts[0].text, mentions, audit))
    ]
    return TaggedText(texts[0].text, tags)


def _edges(element: Element) -> Bounds:
    """The offsets of a tag; what no text has if they are no numbers."""
    edges = [element.get(name, "") for name in ("start", "end")]
    return (int(edges[0]), int(edges[1])) if all(map(is_offset, edges)) else (-1, -1)


def _repaired(data: bytes) -> tuple[bytes, int]:
    """The file with bare ``&`` escaped outside of CDATA, and how many those were. Lines stay where they are."""
    n_bare = 0

    def escaped(match: "re.Match[bytes]") -> bytes:
        nonlocal n_bare
        n_bare += match[0] == b"&"
        return b"&amp;" if match[0] == b"&" else match[0]

    return _BARE.sub(escaped, data), n_bare
