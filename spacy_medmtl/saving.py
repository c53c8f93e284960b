"""Folders that are whole or not there: a save that is killed, or finds the disk full, leaves the earlier one intact."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .errors import MedmtlError, writing


@contextlib.contextmanager
def whole_folder(path: Path, *, replaces: str = "") -> Iterator[Path]:
    """Give a new folder beside ``path`` to write into; after the block it takes the place of ``path``.

    Its files are on the disk (fsync) before they get their name, so not even a power cut leaves half of them under it.
    If the block raises, ``path`` is as it was. If the process is killed, ``path`` is the old folder or the new one; or,
    between two renames, the old one stands beside it as ``<name>.medmtl-old``, the new one as ``<name>.medmtl-part``.
    Raises MedmtlError E407 where the folder cannot be written, or what ``check_output_folder`` says.
    """
    check_output_folder(path, replaces=replaces)
    place = path.resolve()  # of a link, what it leads to
    part, old = place.with_name(f"{place.name}.medmtl-part"), place.with_name(f"{place.name}.medmtl-old")
    with writing(path):
        try:
            shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
            part.mkdir(parents=True)
            yield part
            _sync(part)
            if place.exists():
                shutil.rmtree(old, ignore_errors=True)
                os.replace(place, old)
            os.replace(part, place)
            _sync_entry(place.parent)
            shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            if old.exists() and not place.exists():
                os.replace(old, place)
            raise


def check_output_folder(path: Path, *, replaces: str = "") -> None:
    """Raise MedmtlError E407 where a folder cannot be made, or something would be lost: all that is in it goes.

    replaces: a file that an earlier result has, such as "meta.json"; a folder with it may go, and an empty one.
    """
    if not path.exists():
        above = next(folder for folder in path.resolve().parents if folder.exists())
        what = "" if above.is_dir() and os.access(above, os.W_OK) else "cannot be made there"
    elif not path.is_dir():
        what = "is a file"
    elif Path.cwd().is_relative_to(path.resolve()):  # a shell would go on in the one that is gone
        what = "is the folder that you are in, or one above it"
    else:
        is_earlier = bool(replaces) and (path / replaces).is_file()
        what = "" if is_earlier or not any(path.iterdir()) else "holds something else than an earlier result"
    if what:
        raise MedmtlError("E407", path=path, problem=f"{what}; name another")


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
