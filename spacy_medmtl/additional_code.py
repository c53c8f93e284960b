"""A Python file that registers what a pipeline needs: heads, layers, functions. spaCy's commands call it ``--code``."""

from pathlib import Path

from spacy import util

from .errors import MedmtlError


def import_code(path: str | Path | None) -> None:
    """Import a file as ``spacy train --code`` does; None: nothing. Raises MedmtlError E509 where that fails."""
    if path is None:
        return
    try:
        util.import_file("python_code", path)
    except MedmtlError:
        raise
    except Exception as error:  # whatever the code of others may raise; no document is read by then
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise MedmtlError("E509", path=path, problem=problem) from error
