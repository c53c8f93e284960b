"""A folder with a file for each note, named by its id."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from spacy.tokens import Doc

from ..displacy import render
from ..displacy.rendering import index_page
from .brat import ann_lines, configuration_of
from .outputs import something_else

INDEX = "index.html"


class HtmlPages:
    """A page for each note, and at the end an index of them. An id with slashes becomes folders."""

    suffix = ".html"  # of the file that is written last
    suffixes: tuple[str, ...] = (".html",)  # of all its files
    index = INDEX

    def __init__(self, path: Path) -> None:
        self.path = path

    def ids(self) -> Iterator[str]:
        for part in self.path.rglob("*.part"):
            if part.name.removesuffix(".part").endswith(self.suffixes):
                part.unlink()  # half-written by a killed run
        for path in self.files():
            yield unquote(path.relative_to(self.path).as_posix().removesuffix(self.suffix))

    def files(self) -> list[Path]:
        """The files that notes were written to last, so that those notes are whole."""
        return sorted(path for path in self.path.rglob(f"*{self.suffix}") if path != self.path / self.index)

    def write(self, doc_id: str, doc: Doc) -> None:
        _write(self._file(doc_id, self.suffix), render(doc, page=True, titles=[doc_id], jupyter=False))

    def close(self) -> None:
        """Nothing is kept open."""

    def finish(self) -> None:
        names = [path.relative_to(self.path).as_posix() for path in self.files()]
        links = [(unquote(name.removesuffix(self.suffix)), name) for name in names]
        _write(self.path / self.index, index_page(links))

    def remove(self) -> None:
        for path in self.own_files():
            path.unlink()

    def own_files(self) -> list[Path]:
        """All files in the folder. Raises MedmtlError E407 where some are not of this output."""
        files = [path for path in self.path.rglob("*") if not path.is_dir()]
        if any(not path.name.removesuffix(".part").endswith((*self.suffixes, self.index)) for path in files):
            raise something_else(self.path)
        return files

    def _file(self, doc_id: str, suffix: str) -> Path:
        return self.path / f"{file_name(doc_id)}{suffix}"


class BratFolder(HtmlPages):
    """A ``.txt`` and an ``.ann`` for each note, and at the end an ``annotation.conf`` for all of them."""

    suffix = ".ann"
    suffixes = (".txt", ".ann")
    index = "annotation.conf"

    def write(self, doc_id: str, doc: Doc) -> None:
        _write(self._file(doc_id, ".txt"), doc.text)
        _write(self._file(doc_id, ".ann"), "".join(f"{line}\n" for line in ann_lines(doc)))

    def finish(self) -> None:
        _write(self.path / self.index, configuration_of(_lines(self.files())))


def _lines(files: list[Path]) -> Iterator[str]:
    for path in files:
        with path.open(encoding="utf8", newline="\n") as stream:
            yield from (line.rstrip("\n") for line in stream)


def file_name(doc_id: str) -> str:
    """An id as the path of a file below a folder: what leads elsewhere, or no file system takes, is percent-encoded. No
    two ids give one path."""
    return "%69ndex" if doc_id == "index" else "/".join(map(_encoded, doc_id.split("/")))


def _encoded(part: str) -> str:
    quoted = quote(part, safe="()+,=@") or "%00"
    is_hidden_or_cut = quoted[0] == "." or quoted[-1] == "."  # the latter by Windows
    return quoted.replace(".", "%2E") if is_hidden_or_cut else quoted


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and to the character: no line end is changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.part")
    half.write_bytes(text.encode())
    os.replace(half, path)
