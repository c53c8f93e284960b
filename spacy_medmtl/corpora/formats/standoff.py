"""brat standoff: ``x.txt`` is a text, ``x.ann`` its annotations, in a folder or a zip archive.

Nothing is unpacked to disk. ``brat`` reads all kinds of annotations, ``read_texts`` mentions.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..audit import Audit, Place
from .archive import MAX_BYTES, list_members, member_place, open_archive, read_member
from .mention import Mention
from .stretches import are_parted, cover

_TYPE_AND_OFFSETS = re.compile(r"(?P<label>\S+) (?P<pieces>\d{1,9} \d{1,9}(;\d{1,9} \d{1,9})*)", re.ASCII)


@dataclass
class Text:
    """One document, without the line feeds at its end."""

    text: str
    place: Place
    mentions: list[Mention] = field(default_factory=list)


@dataclass(frozen=True)
class Pair:
    """What the two members of a document hold. ``rows``: the place of the first annotation."""

    text: str
    annotations: str
    place: Place
    rows: Place


def read_texts(path: Path, audit: Audit) -> Iterator[Text]:
    """Yield the documents of an archive with their mentions, two members at a time in memory. A mention of several
    stretches covers what lies between them.

    What is damaged or malformed, or has only one of its two members, is a loss (MedmtlError E401 in stop mode).
    """
    for pair in read_archive(path, audit):
        yield _text(pair.text, pair.annotations, pair.place, pair.rows, audit)


def read_archive(path: Path, audit: Audit) -> Iterator[Pair]:
    """Yield the pairs of members of an archive. A place is a line of a member. Losses as for ``read_texts``."""
    archive = open_archive(path, audit)
    if archive is None:
        return
    with archive:
        members = list_members(archive, path, audit)
        for name in members:
            stem, end = name[:-4], name[-4:]
            if name.endswith(".conf"):
                audit.note("brat's configuration files in an archive, not used")
            elif end not in (".txt", ".ann"):
                audit.dropped(member_place(path, name), "document", "", "neither a .txt nor a .ann member")
            elif end == ".txt" or f"{stem}.txt" not in members:  # else the .ann is read with its text
                places = member_place(path, f"{stem}.txt"), member_place(path, f"{stem}.ann")
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


def _pair(text: str | None, annotations: str | None, place: Place, rows: Place, audit: Audit) -> Iterator[Pair]:
    """The pair, or none if one of the two cannot be read: then each of its mentions is lost."""
    if text is not None and annotations is not None:
        yield Pair(text, annotations, place, rows)
        return
    for number, row in enumerate((annotations or "").split("\n"), 1):
        if row.startswith("T"):
            audit.dropped(Place(rows.file, number), "line", "", "a mention of a document without its text")


def _file(place: Place, audit: Audit) -> str | None:
    """The decoded content of a file, or None and a loss."""
    try:
        with place.file.open("rb") as stream:
            return _decoded(stream.read(MAX_BYTES + 1), place, audit)
    except OSError as error:
        audit.dropped(place, "document", "", f"the file cannot be read ({error.strerror})")
        return None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None, place: Place, audit: Audit) -> str | None:
    """The decoded content of a member, or None and a loss."""
    if info is None:
        audit.dropped(place, "document", "", "the member is missing: expected a .txt and a .ann of each document")
        return None
    content = read_member(archive, info, place, audit)
    return None if content is None else _decoded(content, place, audit)


def _decoded(content: bytes, place: Place, audit: Audit) -> str | None:
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


def _mention(row: str, text: str, place: Place, audit: Audit) -> Mention | None:
    columns = row.split("\t")
    match = _TYPE_AND_OFFSETS.fullmatch(columns[1]) if len(columns) == 3 else None
    if match is None:
        audit.dropped(place, "line", "", "expected 'id TAB label start end TAB words', or several 'start end' with ';'")
        return None
    numbers = [int(number) for number in re.split("[ ;]", match["pieces"])]
    pieces = list(zip(numbers[::2], numbers[1::2]))
    start, end = cover(pieces)
    words = " ".join(text[slice(*piece)] for piece in pieces)
    if end > len(text) or not all(first < last for first, last in pieces) or words != columns[2]:
        audit.dropped(place, "line", "", "the offsets do not give the words of the mention", (start, end))
        return None
    return Mention(start, end, match["label"], place, is_covered=are_parted(pieces, text))
