"""XML by lxml, with line numbers. No entity is expanded, no document type loaded, nothing fetched, nothing repaired.

Long files are cut at the elements that hold a record, and each of these is parsed by itself: memory holds one, and
behind a broken one the next is read. A header may name a document type, as BioC's does; one that defines anything, and
any reference to what is not XML's own, is refused.
"""

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from ...errors import MedmtlError
from ..audit import Audit, LossError, Place, need
from .files import ADVICE, HEAD_BYTES, WIDE, check_text, encoding_of

DOCTYPE = "a document type declaration that defines entities or more, which is refused"
WRONG_ENCODING = f"bytes that are not in the encoding that it names, or UTF-8: {ADVICE}"
Element = Any  # of lxml, which has no types
_DEFINES = re.compile(rb"<!DOCTYPE[^>\[]*\[|<!ENTITY")
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_HEAD = 400  # bytes
_WRONG_ENCODING = 81  # code of libxml2: bytes that are not in the encoding that the file names, or UTF-8
_ROOT = re.compile(rb"<(?![?!])[^\s/>]+[^>]*>")


def parse_xml(content: bytes, place: Place, audit: Audit, *, before: bytes = b"", after: bytes = b"") -> Element:
    """The root of a document (or of ``before`` and ``after``, if given, with the content between them).

    Raises LossError, with the line, if the XML is broken or refused.
    """
    etree = _lxml()
    audit.bytes_read[0] += len(content)
    if not before:
        need(content.strip(), "an empty file", "document")
        need(_MARKUP.match(in_utf8(content[:_HEAD])), "no XML: expected a file that begins with '<'", "document")
    _refuse_definitions(content, place)

    def parsed(encoding: str | None) -> Element:
        parser = etree.XMLParser(
            encoding=encoding,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            recover=False,
            remove_comments=True,
        )
        return etree.fromstring(before + content + after, parser)

    try:
        try:
            root = parsed(None)
        except etree.XMLSyntaxError as error:
            if error.code != _WRONG_ENCODING or audit.encoding == "utf-8":
                raise
            root = parsed(audit.encoding)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        here = Place(place.file, place.line + max((getattr(error, "lineno", 0) or 1) - 1, 0))
        reason = f"broken XML ({_cause(error)}); the document is lost"
        raise LossError(reason, "document", place=here) from None
    # what a file defines in an encoding whose bytes cannot be searched, as UTF-16
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and next(chain(dtd.iterentities(), dtd.iterelements()), None) is not None:
        raise LossError(DOCTYPE, "document", place=place)
    if next(root.iter(etree.Entity), None) is not None:
        raise LossError("a reference to an entity that XML does not define", "document", place=place)
    return root


def _refuse_definitions(content: bytes, place: Place) -> None:
    """Raises LossError for a document type declaration that defines anything."""
    defines = _DEFINES.search(content)
    if defines is not None:
        line = place.line + content.count(b"\n", 0, defines.start())
        raise LossError(DOCTYPE, "document", place=Place(place.file, line))


def read_elements(path: Path, tag: str, audit: Audit) -> Iterator[tuple[Element, int]]:
    """Yield the outermost ``<tag>`` elements below the root of a file, in order, each with the line before its first
    one, to which the ``sourceline`` of an element adds.

    Broken XML is a loss with its line (MedmtlError E401 in stop mode); then reading goes on at the next element.
    """
    with _mapped(path) as data, audit.losing(Place(path, 1), "document"):
        first = re.search(rb"<%b(?=[\s/>])" % tag.encode(), data)
        head = bytes(data[: first.start() if first else len(data)])
        _refuse_definitions(head, Place(path, 1))
        roots = _ROOT.findall(re.sub(rb"<!--.*?-->|<!DOCTYPE[^>]*>", b"", head, flags=re.DOTALL))
        root = roots[0] if roots and not roots[0].endswith(b"/>") else b"<root>"
        name = re.match(rb"<([^\s>]+)", root)
        encoding = _ENCODING.match(head)
        declaration = b'<?xml version="1.0" encoding="%b"?>' % encoding[1] if encoding else b""
        before, after = declaration + root.replace(b"\n", b" "), b"</%b>" % (name[1] if name else b"root")
        at, line, end, n_elements = 0, 1, 0, 0
        for start, end in _stretches(data, tag.encode()):
            line += data[at:start].count(b"\n")
            at = start
            n_elements += 1
            with audit.losing(Place(path, line)):
                element = parse_xml(bytes(data[start:end]), Place(path, line), audit, before=before, after=after)
                if len(element):
                    yield element[0], line - 1
        need(n_elements, f"no <{tag}> in the file: expected XML of this format")
        closing = re.escape(after[:-1]) + rb"\s*>\s*(<!--.*)?\Z"
        if roots and end < len(data) and not re.search(closing, data[end:], re.S):
            last = Place(path, line + data[at:].rstrip().count(b"\n"))
            raise LossError("broken XML (the file ends before its root does)", place=last)


def line_of(element: Element, path: Path, before: int = 0) -> Place:
    """Where an element stands. ``before``: the lines before what was parsed."""
    return Place(path, before + (element.sourceline or 1))


def local(element: Element) -> str:
    """The name of an element, without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str) -> list[Element]:
    """The children of this name, whatever their namespace."""
    return [child for child in element if local(child) == name]


def _stretches(data: "mmap.mmap | bytes", tag: bytes) -> Iterator[tuple[int, int]]:
    """Where the elements of a name begin and end. They do not hold one another, so one that does not end goes up to the
    next, or to the end of the file."""
    pattern = rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<%b(?=[\s/>])[^>]*?(/?)>|</%b\s*>" % (tag, tag)
    begin: int | None = None
    for match in re.finditer(pattern, data, re.DOTALL):  # type: ignore[arg-type]
        if match[0].startswith(b"<!"):
            continue
        is_end = match[0].startswith(b"</")
        if begin is not None:
            yield begin, match.end() if is_end else match.start()
            begin = None
        if not is_end and match[1]:
            yield match.span()
        elif not is_end:
            begin = match.start()
    if begin is not None:
        yield begin, len(data)


@contextmanager
def _mapped(path: Path) -> "Iterator[mmap.mmap | bytes]":
    """The bytes of a file, without holding them in memory; of UTF-16, which is rare, as UTF-8."""
    with path.open("rb") as stream:
        check_text(stream.read(HEAD_BYTES), path)
        if not stream.seek(0, 2):
            yield b""
            return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield in_utf8(data[:]) if encoding_of(data[:4]).startswith(WIDE) else data


def in_utf8(content: bytes) -> bytes:
    """What is in UTF-16 or UTF-32, which bytes cannot be searched in, as UTF-8; anything else as it is."""
    encoding = encoding_of(content[:4])
    if not encoding.startswith(WIDE):
        return content
    return re.sub(r"<\?xml.*?\?>", "", content.decode(encoding, errors="replace"), count=1).encode()


def _cause(error: Exception) -> str:
    """What the library says, without what it quotes of the file."""
    code = getattr(error, "code", None)
    names = {76: "mismatched tag", 5: "unexpected end", 26: "undefined entity", _WRONG_ENCODING: WRONG_ENCODING}
    return names.get(code, "not well-formed") if isinstance(code, int) else "an encoding that cannot be read"


def _lxml() -> Any:
    try:
        from lxml import etree
    except ImportError as error:
        raise MedmtlError("E415", package="lxml") from error
    return etree
