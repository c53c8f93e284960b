"""The tables of a Word document."""

from pathlib import Path

from ..audit import Audit, Place
from .archive import opened
from .xml import Element, line_of, local, parse_xml

DOCUMENT = "word/document.xml"
MAX_BYTES = 50_000_000  # of the document as unpacked
_BLANKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


class TableRow(list[str]):
    """The texts of the cells of a row, their paragraphs joined with line breaks; ``place`` is that of the row."""

    def __init__(self, cells: list[str], place: Place) -> None:
        super().__init__(cells)
        self.place = place


def read_tables(path: Path, audit: Audit) -> list[list[TableRow]]:
    """The tables of a document; none, and a loss (MedmtlError E401 in stop mode), if it cannot be read."""
    with opened(path, audit) as archive:
        if archive is None:
            return []
        place = archive.place(DOCUMENT)
        if DOCUMENT not in archive.members:
            audit.dropped(place, "document", "", "the member is missing: this is no Word document")
            return []
        content = archive.read(DOCUMENT, max_bytes=MAX_BYTES)
    root = None if content is None else parse_xml(content, place, audit)
    return [] if root is None else [_rows(table, place.file) for table in root.iter("{*}tbl")]


def _rows(table: Element, path: Path) -> list[TableRow]:
    return [
        TableRow([_text(cell) for cell in row.iterchildren("{*}tc")], line_of(row, path))
        for row in table.iterchildren("{*}tr")
    ]


def _text(cell: Element) -> str:
    paragraphs = []
    for paragraph in cell.iterchildren("{*}p"):
        pieces = (
            element.text or "" if local(element) == "t" else _BLANKS.get(local(element), "")
            for element in paragraph.iter()
        )
        paragraphs.append("".join(pieces))
    return "\n".join(paragraphs)
