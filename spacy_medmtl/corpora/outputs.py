"""Where converted Docs go: one ``.spacy`` file, or a folder of them for corpora that do not fit into memory."""

import contextlib
import os
import re
import shutil
from pathlib import Path

from spacy.tokens import Doc, DocBin

from ..errors import MedmtlError

# Only what the converters set: absent annotation then stays absent when the file is read.
STORED = ["ORTH", "SENT_START"]
_SHARD = re.compile(r"\d{5,}\.spacy(\.part)?")


class Output:
    """Docs on their way to ``path``. Nothing is there before ``finish``, and after ``abandon`` nothing ever was."""

    def __init__(self, path: Path, shard_docs: int) -> None:
        """``path`` has passed ``check_output``. ``shard_docs``: documents in each file of a folder; 0: it is a file."""
        self.path = path
        self.shard_docs = shard_docs
        self.n_shards = 0
        self.part = _part(path)
        self.docs = _empty()
        if shard_docs:
            self.abandon()  # what a run that was killed may have left

    def add(self, doc: Doc) -> None:
        """Take a Doc. A full shard goes to the disk at once."""
        self.docs.add(doc)
        if len(self.docs) == self.shard_docs:
            self._write_shard()

    def finish(self) -> None:
        """Put the file, or the folder, in its place, in that of an earlier one."""
        if not self.shard_docs:
            write_atomically(self.path, self.docs.to_bytes())
            return
        if len(self.docs) or not self.n_shards:
            self._write_shard()
        try:
            if self.path.exists():
                shutil.rmtree(self.path)
            os.replace(self.part, self.path)
        except OSError as error:
            raise MedmtlError("E407", path=self.path, problem=f"cannot be written ({error.strerror})") from error

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self.shard_docs and self.part.is_dir():
            shutil.rmtree(self.part)

    def _write_shard(self) -> None:
        write_atomically(self.part / f"{self.n_shards:05d}.spacy", self.docs.to_bytes())
        self.n_shards += 1
        self.docs = _empty()


def check_output(path: Path, *, is_folder: bool) -> None:
    """Raises MedmtlError E407 for what cannot be, or must not become, the output."""
    if is_folder and path.suffix == ".spacy":
        raise MedmtlError("E407", path=path, problem="ends in .spacy, but shards need a folder")
    for folder in (path, _part(path)) if is_folder else ():
        if folder.exists() and not (folder.is_dir() and all(_SHARD.fullmatch(one.name) for one in folder.iterdir())):
            raise MedmtlError("E407", path=folder, problem="holds something else than the shards of an earlier run")
    if not is_folder and path.suffix != ".spacy":
        raise MedmtlError("E407", path=path, problem="does not end in .spacy, which spaCy's readers require")
    if not is_folder and path.is_dir():
        raise MedmtlError("E407", path=path, problem="is a folder")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or none. Raises MedmtlError E407."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise MedmtlError("E407", path=path, problem=f"cannot be written ({error.strerror})") from error


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _empty() -> DocBin:
    return DocBin(attrs=STORED, store_user_data=False)
