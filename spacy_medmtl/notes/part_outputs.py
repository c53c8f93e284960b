"""Parquet and spaCy's DocBin: files that cannot grow, so that a run writes parts, each whole or not at all."""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import spacy
from spacy.tokens import Doc, DocBin

from ..annotations.columns import joined_columns
from ..annotations.rows import DOC_ID, Row, joined_rows
from ..annotations.tables import arrow_table, import_pyarrow
from .outputs import something_else

_PART = re.compile(r"part-\d{6,}\.(parquet|spacy)(\.part)?")
NOTES_PER_PART = 500
Kept = TypeVar("Kept")


def parquet_output(path: Path) -> "Parts[list[Row]]":
    """Rows as in CSV, in a file if ``path`` ends in .parquet, otherwise in a folder. Raises MedmtlError E511."""
    import_pyarrow()
    return Parts(path, ".parquet", read_ids=_parquet_ids, keep=joined_rows, write=_write_parquet, join=_join_parquet)


def docbin_output(path: Path) -> "Parts[DocBin]":
    """Docs with all that stands on them, in a file if ``path`` ends in .spacy, otherwise in a folder."""
    return Parts(path, ".spacy", read_ids=_docbin_ids, keep=_kept_doc, write=_write_docbin, join=_join_docbins)


class Parts(Generic[Kept]):
    """A folder of files of some notes each, which appear whole or not at all; or the one file that they are joined to.

    read_ids, write and join: what one format does with its files. keep: what it makes of a Doc and its id at once, as
    the Doc may not be read later.
    """

    def __init__(
        self,
        path: Path,
        suffix: str,
        *,
        read_ids: Callable[[Path], Iterable[str]],
        keep: Callable[[Doc, str], Kept],
        write: Callable[[Path, list[Kept]], None],
        join: Callable[[Path, list[Path]], None],
    ) -> None:
        self.path, self.suffix = path, suffix
        self._read_ids, self._keep, self._write, self._join = read_ids, keep, write, join
        self.is_file = path.suffix == suffix
        self.folder = path.with_name(f"{path.name}.parts") if self.is_file else path
        self._waiting: list[Kept] = []

    def ids(self) -> Iterator[str]:
        for path in self.folder.glob(f"*{self.suffix}.part"):
            path.unlink()  # half-written by a killed run
        joined = set(self._ids_in(self.path)) if self.is_file and self.path.exists() else set()
        yield from joined
        for path in self._parts():
            ids = self._ids_in(path)
            if joined.isdisjoint(ids):
                yield from ids
            else:
                path.unlink()  # the run was killed after it had joined the parts

    def _ids_in(self, path: Path) -> list[str]:
        try:
            return list(self._read_ids(path))
        except Exception as error:  # of pyarrow and of spaCy, for a file of another kind
            raise something_else(self.path) from error

    def remove(self) -> None:
        for path in (self.folder, self.path):
            if path.is_dir():
                if any(not _PART.fullmatch(part.name) for part in path.iterdir()):
                    raise something_else(path)
                shutil.rmtree(path)
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        whole = [self.path] if self.is_file and self.path.exists() else []
        return whole + self._parts()

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob(f"part-*{self.suffix}"))

    def write(self, doc_id: str, doc: Doc) -> None:
        self._waiting.append(self._keep(doc, doc_id))
        if len(self._waiting) >= NOTES_PER_PART:
            self.close()

    def close(self) -> None:
        if self._waiting:
            self._add_part()

    def finish(self) -> None:
        self.close()
        if not self._files():
            self._add_part()
        if self.is_file and self._parts():
            joined = self.path.with_name(f"{self.path.name}.part")
            self._join(joined, self._files())
            os.replace(joined, self.path)
            for part in self._parts():
                part.unlink()
            self.folder.rmdir()

    def _add_part(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        names = [int(path.name.removeprefix("part-").removesuffix(self.suffix)) for path in self._parts()]
        path = self.folder / f"part-{max(names, default=-1) + 1:06d}{self.suffix}"
        half = path.with_name(f"{path.name}.part")
        self._write(half, self._waiting)
        os.replace(half, path)
        self._waiting = []


def _parquet_ids(path: Path) -> Iterable[str]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    if table.column_names != list(joined_columns()):
        raise something_else(path)
    return dict.fromkeys(table.column("doc_id").to_pylist())


def _write_parquet(path: Path, notes: list[list[Row]]) -> None:
    import pyarrow.parquet

    rows = [row for note_rows in notes for row in note_rows]
    pyarrow.parquet.write_table(arrow_table(rows, joined_columns()), path)


def _join_parquet(path: Path, parts: list[Path]) -> None:
    """Part after part, so that memory holds one."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetWriter(path, arrow_table([], joined_columns()).schema) as writer:
        for part in parts:
            writer.write_table(pyarrow.parquet.read_table(part))


def _docbin_ids(path: Path) -> Iterable[str]:
    return [doc.user_data[DOC_ID] for doc in DocBin().from_disk(path).get_docs(spacy.blank("xx").vocab)]


def _kept_doc(doc: Doc, doc_id: str) -> DocBin:
    """The id is in the Doc's user data already."""
    return DocBin(docs=[doc], store_user_data=True)


def _write_docbin(path: Path, notes: Iterable[DocBin]) -> None:
    joined = DocBin(store_user_data=True)
    for docs in notes:
        joined.merge(docs)
    joined.to_disk(path)


def _join_docbins(path: Path, parts: list[Path]) -> None:
    _write_docbin(path, (DocBin(store_user_data=True).from_disk(part) for part in parts))
