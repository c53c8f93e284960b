"""JSON lines and CSV: files that grow by the lines of one note after the other."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from spacy.tokens import Doc

from ..annotations.columns import joined_columns
from ..annotations.rows import Row, doc_rows, joined_rows
from .outputs import something_else

DECIMALS = 4  # of scores


class _LineFile:
    """A file that is only appended to, a note with one call to the system."""

    header = b""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream: BinaryIO | None = None

    def keep(self, n_bytes: int) -> None:
        """Cut off what stands behind the whole notes."""
        with self.path.open("rb+") as stream:
            stream.truncate(n_bytes)

    def append(self, data: bytes) -> None:
        if self._stream is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self.path.open("ab")
            if self._stream.tell() == 0:
                data = self.header + data
        self._stream.write(data)
        self._stream.flush()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def finish(self) -> None:
        self.append(b"")  # also where no note had text, there is an output
        self.close()


class JsonLines(_LineFile):
    """A JSON object for each note: ``doc_id`` and the four tables as lists of rows."""

    def ids(self) -> Iterator[str]:
        if not self.path.exists():
            return
        end = 0
        with self.path.open("rb") as stream:
            for line in stream:
                fields = _json_note(line)
                if fields is None:
                    if line.endswith(b"\n"):
                        raise something_else(self.path)
                    break
                end += len(line)
                yield fields["doc_id"]
        self.keep(end)

    def write(self, doc_id: str, doc: Doc) -> None:
        rows = {
            name: [
                {column: value for column, value in _rounded(row).items() if column != "doc_id"} for row in table_rows
            ]
            for name, table_rows in doc_rows(doc, doc_id).items()
        }
        self.append(json.dumps({"doc_id": doc_id, **rows}, ensure_ascii=False).encode() + b"\n")


def _json_note(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and "doc_id" in fields and "findings" in fields else None


class Csv(_LineFile):
    """A row for each finding, entity, sentence and relation, with the columns of ``joined_columns``."""

    header = f"{','.join(joined_columns())}\n".encode()

    def ids(self) -> Iterator[str]:
        """A note is whole when the rows of another have begun; the last one is taken away and read again."""
        if not self.path.exists():
            return
        end = start = 0
        last: str | None = None
        for at, fields in self._rows():
            if at == 0:
                if fields != list(joined_columns()):
                    raise something_else(self.path)
                continue
            if fields[0] != last:
                if last is not None:
                    yield last
                start, last = at, fields[0]
            end = start
        self.keep(end)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """The whole rows with the offset of their first byte. The last row counts if a line feed ends it."""
        n_columns = len(joined_columns())
        with self.path.open("rb") as stream:
            offset = 0

            def lines() -> Iterator[str]:
                nonlocal offset
                for line in stream:
                    offset += len(line)
                    if not line.endswith(b"\n"):
                        return
                    yield line.decode(errors="replace")

            reader = csv.reader(lines(), strict=True)
            while True:
                at = offset
                try:
                    fields = next(reader)
                except (StopIteration, csv.Error):
                    return
                if len(fields) != n_columns:
                    raise something_else(self.path)
                yield at, fields

    def write(self, doc_id: str, doc: Doc) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(_cells(row) for row in joined_rows(doc, doc_id))
        self.append(text.getvalue().encode())


def _cells(row: Row) -> list[Any]:
    """Values as CSV has them: true and false in lower case as everywhere outside Python, nothing for None."""
    return [str(value).lower() if isinstance(value, bool) else value for value in _rounded(row).values()]


def _rounded(row: Row) -> Row:
    return {name: round(value, DECIMALS) if isinstance(value, float) else value for name, value in row.items()}
