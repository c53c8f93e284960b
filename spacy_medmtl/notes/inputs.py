"""Notes from files, folders and standard input, one after the other, so that memory does not grow with their number.

A note that cannot be read is not fatal: it comes with its problem in place of its text.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..corpora.formats.files import HEAD_BYTES, is_litter, no_text
from ..errors import MedmtlError
from . import row_inputs
from .row_inputs import Note, RowSettings

NOTE_SUFFIX = ".txt"
STDIN = "-"
_READERS: dict[str, Callable[[BinaryIO, str, RowSettings], Iterator[Note]]] = {
    ".csv": row_inputs.read_csv,
    ".tsv": row_inputs.read_csv,
    ".tab": row_inputs.read_csv,
    ".jsonl": row_inputs.read_json_lines,
    ".ndjson": row_inputs.read_json_lines,
    ".parquet": row_inputs.read_parquet,
}
SUFFIXES = (NOTE_SUFFIX, *_READERS)  # of a folder; a .json there may be anything


@dataclass(frozen=True)
class _File:
    """A file, and what its notes are called by: below a folder its path there, otherwise its name; without .txt."""

    path: Path
    name: str


class Notes:
    """The notes of some inputs, to be read once.

    total: bytes of all files, None where standard input is among them. ``consumed``: bytes read so far.
    """

    def __init__(self, inputs: Sequence[Path], settings: RowSettings, *, output: Path | None = None) -> None:
        """output: where results go; what stands there, from an earlier run, is no note.

        Raises MedmtlError E512 for an input that is not there, or a folder without notes, E407 for an output that is a
        file of notes.
        """
        self.settings = settings
        files = [file for path in inputs for file in _files(path, output)]
        n_of_name = Counter(file.name for file in files)
        self._files = [file if n_of_name[file.name] == 1 else _by_path(file) for file in files]
        if output is not None and any(file.path.resolve() == output.resolve() for file in self._files):
            raise MedmtlError("E407", path=output, problem="is one of the inputs, and would take its place")
        has_stdin = any(file.path == Path(STDIN) for file in self._files)
        self.total = None if has_stdin else sum(file.path.stat().st_size for file in self._files)
        self.consumed = 0

    def __iter__(self) -> Iterator[Note]:
        before = 0
        for file in self._files:
            if file.path == Path(STDIN):
                yield from _stdin_notes(sys.stdin.buffer, self.settings)
                continue
            for note in self._notes(file):
                self.consumed = before + note.consumed
                yield note
            before += file.path.stat().st_size
            self.consumed = before

    def _notes(self, file: _File) -> Iterator[Note]:
        try:
            stream = file.path.open("rb")
        except OSError as error:
            yield Note(
                file.name, None, MedmtlError("E512", path=file.name, problem=f"cannot be read ({error.strerror})")
            )
            return
        with stream:
            head = stream.peek(HEAD_BYTES)
            reader = _READERS.get(file.path.suffix.lower())
            if file.path.suffix.lower() == ".json" or (reader is row_inputs.read_json_lines and _is_array(head)):
                reader = row_inputs.read_json
            problem = no_text(head, file.path) if reader is not row_inputs.read_parquet else ""
            if problem:
                yield Note(file.name, None, MedmtlError("E512", path=file.name, problem=problem))
            elif reader is not None:
                yield from reader(stream, file.name, self.settings.told_by(head))
            else:
                yield row_inputs.decoded_note(stream.read(), file.name, self.settings)


def _by_path(file: _File) -> _File:
    """Files of one name from several folders are called by their paths."""
    return _named(file.path, file.path)


def _is_array(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _files(path: Path, output: Path | None) -> list[_File]:
    if path == Path(STDIN):
        return [_File(path, "stdin")]
    if not path.exists():
        raise MedmtlError("E512", path=path, problem="does not exist")
    if not path.is_dir():
        return [_named(path, Path(path.name))]
    inside = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES and not is_litter(str(file.relative_to(path))) and file.is_file()
    )
    inside = [file for file in inside if not _is_of(file, output, path)]
    if not inside:
        raise MedmtlError("E512", path=path, problem=f"is a folder without {', '.join(SUFFIXES)} files")
    return [_named(file, file.relative_to(path)) for file in inside]


def _named(path: Path, name: Path) -> _File:
    """Called by its name without .txt, be it in capital letters."""
    bare = name.with_suffix("") if name.suffix.lower() == NOTE_SUFFIX else name
    return _File(path, row_inputs.writable(bare.as_posix()))


def _is_of(file: Path, output: Path | None, folder: Path) -> bool:
    """Whether a file of an input folder is an output, in one, or beside one by its name ("x.csv.failures.jsonl")."""
    if output is None:
        return False
    file, place = file.resolve(), output.resolve()
    is_inside = place in file.parents and place not in (folder.resolve(), *folder.resolve().parents)
    return file == place or is_inside or str(file).startswith(f"{place}.")


def _stdin_notes(stream: BinaryIO, settings: RowSettings) -> Iterator[Note]:
    """JSON lines if the first line is a JSON object, otherwise one note."""
    first = stream.readline()
    if first.lstrip().startswith(b"{") and isinstance(row_inputs.json_object(first), dict):
        yield from row_inputs.read_json_lines(stream, "stdin", settings, first=first)
    else:
        yield row_inputs.decoded_note(first + stream.read(), "stdin", settings)
