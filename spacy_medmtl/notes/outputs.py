"""Where annotated notes go, one format a class. Whatever happens to a run, what is there can be read and gone on with.

An output is opened, asked for the ids that it holds already, given notes one by one, and closed. ``close`` keeps all
that was written; ``finish`` is for a run that came to its end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from spacy.tokens import Doc

from ..errors import MedmtlError


class Output(Protocol):
    """An output on the disk."""

    def ids(self) -> Iterator[str]:
        """The notes that it holds whole. What a killed run left of another is taken away."""

    def write(self, doc_id: str, doc: Doc) -> None:
        """Add a note; its Doc is not read afterwards (see ``annotating.annotate_in_zones``). Raises OSError."""

    def close(self) -> None:
        """Let go of files; all notes that were written are kept."""

    def finish(self) -> None:
        """All notes are written: put the output into its final form, and close."""

    def remove(self) -> None:
        """Remove an earlier output. Raises MedmtlError E407 where it holds anything else."""


def something_else(path: Path) -> MedmtlError:
    """What to raise where an output holds what this package did not write."""
    return MedmtlError("E407", path=path, problem="holds something else than what this command writes: name another")
