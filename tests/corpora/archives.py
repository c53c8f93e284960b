"""Archives made of invented text."""

import io
import zipfile
from xml.sax.saxutils import escape

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def zipped(members):
    """The bytes of a zip archive that is not compressed. ``members``: names with their content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time, so the same bytes every time
    return stream.getvalue()


def docx(*tables):
    """The bytes of a Word document with these tables, lists of rows of cells. A line break parts two paragraphs."""

    def paragraphs(cell):
        return "".join(f"<w:p><w:r><w:t>{escape(one)}</w:t></w:r></w:p>" for one in cell.split("\n"))

    def row(cells):
        return "<w:tr>" + "".join(f"<w:tc>{paragraphs(cell)}</w:tc>" for cell in cells) + "</w:tr>\n"

    body = "".join("<w:tbl>\n" + "".join(map(row, table)) + "</w:tbl>\n" for table in tables)
    document = f'<w:document xmlns:w="{W}"><w:body>\n{body}</w:body></w:document>\n'
    return zipped({"word/document.xml": document, "_rels/.rels": "<Relationships/>"})
