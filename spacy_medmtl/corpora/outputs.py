"""Where converted Docs go: a ``.spacy`` file, written as spaCy's ``DocBin`` writes it, in memory that does not grow
with the number of Docs.

``DocBin`` itself holds all Docs until the end. Here columns go to unnamed temporary files: hashes and numbers, no text.
"""

import contextlib
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy
from spacy.tokens import Doc, DocBin

from ..annotations.packed import GroupPacker
from ..errors import MedmtlError, writing

# Only what the converters set: absent annotation then stays absent when the file is read.
STORED = ["ORTH", "SENT_START"]
_COLUMNS = ("tokens", "spaces", "lengths", "cats", "flags", "span_groups")
_LISTS = ("cats", "flags", "span_groups")  # a packed value for each Doc; the others are bytes
_MAX_BYTES = 2**32 - 1  # of a column, by its length in the format
_CHUNK = 1 << 20


class DocFile:
    """Docs on their way to ``path``. Nothing is there before ``finish``, and after ``abandon`` nothing ever was."""

    def __init__(self, path: Path) -> None:
        """``path`` has passed ``check_output``."""
        self.path = path
        self.strings: set[str] = set()
        self.words: set[int] = set()  # hashes of those of the strings that are words
        self.n_docs = 0
        self.columns: dict[str, IO[bytes]] = {name: _column() for name in _COLUMNS}
        self.packer = GroupPacker()

    def add(self, doc: Doc) -> None:
        """Take a Doc."""
        self.n_docs += 1
        tokens = doc.to_array([*STORED]).astype(numpy.uint64)
        self.columns["tokens"].write(tokens.tobytes())
        self.columns["spaces"].write(doc.to_array(["SPACY"]).astype(bool).tobytes())
        self.columns["lengths"].write(struct.pack("<i", len(doc)))
        self.columns["cats"].write(self.packer.packed(doc.cats))
        self.columns["flags"].write(self.packer.packed({"has_unknown_spaces": doc.has_unknown_spaces}))
        self.columns["span_groups"].write(self.packer.packed(self.packer.pack(doc)))
        self.strings.update(span.label_ for group in doc.spans.values() for span in group)
        unseen = set(tokens.reshape(-1, len(STORED))[:, 0].tolist()) - self.words
        self.words |= unseen
        self.strings.update(doc.vocab.strings[word] for word in unseen)

    def finish(self) -> None:
        """Put the file in its place, in that of an earlier one. Raises MedmtlError E407."""
        with replaced(self.path) as part, part.open("wb") as stream:
            pressed = zlib.compressobj()
            for piece in self._pieces():
                stream.write(pressed.compress(piece))
            stream.write(pressed.flush())
        self.abandon()

    def _pieces(self) -> Iterator[bytes]:
        """The content of the file, packed."""
        empty, pack = DocBin(attrs=STORED), self.packer.packed
        values = {"version": empty.version, "attrs": list(empty.attrs), "strings": sorted(self.strings)}
        yield bytes([0x80 | (len(values) + len(_COLUMNS))])  # a map of so many members
        for name, value in values.items():
            yield pack(name) + pack(value)
        for name in _COLUMNS:
            stream = self.columns[name]
            yield pack(name) + (b"\xdd" if name in _LISTS else b"\xc6")
            size = self.n_docs if name in _LISTS else stream.tell()
            if size > _MAX_BYTES:
                raise MedmtlError(
                    "E407", path=self.path, problem="would hold more than spaCy's format can: split the input"
                )
            yield struct.pack(">I", size)
            stream.seek(0)
            while piece := stream.read(_CHUNK):
                yield piece

    def abandon(self) -> None:
        """Leave nothing behind."""
        for stream in self.columns.values():
            stream.close()


def _column() -> IO[bytes]:
    return tempfile.TemporaryFile()


def check_output(path: Path) -> None:
    """Raises MedmtlError E407 for what cannot be, or must not become, the output."""
    if path.suffix != ".spacy":
        raise MedmtlError("E407", path=path, problem="does not end in .spacy, which spaCy's readers require")
    if path.is_dir():
        raise MedmtlError("E407", path=path, problem="is a folder")


def check_apart(outputs: Sequence[Path | None], inputs: Sequence[Path | None]) -> None:
    """Raises MedmtlError E407 where an output would take the place of an input, or of another output."""
    taken = [path.resolve() for path in inputs if path is not None]
    for output in outputs:
        if output is not None and output.resolve() in taken:
            raise MedmtlError("E407", path=output, problem="is one of the inputs or another output: name another")
        taken += [output.resolve()] if output is not None else []


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none. Raises MedmtlError E407."""
    with replaced(path) as part:
        part.write_bytes(data)


@contextlib.contextmanager
def replaced(path: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """A file or folder to write, which takes the place of ``path`` if all goes well; where that is a link, of what it
    leads to. Raises MedmtlError E407, also for a device or a pipe, whose place nothing may take, and for the current
    folder: a shell would go on in the one that is gone."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise MedmtlError("E407", path=path, problem="is a device or a pipe: name a file")
    if is_folder and Path.cwd().is_relative_to(path.resolve()):
        raise MedmtlError("E407", path=path, problem="is the folder that you are in, or one above it; name another")
    path = path.resolve() if path.is_symlink() else path
    part = path.with_name(f"{path.name}.part")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if is_folder:
                _remove(part, is_folder)
                part.mkdir()
            yield part
            if is_folder:
                _remove(path, is_folder)
            os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            _remove(part, is_folder)


def _remove(path: Path, is_folder: bool) -> None:
    """Remove a file, if it is there, or also a folder: one where a file is to be written is somebody else's."""
    if is_folder and path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
