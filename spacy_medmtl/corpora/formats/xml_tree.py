"""One XML document as a tree whose elements know their lines."""

from typing import Any, Dict, Optional
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from ..audit import Audit, Place
from .xml_records import DOCTYPE


class Node(Element):
    """An element. ``line``: that of its start tag, from 1."""

    line = 1


def read_tree(content: bytes, place: Place, audit: Audit) -> Optional[Node]:
    """The root of a document that lies at ``place``.

    None, and the document a loss (MedmtlError E401 in stop mode), if the XML is broken or declares a document type,
    which may define entities.
    """

    def node(tag: str, attributes: Dict[str, str]) -> Node:
        element = Node(tag, attributes)
        element.line = parser.parser.CurrentLineNumber
        return element

    parser: Any = DefusedXMLParser(target=TreeBuilder(element_factory=node), forbid_dtd=True)
    try:
        parser.feed(content)
        root: Node = parser.close()
    except ParseError as error:
        reason = f"broken XML ({str(error).partition(':')[0]}); the document is lost"
        audit.dropped(Place(place.file, max(error.position[0], 1)), "document", "", reason)
    except DefusedXmlException:
        audit.dropped(Place(place.file, parser.parser.CurrentLineNumber), "document", "", DOCTYPE)
    except (ValueError, LookupError):
        audit.dropped(place, "document", "", "an encoding that cannot be read: expected UTF-8")
    else:
        return root
    return None
