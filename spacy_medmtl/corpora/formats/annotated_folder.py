"""Texts whose annotations lie in companion files: the same stem with another suffix, in the same folder or near it."""

from collections.abc import Sequence
from pathlib import Path

from ..audit import Audit, Place


def read_text(path: Path, audit: Audit) -> str | None:
    """The text of a file as it stands, line ends included, because offsets count them.

    None and a loss (MedmtlError E401 in stop mode) if it is not UTF-8 or cannot be read.
    """
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} of the file is not UTF-8"
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror})"
    audit.dropped(Place(path, 1), "document", "", reason)
    return None


def companion(path: Path, suffixes: Sequence[str], folders: Sequence[str], audit: Audit) -> Path | None:
    """The file with the stem of ``path`` and one of the suffixes, beside it or in one of the ``folders`` (relative to
    the folder of ``path``).

    None, and the document a loss (MedmtlError E401 in stop mode), if there is none.
    """
    for folder in (".", *folders):
        for suffix in suffixes:
            found = path.parent / folder / f"{path.stem}{suffix}"
            if found.is_file():
                return found
    places = " or in ".join(["beside the text", *folders])
    reason = f"the companion file with the suffix {' or '.join(suffixes)} is missing: expected {places}"
    audit.dropped(Place(path, 1), "document", "", reason)
    return None
