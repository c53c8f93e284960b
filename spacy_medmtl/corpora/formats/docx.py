"""The tables of a Word document."""

from pathlib import Path

from ..audit import Audit, Place, need
from .archive import opened
from .xml import Element, line_of, local, parse_xml

DOCUMENT = "word/document.xml"
MAX_BYTES = 50_000_000  # of the document as unpacked
_BLANKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


Row = tuple[Place, list[str]]  # the texts of its cells, their paragraphs joined with line breaks


def read_tables(path: Path, audit: Audit) -> list[list[Row]]:
    """The tables of a document. Raises LossError if it cannot be read."""
    with opened(path, audit, of_files=False) as archive:
        place = archive.place(DOCUMENT)
        need(DOCUMENT in archive.members, "the member is missing: this is no Word document", "document")
        root = parse_xml(archive.read(DOCUMENT, max_bytes=MAX_BYTES), place, audit)
    return [_rows(table, place.file) for table in root.iter("{*}tbl")]


def _rows(table: Element, path: Path) -> list[Row]:
    rows = table.iterchildren("{*}tr")
    return [(line_of(row, path), [_text(cell) for cell in row.iterchildren("{*}tc")]) for row in rows]


def _text(cell: Element) -> str:
    paragraphs = []
    for paragraph in cell.iterchildren("{*}p"):
        pieces = (
            element.text or "" if local(element) == "t" else _BLANKS.get(local(element), "")
            for element in paragraph.iter()
        )
        paragraphs.append("".join(pieces))
    return "\n".join(paragraphs)
