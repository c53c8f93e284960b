"""The tables of a Word document."""

from pathlib import Path

from ..audit import Audit, Place
from .archive import list_members, member_place, open_archive, read_member
from .xml_trees import Element, read_tree

DOCUMENT = "word/document.xml"
MAX_BYTES = 50_000_000  # of the document as unpacked
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_BLANKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


class Row(list[str]):
    """The texts of the cells of a row, their paragraphs joined with line breaks; ``place`` is that of the row."""

    def __init__(self, cells: list[str], place: Place) -> None:
        super().__init__(cells)
        self.place = place


def read_tables(path: Path, audit: Audit) -> list[list[Row]]:
    """The tables of a document; none, and a loss (MedmtlError E401 in stop mode), if it cannot be read."""
    root = _root(path, audit)
    if root is None:
        return []
    tables = (element for element in root.walk() if element.name == f"{_W}tbl")
    return [
        [Row([_text(cell) for cell in row.all(f"{_W}tc")], row.place) for row in table.all(f"{_W}tr")]
        for table in tables
    ]


def _root(path: Path, audit: Audit) -> Element | None:
    archive = open_archive(path, audit)
    if archive is None:
        return None
    with archive:
        place = member_place(path, DOCUMENT)
        info = list_members(archive, path, audit).get(DOCUMENT)
        if info is None:
            audit.dropped(place, "document", "", "the member is missing: this is no Word document")
            return None
        content = read_member(archive, info, place, audit, max_bytes=MAX_BYTES)
    return None if content is None else read_tree(content, place, audit)


def _text(cell: Element) -> str:
    paragraphs = []
    for paragraph in cell.all(f"{_W}p"):
        pieces = (one.text if one.name == f"{_W}t" else _BLANKS.get(one.name, "") for one in paragraph.walk())
        paragraphs.append("".join(pieces))
    return "\n".join(paragraphs)
