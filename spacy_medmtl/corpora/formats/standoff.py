"""brat standoff in a zip archive: ``x.txt`` is a text, ``x.ann`` its annotations. Nothing is unpacked to disk."""

import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional

from ..audit import Audit, Place
from .mention import Mention

MAX_BYTES = 1_000_000  # of a member as unpacked; spaCy reads no longer texts either
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
_TYPE_AND_OFFSETS = re.compile(r"(?P<label>\S+) (?P<start>\d{1,9}) (?P<end>\d{1,9})", re.ASCII)


@dataclass
class Text:
    """One document, without the line feeds at its end."""

    text: str
    place: Place
    mentions: List[Mention] = field(default_factory=list)


def read_texts(path: Path, audit: Audit) -> Iterator[Text]:
    """Yield the documents of an archive, two members at a time in memory. A place is a line of a member.

    What is damaged or malformed, or has only one of its two members, is a loss (MedmtlError E401 in stop mode).
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE:
        audit.dropped(Place(path, 1), "document", "", "this is no zip archive")
        return
    with archive:
        members: Dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            if info.filename in members:
                audit.dropped(_place(path, info.filename), "document", "", "a second member of this name")
            elif not info.is_dir():
                members[info.filename] = info
        for name in members:
            stem, end = name[:-4], name[-4:]
            if end not in (".txt", ".ann"):
                audit.dropped(_place(path, name), "document", "", "neither a .txt nor a .ann member")
            elif end == ".txt" or f"{stem}.txt" not in members:  # else the .ann is read with its text
                yield from _pair(archive, members, path, stem, audit)


def _pair(
    archive: zipfile.ZipFile, members: Dict[str, zipfile.ZipInfo], path: Path, stem: str, audit: Audit
) -> Iterator[Text]:
    """The document of two members, or none if one of them cannot be read."""
    places = _place(path, f"{stem}.txt"), _place(path, f"{stem}.ann")
    text = _member(archive, members.get(f"{stem}.txt"), places[0], audit)
    rows = _member(archive, members.get(f"{stem}.ann"), places[1], audit)
    if text is not None and rows is not None:
        yield _text(text, rows, *places, audit)
        return
    for number, row in enumerate((rows or "").split("\n"), 1):
        if row.startswith("T"):
            audit.dropped(Place(places[1].file, number), "line", "", "a mention of a document without its text")


def _place(path: Path, name: str) -> Place:
    return Place(Path(f"{path}/{name}"), 1)


def _member(archive: zipfile.ZipFile, info: Optional[zipfile.ZipInfo], place: Place, audit: Audit) -> Optional[str]:
    """The decoded content of a member, or None and a loss."""
    content = b""
    reason = ""
    try:
        if info is None:
            reason = "the member is missing: expected a .txt and a .ann of each document"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            reason = "a kind of compression that is not read: expected 'stored' or 'deflated'"
        else:
            with archive.open(info) as stream:
                content = stream.read(MAX_BYTES + 1)  # not the size in the header, which may be false
    except _DAMAGE:
        reason = "a damaged or encrypted member"
    if len(content) > MAX_BYTES:
        reason = f"a member of more than {MAX_BYTES} bytes"
    if not reason:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of the member is not UTF-8"
    audit.dropped(place, "document", "", reason)
    return None


def _text(content: str, rows: str, place: Place, first: Place, audit: Audit) -> Text:
    text = Text(content.rstrip("\r\n"), place)
    for number, row in enumerate(rows.split("\n"), 1):
        row = row.rstrip("\r")
        if row.startswith("T"):
            mention = _mention(row, text.text, Place(first.file, number), audit)
            text.mentions += [mention] if mention is not None else []
        elif row[:1] in tuple("REAMN#*"):
            audit.note("annotations that are no mentions, not used")
        elif row.strip():
            audit.dropped(Place(first.file, number), "line", "", "not an annotation of brat's standoff format")
    return text


def _mention(row: str, text: str, place: Place, audit: Audit) -> Optional[Mention]:
    columns = row.split("\t")
    match = _TYPE_AND_OFFSETS.fullmatch(columns[1]) if len(columns) == 3 else None
    if match is None:
        audit.dropped(place, "line", "", "expected 'id TAB label start end TAB words' (one stretch of text)")
        return None
    start, end = int(match["start"]), int(match["end"])
    if not start < end <= len(text) or text[start:end] != columns[2]:
        audit.dropped(place, "line", "", "the offsets do not give the words of the mention", (start, end))
        return None
    return Mention(start, end, match["label"], place)
