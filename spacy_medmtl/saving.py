"""Folders that are whole or not there: a save that is killed, or finds the disk full, leaves the earlier one intact."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import MedmtlError


@contextlib.contextmanager
def whole_folder(path: Path, *, replaces: str = "") -> Iterator[Path]:
    """Give a new folder beside ``path`` to write into; after the block it takes the place of ``path``.

    replaces: a file that an earlier result has, such as "meta.json". Without it, or where ``path`` lacks it, ``path``
    must be absent or empty, for all that was in it goes.

    Its files are on the disk (fsync) before they get their name, so not even a power cut leaves half of them under it.
    If the block raises, ``path`` is as it was. If the process is killed, ``path`` is the old folder or the new one, or,
    between two renames, the old one stands beside it as ``<name>.old`` and the new one as ``<name>.part``.
    Raises MedmtlError E407 where the folder cannot be written, or holds something else.
    """
    path = path.resolve()
    if path.exists() and not (path.is_dir() and (_holds(path, replaces) or not any(path.iterdir()))):
        what = "holds something else than an earlier result; name another" if path.is_dir() else "is a file"
        raise MedmtlError("E407", path=path, problem=what)
    part, old = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.old")
    try:
        shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
        part.mkdir(parents=True)
        yield part
        _sync(part)
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.replace(path, old)
        os.replace(part, path)
        _sync_entry(path.parent)
        shutil.rmtree(old, ignore_errors=True)
    except Exception as error:
        shutil.rmtree(part, ignore_errors=True)
        if old.exists() and not path.exists():
            os.replace(old, path)
        if (problem := _disk_problem(error)) is None:
            raise
        raise MedmtlError("E407", path=path, problem=f"cannot be written ({problem})") from error


def _holds(path: Path, name: str) -> bool:
    return bool(name) and (path / name).is_file()


def _disk_problem(error: Exception) -> str | None:
    """What the operating system said; None if the error is of another kind."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if type(error).__name__ == "SafetensorError" and "I/O" in str(error):  # its Rust code wraps what the system said
        return str(error)
    return None


def _sync(folder: Path) -> None:
    """Make sure that all that is in a folder is on the disk."""
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb") as stream:
                os.fsync(stream.fileno())
        _sync_entry(Path(root))


def _sync_entry(folder: Path) -> None:
    """Names of files in a folder are content of the folder. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
