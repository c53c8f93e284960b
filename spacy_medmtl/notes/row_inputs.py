"""Notes in the rows of CSV, JSON lines and Parquet files."""

import csv
import io
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from ..annotations.tables import import_pyarrow
from ..corpora.formats.files import MARK, WIDE, encoding_of
from ..errors import MedmtlError

if TYPE_CHECKING:
    import pyarrow.parquet

TEXT_NAMES = ("text", "note_text", "note", "report_text", "report", "content")
ID_NAMES = ("id", "doc_id", "note_id", "document_id", "row_id")
DELIMITERS = ",\t;|"
_PARQUET_ROWS = 256  # read at once


@dataclass(frozen=True)
class Note:
    """A text with its id, or with why there is none. consumed: bytes of its file that were read so far."""

    id: str
    text: str | None
    problem: MedmtlError | None = None
    consumed: int = 0


@dataclass(frozen=True)
class RowSettings:
    """How rows are read. Columns: None for the first of ``TEXT_NAMES`` or ``ID_NAMES`` that is there, in any case."""

    text_column: str | None = None
    id_column: str | None = None
    encoding: str = "utf-8-sig"

    def told_by(self, head: bytes) -> "RowSettings":
        """The same, with the encoding that the first bytes of a file tell, if they do."""
        return replace(self, encoding=encoding_of(head, self.encoding))


def decoded_note(data: bytes, name: str, settings: RowSettings) -> Note:
    """The note that a whole file is. Line ends stay as they are, so that offsets fit the file."""
    settings = settings.told_by(data)
    try:
        return _note(name, data.decode(settings.encoding), len(data))
    except (UnicodeError, LookupError):
        return Note(name, None, MedmtlError("E514", encoding=settings.encoding), len(data))


def read_csv(stream: BinaryIO, name: str, settings: RowSettings) -> Iterator[Note]:
    """A note a row; the header names the columns. Fields may hold line breaks, and be as long as they like."""
    csv.field_size_limit(2**31 - 1)
    lines = io.TextIOWrapper(stream, encoding=settings.encoding, errors="surrogateescape", newline="")
    try:
        row = 1
        first = lines.readline()
        while first and not first.strip(f" \r\n{DELIMITERS}"):  # blank lines before the header
            row, first = row + 1, lines.readline()
        if not first:
            yield Note(name, None, MedmtlError("E513", row=row, problem="is missing: expected a header, and rows"))
            return
        delimiter = max(DELIMITERS, key=first.count)
        if first[:4].lower() == "sep=" and first[4:].rstrip("\r\n") in tuple(DELIMITERS):  # Excel's
            delimiter, row, first = first[4], row + 1, lines.readline()
        has_blanks = f"{delimiter} " in first  # behind each mark, also before a quote
        header = next(csv.reader([first], delimiter=delimiter, skipinitialspace=has_blanks), [])
        columns = _columns(header, settings)
        names = [name.strip() for name in header]
        if columns is None:
            yield Note(name, None, MedmtlError("E513", row=1, problem=_no_text_column(settings)))
            return
        text_at, id_at = (None if column is None else header.index(column) for column in columns)
        reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=has_blanks)
        while True:
            row += 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield _broken(name, row, "is no CSV: a quoted field does not end as it should", stream.tell())
                continue
            if not fields:
                continue
            if not any(map(str.strip, fields[len(header) :])):
                fields = fields[: len(header)]  # a spreadsheet's empty columns
            if len(header) > 1 and [field.strip(f'{MARK} "') for field in fields] == names:
                continue  # the header once more, of a file that was appended to another
            if len(fields) != len(header):
                yield _broken(name, row, f"has {len(fields)} columns, expected {len(header)}", stream.tell())
                continue
            given = {"text": fields[text_at or 0], "id": None if id_at is None else fields[id_at]}
            yield _row_note(name, row, given["text"], given["id"], settings, stream.tell())
    finally:
        lines.detach()  # the stream is closed by whoever opened it


def read_json(stream: BinaryIO, name: str, settings: RowSettings) -> Iterator[Note]:
    """A note for each object of an array; the file is held whole. One object is an array of itself."""
    try:
        value = json.loads(stream.read().decode(settings.encoding).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        yield _broken(name, 1, "is no JSON", stream.tell())
        return
    for row, fields in enumerate(value if isinstance(value, list) else [value], 1):
        yield _object_note(name, row, fields if isinstance(fields, dict) else None, settings, stream.tell())


def read_json_lines(stream: BinaryIO, name: str, settings: RowSettings, *, first: bytes = b"") -> Iterator[Note]:
    """A note a line, which is a JSON object. first: a line that was taken from the stream already."""
    consumed = 0
    for row, line in enumerate(itertools.chain(filter(None, [first]), _lines(stream, settings.encoding)), 1):
        consumed += len(line)
        if not line.strip():
            continue
        yield _object_note(name, row, json_object(line), settings, consumed)


def _object_note(name: str, row: int, fields: dict[str, Any] | None, settings: RowSettings, consumed: int) -> Note:
    if fields is None:
        return _broken(name, row, "is no JSON object", consumed)
    columns = _columns(list(fields), settings)
    if columns is None:
        return _broken(name, row, _no_text_column(settings), consumed)
    text_column, id_column = columns
    given_id = None if id_column is None else fields[id_column]
    return _row_note(name, row, fields[text_column], given_id, settings, consumed)


def read_parquet(stream: BinaryIO, name: str, settings: RowSettings) -> Iterator[Note]:
    """A note a row. Raises MedmtlError E511 without pyarrow."""
    import_pyarrow()
    import pyarrow
    import pyarrow.parquet

    try:
        yield from _parquet_notes(pyarrow.parquet.ParquetFile(stream), stream.seek(0, io.SEEK_END), name, settings)
    except (pyarrow.ArrowException, OSError):
        yield Note(name, None, MedmtlError("E512", path=name, problem="is no Parquet file, or a damaged one"))


def _parquet_notes(file: "pyarrow.parquet.ParquetFile", size: int, name: str, settings: RowSettings) -> Iterator[Note]:
    columns = _columns(file.schema_arrow.names, settings)
    if columns is None:
        yield Note(name, None, MedmtlError("E513", row=1, problem=_no_text_column(settings)))
        return
    text_column, id_column = columns
    row = 0
    for batch in file.iter_batches(_PARQUET_ROWS, columns=list(dict.fromkeys(filter(None, columns)))):
        texts = batch.column(text_column).to_pylist()
        ids = [None] * len(texts) if id_column is None else batch.column(id_column).to_pylist()
        for text, given_id in zip(texts, ids):
            row += 1
            yield _row_note(name, row, text, given_id, settings, size * row // file.metadata.num_rows)


def json_object(line: bytes) -> dict[str, Any] | None:
    """The object in a line, or None."""
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _lines(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    """The lines, those of UTF-16 and UTF-32, whose bytes do not end at a line feed, as UTF-8."""
    if not encoding.startswith(WIDE):
        yield from stream
        return
    lines = io.TextIOWrapper(stream, encoding, "replace", newline="\n")
    yield from map(str.encode, lines)
    lines.detach()  # the stream is closed by whoever opened it


def _columns(names: list[str], settings: RowSettings) -> tuple[str, str | None] | None:
    """The columns of texts and ids; None where there is no column of texts, or not the one asked for."""
    text = _column(names, settings.text_column, TEXT_NAMES)
    id_column = _column(names, settings.id_column, ID_NAMES)
    if text is None or (settings.id_column is not None and id_column is None):
        return None
    return text, id_column


def _column(names: list[str], wanted: str | None, usual: tuple[str, ...]) -> str | None:
    if wanted is not None:
        alike = [name for name in names if name.strip().lower() == wanted.strip().lower()]
        return wanted if wanted in names else alike[0] if len(alike) == 1 else None
    by_name = {name.strip().lower(): name for name in reversed(names)}
    return next((by_name[name] for name in usual if name in by_name), None)


def _no_text_column(settings: RowSettings) -> str:
    """What is missing. The names that are there are not told: where a file has no header they are a note."""
    asked = [name for name in (settings.text_column, settings.id_column) if name is not None]
    if asked:
        return f"does not name the column(s) {', '.join(asked)} (once each, as written)"
    return f"names no column of texts ({', '.join(TEXT_NAMES)}): give its name with '--text-column'"


def _row_note(name: str, row: int, text: Any, given_id: Any, settings: RowSettings, consumed: int) -> Note:
    note_id = f"{name}:{row}" if _is_missing(given_id) else _as_id(given_id)
    if has_surrogates(note_id):
        return Note(writable(note_id), None, MedmtlError("E514", encoding=settings.encoding), consumed)
    if _is_missing(text):
        return Note(note_id, None, None, consumed)
    if not isinstance(text, str):
        return Note(note_id, None, MedmtlError("E516", received=type(text).__name__), consumed)
    if has_surrogates(text):
        return Note(note_id, None, MedmtlError("E514", encoding=settings.encoding), consumed)
    return _note(note_id, text, consumed)


def _note(note_id: str, text: str, consumed: int) -> Note:
    return Note(note_id, text if text.strip() else None, None, consumed)


def _broken(name: str, row: int, problem: str, consumed: int) -> Note:
    return Note(f"{name}:{row}", None, MedmtlError("E513", row=row, problem=problem), consumed)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or value == ""


def _as_id(value: Any) -> str:
    """Whole numbers without a fraction: where an id is missing, tables keep the others as 12.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def has_surrogates(text: str) -> bool:
    """Whether it cannot be written as UTF-8: bytes that were not of the encoding, or half a pair in JSON."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def writable(name: str) -> str:
    """A name as it can be written: bytes of a file's name that are no UTF-8, and other surrogates, as escapes."""
    return name.encode(errors="backslashreplace").decode()
