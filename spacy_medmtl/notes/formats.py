"""The formats of ``medmtl annotate``, by name and by the ends of file names."""

from collections.abc import Callable
from pathlib import Path

from ..errors import MedmtlError
from .file_outputs import BratFolder, HtmlPages
from .line_outputs import Csv, JsonLines
from .outputs import Output
from .part_outputs import docbin_output, parquet_output

FORMATS: dict[str, Callable[[Path], Output]] = {
    "jsonl": JsonLines,
    "csv": Csv,
    "parquet": parquet_output,
    "docbin": docbin_output,
    "html": HtmlPages,
    "brat": BratFolder,
}
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet", ".spacy": "docbin"}
_FILES = ("jsonl", "csv")


def open_output(path: Path, form: str | None) -> Output:
    """The output in a format of ``FORMATS``, or in the one that its name ends in.

    Raises MedmtlError E404 where neither says which, E407 for a folder where a file is to be and the other way round.
    """
    form = form or SUFFIXES.get(path.suffix.lower())
    if form is None:
        expected = f"a name that ends in {', '.join(SUFFIXES)}, or '--format' with one of {', '.join(FORMATS)}"
        raise MedmtlError("E404", option="--output", received=str(path), expected=expected)
    if path.is_dir() and (form in _FILES or path.suffix.lower() in SUFFIXES):
        raise MedmtlError("E407", path=path, problem="is a folder, expected a file")
    if path.is_file() and form not in _FILES and SUFFIXES.get(path.suffix.lower()) != form:
        raise MedmtlError("E407", path=path, problem="is a file, expected a folder")
    return FORMATS[form](path)
