"""An export from a .spacy file to a file or folder: whole or not at all, and nothing is replaced unasked."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import spacy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...annotations.packed import read_docs
from ...errors import MedmtlError
from ..audit import Place
from ..outputs import check_apart, replaced
from ..record import Record
from . import brat, conll, jsonl
from .recorded import Told, record_of

FORMATS = ("brat", "jsonl", "conll")
Progress = Callable[[Iterator[Doc]], Iterator[Doc]]


def export_docs(
    form: str, source: Path, output: Path, *, force: bool = False, progress: Progress = iter
) -> "Told[str]":
    """Write the Docs of ``source`` as one of ``FORMATS``: brat into a folder, the others into a file. Returns what the
    format cannot hold, with how often it occurred.

    Raises MedmtlError E404 (the format), E407 or E413 (the output), E412 (the source), E103 or E104 (damaged groups).
    """
    if form not in FORMATS:
        raise MedmtlError("E404", option="the format", received=form, expected=" or ".join(FORMATS))
    check_apart([output], [source])
    docs = _read(source)
    told: Told[str] = Told()
    _check(output, is_folder=form == "brat", force=force)
    with replaced(output, is_folder=form == "brat") as part:
        if form == "brat":
            brat.write(_records(progress(docs()), source, told), part, told)
        else:
            with part.open("w", encoding="utf8", newline="\n") as stream:
                stream.writelines(f"{line}\n" for line in _lines(form, docs, source, told, progress))
    return +told


def _lines(
    form: str, docs: Callable[[], Iterator[Doc]], source: Path, told: "Told[str]", progress: Progress
) -> Iterator[str]:
    if form == "jsonl":
        return jsonl.lines((record for _, record in _records(progress(docs()), source, told)), told)
    readings = iter((Told(), told))  # what is told at the first reading is told again at the second

    def records() -> Iterator[Record]:
        return (record for _, record in _records(progress(docs()), source, next(readings)))

    return conll.lines(records, told)


def _records(docs: Iterator[Doc], source: Path, told: "Told[str]") -> Iterator[tuple[int, Record]]:
    """The Docs that have text as records, with their numbers from 1."""
    for number, doc in enumerate(docs, 1):
        if doc.text.strip():
            yield number, record_of(doc, Place(source, number), told)
        else:
            told["documents without text"] += 1


def _read(source: Path) -> Callable[[], Iterator[Doc]]:
    """The Docs of a file, to be read as often as wanted. Raises MedmtlError E412."""
    try:
        for _ in read_docs(source, Vocab()):  # what is damaged shows before anything is written
            pass
    except Exception as error:  # zlib, msgpack, numpy and the file system raise many kinds
        raise MedmtlError("E412", path=source, problem=type(error).__name__) from error
    return partial(read_docs, source, spacy.blank("xx").vocab)


def _check(output: Path, *, is_folder: bool, force: bool) -> None:
    if output.is_dir() != is_folder and output.exists():
        problem = "is a file, expected a folder" if is_folder else "is a folder, expected a file"
        raise MedmtlError("E407", path=output, problem=problem)
    inside = list(output.iterdir()) if output.is_dir() else []
    if any(path.is_dir() or not (path.suffix in (".txt", ".ann") or path.name == "annotation.conf") for path in inside):
        raise MedmtlError("E407", path=output, problem="holds other things than an export; they are not removed")
    is_taken = bool(inside) if is_folder else output.exists() and output.stat().st_size > 0
    if is_taken and not force:
        raise MedmtlError("E413", path=output)
