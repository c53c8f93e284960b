"""What a screen reader and a keyboard need of a page, as far as its HTML tells."""

from collections.abc import Iterator

import lxml.html
from lxml.etree import _Element

NATIVE = ("a", "button", "input", "select", "summary", "textarea")


def assert_readable(html: str) -> None:
    """Language and title; headings in order; captions and scopes; names of all that is operated or drawn; no focus
    that does not show."""
    page = lxml.html.document_fromstring(html)
    identifiers = [str(one) for one in page.xpath("//@id")]
    assert len(identifiers) == len(set(identifiers))
    assert page.get("lang")
    assert page.xpath("string(//head/title)").strip()
    assert page.xpath("//head/meta[@name='viewport'][not(contains(@content, 'user-scalable=no'))]")
    assert len(page.xpath("//main")) == 1
    levels = [int(heading.tag[1]) for heading in page.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert all(lower <= upper + 1 for upper, lower in zip(levels, levels[1:])), levels
    for table in page.iter("table"):
        assert table.xpath("string(caption)").strip(), lxml.html.tostring(table)[:200]
        assert table.xpath(".//th")
    for header in page.iter("th"):
        assert header.get("scope") in ("col", "row"), header.text_content()
        assert header.text_content().strip()
    for element in operated(page):
        assert name_of(element, page), lxml.html.tostring(element)[:200]
        assert element.tag in NATIVE, element.tag
    for drawing in page.iter("svg"):  # told elsewhere in words, or itself a picture with a name
        told = drawing.get("aria-hidden") == "true"
        assert told or (drawing.get("role") == "img" and drawing.get("aria-label"))
    for reference in page.xpath("//@aria-labelledby | //label/@for"):
        assert reference in identifiers
    style = "".join(page.xpath("//style//text()")).replace(" ", "")
    assert "outline:none" not in style
    assert "outline:0" not in style


def operated(page: _Element) -> Iterator[_Element]:
    """What takes clicks or the focus."""
    for element in page.iter():
        if isinstance(element.tag, str) and (
            element.tag in NATIVE
            or any(name.startswith("on") for name in element.attrib)
            or element.get("tabindex") not in (None, "-1")
            or element.get("role") in ("button", "link", "tab", "checkbox")
        ):
            yield element


def name_of(element: _Element, page: _Element) -> str:
    """Its accessible name."""
    labels = page.xpath("//label[@for=$name]", name=element.get("id") or "")
    texts = [element.get("aria-label") or "", element.text_content(), *(label.text_content() for label in labels)]
    if element.tag == "textarea":
        texts.pop(1)
    return next((text.strip() for text in texts if text.strip()), "")
