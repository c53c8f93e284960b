"""Zip archives, damaged ones included. Nothing is unpacked to disk."""

import struct
import zipfile
import zlib
from pathlib import Path

from ..audit import Audit, Place

MAX_BYTES = 1_000_000  # of a member as unpacked; spaCy reads no longer texts either
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)


def open_archive(path: Path, audit: Audit) -> zipfile.ZipFile | None:
    """The archive, or None and a loss (MedmtlError E401 in stop mode)."""
    try:
        return zipfile.ZipFile(path)
    except _DAMAGE:
        audit.dropped(Place(path, 1), "document", "", "this is no zip archive")
        return None


def member_place(path: Path, name: str) -> Place:
    """The first line of a member."""
    return Place(Path(f"{path}/{name}"), 1)


def list_members(archive: zipfile.ZipFile, path: Path, audit: Audit) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by name, in its order. A second file of a name is a loss."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.filename in members:
            audit.dropped(member_place(path, info.filename), "document", "", "a second member of this name")
        elif not info.filename.endswith("/"):  # a folder; is_dir() fails for an empty name
            members[info.filename] = info
    return members


def read_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Place, audit: Audit, *, max_bytes: int = MAX_BYTES
) -> bytes | None:
    """The content of a member, or None and a loss."""
    content = b""
    reason = ""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        reason = "a kind of compression that is not read: expected 'stored' or 'deflated'"
    else:
        try:
            with archive.open(info) as stream:
                content = stream.read(max_bytes + 1)  # not the size in the header, which may be false
        except _DAMAGE:
            reason = "a damaged or encrypted member"
    if len(content) > max_bytes:
        reason = f"a member of more than {max_bytes} bytes"
    if reason:
        audit.dropped(place, "document", "", reason)
        return None
    return content
