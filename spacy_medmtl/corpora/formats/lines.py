"""Input files and their lines, with defined behaviour on whatever a user may point at."""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ...errors import MedmtlError
from ..audit import Audit, Place


def input_files(inputs: Sequence[Path], pattern: str | None) -> list[Path]:
    """The files to read, in the order given; a folder stands for the files in it that match ``pattern``, sorted.

    Raises MedmtlError E402 for what is missing, empty, unreadable or a folder where none is expected.
    """
    files: list[Path] = []
    for path in inputs:
        if path.is_dir() and pattern is not None:
            inside = sorted(path.glob(pattern))
            if not inside:
                raise MedmtlError("E402", path=path, problem=f"is a folder without {pattern} files")
            files += inside
        else:
            files.append(path)
    for path in files:
        _check_file(path)
    return files


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


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """The bytes of a file that is not empty, without holding them in memory."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def read_lines(path: Path, audit: Audit, *, instead: str | None = None) -> Iterator[tuple[int, str]]:
    """Yield (number, line without its end). A line that is not UTF-8 is a loss (MedmtlError E401 in stop mode).

    Such a line is left out, or stands as ``instead``, for formats in which neighbouring lines belong together.

    Only a line feed ends a line: other characters that Python splits on (U+2028, form feed) occur inside real text.
    """
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            try:
                # utf-8-sig would also eat a byte order mark of later lines, where it is text
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                audit.dropped(Place(path, number), "line", "", f"byte {error.start + 1} of the line is not UTF-8")
                if instead is None:
                    continue
                line = instead
            yield number, line.rstrip("\r\n")
