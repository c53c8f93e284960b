"""A folder with a file for each note, named by its id."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from spacy.tokens import Doc

from ..displacy import render
from ..displacy.rendering import index_page
from .outputs import something_else

INDEX = "index.html"


class HtmlPages:
    """A page for each note, and at the end an index of them. An id with slashes becomes folders."""

    suffix = ".html"

    def __init__(self, path: Path) -> None:
        self.path = path

    def ids(self) -> Iterator[str]:
        for part in self.path.rglob(f"*{self.suffix}.part"):
            part.unlink()  # half-written by a killed run
        for path in self._files():
            yield unquote(path.relative_to(self.path).as_posix().removesuffix(self.suffix))

    def _files(self) -> list[Path]:
        return sorted(path for path in self.path.rglob(f"*{self.suffix}") if path != self.path / INDEX)

    def write(self, doc_id: str, doc: Doc) -> None:
        path = self.path / f"{file_name(doc_id)}{self.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, render(doc, page=True, titles=[doc_id], jupyter=False))

    def close(self) -> None:
        """Nothing is kept open."""

    def finish(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        names = [path.relative_to(self.path).as_posix() for path in self._files()]
        links = [(unquote(name.removesuffix(self.suffix)), name) for name in names]
        _write(self.path / INDEX, index_page(links))

    def remove(self) -> None:
        files = [path for path in self.path.rglob("*") if not path.is_dir()]
        if any(path.suffix not in (self.suffix, ".part") for path in files):
            raise something_else(self.path)
        for path in files:
            path.unlink()


def file_name(doc_id: str) -> str:
    """An id as the path of a file below a folder: what leads elsewhere, or no file system takes, is percent-encoded. No
    two ids give one path."""
    return "%69ndex" if doc_id == "index" else "/".join(map(_encoded, doc_id.split("/")))


def _encoded(part: str) -> str:
    quoted = quote(part, safe="()+,=@") or "%00"
    is_hidden_or_cut = quoted[0] == "." or quoted[-1] == "."  # the latter by Windows
    return quoted.replace(".", "%2E") if is_hidden_or_cut else quoted


def _write(path: Path, text: str) -> None:
    half = path.with_name(f"{path.name}.part")
    half.write_text(text, encoding="utf8")
    os.replace(half, path)
