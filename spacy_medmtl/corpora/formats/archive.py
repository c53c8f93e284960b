"""Zip archives, damaged ones included. Nothing is unpacked to disk."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..audit import Audit, LossError, Place, need
from .files import is_litter

MAX_BYTES = 1_000_000  # of a member as unpacked; spaCy reads no longer texts either
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)


class Archive:
    """The files of an archive by name, in its order.

    of_files: whether somebody has put files together, so that what a file manager left beside them is left out.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile, audit: Audit, of_files: bool) -> None:
        self.path, self.archive, self.audit = path, archive, audit
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            if of_files and is_litter(info.filename):
                audit.note("files of a file manager in an archive, left out")
            elif info.filename in self.members:
                audit.dropped(self.place(info.filename), "document", "", "a second member of this name")
            elif not info.filename.endswith("/"):  # a folder; is_dir() fails for an empty name
                self.members[info.filename] = info

    def place(self, name: str) -> Place:
        """The first line of a member."""
        return Place(Path(f"{self.path}/{name}"), 1)

    def read(self, name: str, *, max_bytes: int = MAX_BYTES) -> bytes:
        """The content of a member. Raises LossError."""
        info = self.members[name]
        content = b""
        reason = ""
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            reason = "a kind of compression that is not read: expected 'stored' or 'deflated'"
        else:
            try:
                with self.archive.open(info) as stream:
                    content = stream.read(max_bytes + 1)  # not the size in the header, which may be false
            except _DAMAGE:
                reason = "a damaged or encrypted member"
        if reason or len(content) > max_bytes:
            raise LossError(reason or f"a member of more than {max_bytes} bytes", "document", place=self.place(name))
        self.audit.bytes_read[0] += info.compress_size
        return content


@contextmanager
def opened(path: Path, audit: Audit, *, of_files: bool = True) -> Iterator[Archive]:
    """The archive. of_files: false where it is a single document with its parts, as programs save them. Raises
    LossError."""
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE:
        raise LossError("this is no zip archive", "document", place=Place(path, 1)) from None
    with archive:
        yield Archive(path, archive, audit, of_files)


def read_documents(path: Path, suffix: str, audit: Audit) -> Iterator[tuple[Place, bytes]]:
    """The files of an archive, or the one that the path names. A member of another suffix is a loss."""
    if path.suffix.lower() != ".zip":
        yield Place(path, 1), path.read_bytes()
        return
    with audit.losing(Place(path, 1)), opened(path, audit) as archive:
        for name in archive.members:
            with audit.losing(archive.place(name), "document"):
                need(name.endswith(suffix), f"not a {suffix} member")
                yield archive.place(name), archive.read(name)
