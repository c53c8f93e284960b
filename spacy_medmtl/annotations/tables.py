"""The rows of Docs as Arrow tables, which pandas, polars and DuckDB read in one line."""

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from ..errors import MedmtlError
from .columns import TABLES, Columns
from .rows import Row, rows

if TYPE_CHECKING:
    import pyarrow


def tables(docs: Doc | Iterable[Doc], *, ids: Iterable[Any] | None = None) -> "dict[str, pyarrow.Table]":
    """``findings``, ``entities``, ``sentences`` and ``relations`` of Docs, or of one, as Arrow tables, columns as in
    ``TABLES``.

    ids: one for each Doc, written as text; by default ``doc.user_data["doc_id"]``, or else the Doc's number from 0.
    Raises MedmtlError E511 without pyarrow, E510 where there are more or fewer ids than Docs, E523 for what is no Doc.
    """
    import_pyarrow()
    return {name: arrow_table(table_rows, TABLES[name]) for name, table_rows in rows(docs, ids=ids).items()}


def arrow_table(table_rows: list[Row], columns: Columns) -> "pyarrow.Table":
    """Rows as a table with just these columns and their types, also where there are no rows."""
    pyarrow = import_pyarrow()
    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    return pyarrow.Table.from_pylist(table_rows, schema=schema)


def import_pyarrow() -> ModuleType:
    """The optional package. Raises MedmtlError E511 where it is not installed."""
    try:
        import pyarrow
    except ImportError:
        raise MedmtlError("E511", package="pyarrow", extra="tables") from None
    module: ModuleType = pyarrow
    return module
