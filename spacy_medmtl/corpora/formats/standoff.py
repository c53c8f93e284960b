"""brat standoff: ``x.txt`` is a text, ``x.ann`` its annotations, in a folder or a zip archive.

Nothing is unpacked to disk. ``brat`` reads all kinds of annotations, ``read_texts`` only mentions of one stretch.
"""

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


@dataclass(frozen=True)
class Pair:
    """What the two members of a document hold. ``rows``: the place of the first annotation."""

    text: str
    annotations: str
    place: Place
    rows: Place


def read_texts(path: Path, audit: Audit) -> Iterator[Text]:
    """Yield the documents of an archive with their mentions of one stretch, two members at a time in memory.

    What is damaged or malformed, or has only one of its two members, is a loss (MedmtlError E401 in stop mode).
    """
    for pair in read_archive(path, audit):
        yield _text(pair.text, pair.annotations, pair.place, pair.rows, audit)


def read_archive(path: Path, audit: Audit) -> Iterator[Pair]:
    """Yield the pairs of members of an archive. A place is a line of a member. Losses as for ``read_texts``."""
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
            if name.endswith(".conf"):
                audit.note("brat's configuration files in an archive, not used")
            elif end not in (".txt", ".ann"):
                audit.dropped(_place(path, name), "document", "", "neither a .txt nor a .ann member")
            elif end == ".txt" or f"{stem}.txt" not in members:  # else the .ann is read with its text
                places = _place(path, f"{stem}.txt"), _place(path, f"{stem}.ann")
                text = _member(archive, members.get(f"{stem}.txt"), places[0], audit)
                yield from _pair(text, _member(archive, members.get(f"{stem}.ann"), places[1], audit), *places, audit)


def read_files(path: Path, audit: Audit) -> Iterator[Pair]:
    """Yield the pair that a text file or an ``.ann`` file belongs to. Losses as for ``read_texts``."""
    text = path.with_suffix(".txt") if path.suffix == ".ann" else path
    places = Place(text, 1), Place(text.with_suffix(".ann"), 1)
    if not places[1].file.exists():
        audit.dropped(places[0], "document", "", "a text without an .ann file beside it")
    elif not places[0].file.exists():
        audit.dropped(places[1], "document", "", "annotations without a .txt file beside them")
    else:
        yield from _pair(_file(places[0], audit), _file(places[1], audit), *places, audit)


def _pair(text: Optional[str], annotations: Optional[str], place: Place, rows: Place, audit: Audit) -> Iterator[Pair]:
    """The pair, or none if one of the two cannot be read: then each of its mentions is lost."""
    if text is not None and annotations is not None:
        yield Pair(text, annotations, place, rows)
        return
    for number, row in enumerate((annotations or "").split("\n"), 1):
        if row.startswith("T"):
            audit.dropped(Place(rows.file, number), "line", "", "a mention of a document without its text")


def _file(place: Place, audit: Audit) -> Optional[str]:
    """The decoded content of a file, or None and a loss."""
    try:
        with place.file.open("rb") as stream:
            return _decoded(stream.read(MAX_BYTES + 1), place, audit)
    except OSError as error:
        audit.dropped(place, "document", "", f"the file cannot be read ({error.strerror})")
        return None


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
    if reason:
        audit.dropped(place, "document", "", reason)
        return None
    return _decoded(content, place, audit)


def _decoded(content: bytes, place: Place, audit: Audit) -> Optional[str]:
    reason = f"more than {MAX_BYTES} bytes"
    if len(content) <= MAX_BYTES:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} of it is not UTF-8"
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
