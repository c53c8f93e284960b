"""Input files and their lines, with defined behaviour on whatever a user may point at."""

import codecs
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...errors import MedmtlError
from ..audit import Audit, LossError, Place, need

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
MARK = "\ufeff"  # a byte order mark that was decoded: within a file, of another that was appended to it
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive, or a file of an office program",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"PAR1": "a Parquet file",
    b"ARROW1\x00\x00": "an Arrow or Feather file",
    b"FEA1": "a Feather file",
    b"\x89HDF\r\n": "an HDF5 file",
    b"SQLite format 3\x00": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "a file of an old office program",
    b"{\\rtf": "a document in RTF",
}
_POINTER = b"version https://git-lfs"  # what stands in a checkout in place of a file that was not fetched
HEAD_BYTES = 24  # that tell the kind and the encoding of a file
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
_HEAD = 1 << 16  # bytes in which a line ends, if any does
UNREADABLE = "\x00"  # stands for a line that cannot be decoded, where neighbouring lines belong together
WIDE = ("utf-16", "utf-32")
ADVICE = "the file has another encoding: name it by '--encoding' (of Excel on Windows it is cp1252)"


def input_files(inputs: Sequence[Path], suffixes: Sequence[str], *, takes_folders: bool = False) -> list[Path]:
    """The files to read, in the order given; a folder stands for the files in it, at any depth, with one of the
    suffixes (in small letters; a file's may be in any), sorted, or for itself where the reader takes folders. One that
    is named twice, alone and by its folder, is read once.

    Raises MedmtlError E402 for what is missing, empty, unreadable or a folder where none is expected.
    """
    files: list[Path] = []
    for path in inputs:
        if path.is_dir() and suffixes:
            below = (file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
            inside = sorted(file for file in below if not is_litter(str(file.relative_to(path))))
            if not inside:
                expected = " or ".join(f"*{suffix}" for suffix in suffixes)
                raise MedmtlError("E402", path=path, problem=f"is a folder without {expected} files")
            files += inside
        elif path.is_dir() and takes_folders:
            files.append(path)
        else:
            _check_file(path)
            files.append(path)
    return list({os.path.abspath(file): file for file in files}.values())


def is_litter(name: str) -> bool:
    """Whether a member of a folder or an archive is one that a program left there: hidden files and folders (copies of
    a notebook or an editor, of version control), what file managers and office programs put beside others."""
    return any(part in _LITTER or (part.startswith((".", "~$")) and part.strip(".")) for part in Path(name).parts)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise MedmtlError("E402", path=path, problem="is a folder")
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise MedmtlError("E402", path=path, problem="is empty")
    except FileNotFoundError:
        raise MedmtlError("E402", path=path, problem="does not exist") from None
    except OSError as error:
        raise MedmtlError("E402", path=path, problem=f"cannot be read ({error.strerror})") from error


def check_text(head: bytes, path: Path) -> None:
    """Raises MedmtlError E402 for a file that is no text, as ``no_text`` says."""
    problem = no_text(head, path)
    if problem:
        raise MedmtlError("E402", path=path, problem=problem)


def no_text(head: bytes, path: Path) -> str:
    """Why a file is no text, by its name or its first ``HEAD_BYTES``; nothing if it may be one."""
    if path.suffix.lower() == ".spacy":
        return "is a .spacy file, and no text: 'medmtl export jsonl' makes of it what 'medmtl convert prodigy' reads"
    if head.startswith(_POINTER):
        return "is what Git LFS leaves in place of a file: fetch that by 'git lfs pull'"
    kind = next((kind for mark, kind in _NO_TEXT.items() if head.startswith(mark)), None)
    return f"is {kind}, and no text: unpack it, or save it as text" if kind is not None else ""


def encoding_of(head: bytes, default: str = "utf-8") -> str:
    """Of a text, by its first bytes: what the byte order mark names, or the zeros between the first letters tell."""
    pattern = bytes(map(bool, head[:4]))  # 1 where a byte is not zero
    unmarked = {b"\1\0\1\0": "utf-16-le", b"\0\1\0\1": "utf-16-be"}.get(pattern, default)
    return next((name for mark, name in MARKS if head.startswith(mark)), unmarked)


def checked_encoding(head: bytes, path: Path, audit: Audit) -> str:
    """``encoding_of`` a file of the conversion. Raises MedmtlError E402 for one that is no text."""
    check_text(head, path)
    return encoding_of(head, audit.encoding)


def decoded(content: bytes, place: Place, audit: Audit) -> str:
    """The text of a file or member as it stands, without a byte order mark, line ends included, because offsets count
    them. Raises LossError if it is in another encoding."""
    encoding = checked_encoding(content[:HEAD_BYTES], place.file, audit)
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        at = error.start + 1 if isinstance(error, UnicodeDecodeError) else 1
        problem = f"byte {at} of it is not {_shown(encoding)}: {ADVICE}"
    raise LossError(problem, "document", place=place)


def read_text(path: Path, audit: Audit, *, max_bytes: int | None = None) -> str:
    """``decoded`` of a file. Raises LossError, too, if it cannot be read or is too long."""
    place = Place(path, 1)
    try:
        with path.open("rb") as stream:
            content = stream.read(-1 if max_bytes is None else max_bytes + 1)
    except OSError as error:
        raise LossError(f"the file cannot be read ({error.strerror})", "document", place=place) from None
    if max_bytes is not None and len(content) > max_bytes:
        raise LossError(f"more than {max_bytes} bytes", "document", place=place)
    audit.bytes_read[0] += len(content)
    return decoded(content, place, audit)


def lines_of(path: Path, audit: Audit) -> Iterator[tuple[int, str, str]]:
    """(number, line with its end, what is wrong with its bytes if anything is). What cannot be decoded comes with
    replacement characters.

    Only a line feed ends a line: other characters that Python splits on (U+2028, form feed) occur inside real text. Of
    a file without any, as Excel saves for the Macintosh, a carriage return does.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        encoding = checked_encoding(head[:HEAD_BYTES], path, audit)
        stream.seek(0)
        end = "\r" if b"\r" in head and b"\n" not in head else "\n"
        is_text = end == "\r" or encoding.lower().startswith(WIDE)  # no line of bytes ends at a line feed there
        lines: Iterable[str | bytes] = io.TextIOWrapper(stream, encoding, "replace", end) if is_text else stream
        for number, raw in enumerate(lines, 1):
            audit.bytes_read[0] += len(raw)
            if isinstance(raw, str):
                yield number, raw, f"the line is not {_shown(encoding)}: {ADVICE}" if "\ufffd" in raw else ""
                continue
            # utf-8-sig would also eat a byte order mark of later lines, where it is text
            codec = "utf-8" if encoding == "utf-8-sig" and number > 1 else encoding
            try:
                yield number, raw.decode(codec), ""
            except UnicodeDecodeError as error:
                problem = f"byte {error.start + 1} of the line is not {_shown(codec)}: {ADVICE}"
                yield number, raw.decode(codec, errors="replace"), problem


def read_lines(path: Path, audit: Audit, *, instead: str | None = None) -> Iterator[tuple[int, str]]:
    """Yield (number, line without its end). A line that cannot be decoded is a loss (MedmtlError E401 in stop mode).

    Such a line is left out, or stands as ``instead``, for formats in which neighbouring lines belong together.
    """
    for number, line, problem in lines_of(path, audit):
        if problem:
            audit.dropped(Place(path, number), "line", "", problem)
            if instead is None:
                continue
            line = instead
        yield number, line.rstrip("\r\n")


def read_rows(
    path: Path, audit: Audit, mark: str = "\t", *, n_columns: int | None = None
) -> Iterator[tuple[Place, list[str]]]:
    """Yield the place and the columns of each line that is not blank; of a given number of columns without the blanks
    at their edges, any other number being a loss. Losses as for ``read_lines``."""
    for number, line in read_lines(path, audit):
        columns, place = line.split(mark), Place(path, number)
        if not line.strip():
            continue
        if n_columns is None:
            yield place, columns
        elif len(columns) == n_columns:
            yield place, [column.strip() for column in columns]
        else:
            audit.dropped(place, "line", "", f"{len(columns)} columns: expected {n_columns}, separated by tabs")


def suffix_forms(suffix: str) -> tuple[str, str, str]:
    """A suffix as files of other systems have it: in small letters, in capitals, and with one in front."""
    return suffix, suffix.upper(), f".{suffix[1:].capitalize()}"


def find_companion(path: Path, suffixes: Sequence[str], folders: Sequence[str] = ()) -> Path | None:
    """The file with the stem of ``path`` and one of the suffixes, be it in capital letters or begin with one, beside
    it or in one of the ``folders`` (relative to the folder of ``path``); None if there is none."""
    names = [f"{path.stem}{form}" for suffix in suffixes for form in suffix_forms(suffix)]
    places = (path.parent / folder / name for folder in (".", *folders) for name in names)
    return next((place for place in places if place.is_file()), None)


def text_of(path: Path, audit: Audit, folders: Sequence[str] = ()) -> Path | None:
    """The text that a file of a corpus is or belongs to, beside it or in one of ``folders``: once, None where another
    file has led to it. None, and a loss (MedmtlError E401 in stop mode), for annotations without one."""
    text = path if path.suffix.lower() == ".txt" else find_companion(path, [".txt"], folders)
    if text is None:
        reason = "annotations without their .txt file, which has the same name"
        audit.dropped(Place(path, 1), "document", "", reason)
        return None
    place = text.resolve()
    is_new = place not in audit.read
    audit.read.add(place)
    return text if is_new else None


def companion(path: Path, suffixes: Sequence[str], folders: Sequence[str] = ()) -> Path:
    """``find_companion``. Raises LossError if there is none."""
    expected = " or in ".join(["beside the text", *folders])
    missing = f"the companion file with the suffix {' or '.join(suffixes)} is missing: expected {expected}"
    return need(find_companion(path, suffixes, folders), missing)


def _shown(encoding: str) -> str:
    return "UTF-8" if encoding.startswith("utf-8") else encoding
