"""brat standoff in a zip archive: ``x.txt`` is a text, ``x.ann`` its annotations. Nothing is unpacked to disk."""

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional

from ..audit import Audit, Place
from .archive import list_members, member_place, open_archive, read_member
from .mention import COVERED, Mention

_TYPE_AND_OFFSETS = re.compile(r"(?P<label>\S+) (?P<pieces>\d{1,9} \d{1,9}(;\d{1,9} \d{1,9})*)", re.ASCII)


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
    archive = open_archive(path, audit)
    if archive is None:
        return
    with archive:
        members = list_members(archive, path, audit)
        for name in members:
            stem, end = name[:-4], name[-4:]
            if name.endswith(".conf"):
                audit.note("configuration files of brat not used")
            elif end not in (".txt", ".ann"):
                audit.dropped(member_place(path, name), "document", "", "neither a .txt nor a .ann member")
            elif end == ".txt" or f"{stem}.txt" not in members:  # else the .ann is read with its text
                yield from _pair(archive, members, path, stem, audit)


def _pair(
    archive: zipfile.ZipFile, members: Dict[str, zipfile.ZipInfo], path: Path, stem: str, audit: Audit
) -> Iterator[Text]:
    """The document of two members, or none if one of them cannot be read."""
    places = member_place(path, f"{stem}.txt"), member_place(path, f"{stem}.ann")
    text = _member(archive, members.get(f"{stem}.txt"), places[0], audit)
    rows = _member(archive, members.get(f"{stem}.ann"), places[1], audit)
    if text is not None and rows is not None:
        yield _text(text, rows, *places, audit)
        return
    for number, row in enumerate((rows or "").split("\n"), 1):
        if row.startswith("T"):
            audit.dropped(Place(places[1].file, number), "line", "", "a mention of a document without its text")


def _member(archive: zipfile.ZipFile, info: Optional[zipfile.ZipInfo], place: Place, audit: Audit) -> Optional[str]:
    """The decoded content of a member, or None and a loss."""
    if info is None:
        audit.dropped(place, "document", "", "the member is missing: expected a .txt and a .ann of each document")
        return None
    content = read_member(archive, info, place, audit)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError as error:
        audit.dropped(place, "document", "", f"byte {error.start + 1} of the member is not UTF-8")
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
        audit.dropped(place, "line", "", "expected 'id TAB label start end TAB words', or several 'start end' with ';'")
        return None
    numbers = [int(number) for number in re.split("[ ;]", match["pieces"])]
    pieces = list(zip(numbers[::2], numbers[1::2]))
    start, end = min(numbers), max(numbers)
    words = " ".join(text[slice(*piece)] for piece in pieces)
    if end > len(text) or not all(first < last for first, last in pieces) or words != columns[2]:
        audit.dropped(place, "line", "", "the offsets do not give the words of the mention", (start, end))
        return None
    audit.note(COVERED, int(len(pieces) > 1))
    return Mention(start, end, match["label"], place)
