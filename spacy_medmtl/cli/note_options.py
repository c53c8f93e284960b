"""What commands that read notes are told of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..corpora.audit import is_encoding
from ..errors import MedmtlError
from ..notes.inputs import Notes
from ..notes.row_inputs import RowSettings

NoteTextColumn = Annotated[
    str | None, typer.Option(help="Column or field of the texts; by default text, note_text, note, report ...")
]
NoteIdColumn = Annotated[
    str | None, typer.Option(help="Column or field of the ids; by default id, doc_id, note_id ..., else FILE:ROW.")
]
NoteEncoding = Annotated[str, typer.Option(help="Of text and CSV files whose first bytes do not tell theirs.")]
UTF_8 = "utf-8-sig"


def notes_of(
    inputs: Sequence[Path],
    text_column: str | None,
    id_column: str | None,
    encoding: str,
    *,
    output: Path,
) -> Notes:
    """The notes of some inputs, and none of the output; see ``Notes``.

    Raises MedmtlError E404 for an encoding that Python does not know.
    """
    if not is_encoding(encoding):
        expected = "an encoding of texts that Python knows, such as utf-8 or cp1252"
        raise MedmtlError("E404", option="--encoding", received=encoding, expected=expected)
    return Notes(inputs, RowSettings(text_column, id_column, encoding), output=output)
