"""Gold Docs of ``.spacy`` files: decoded once, and kept as long as the reader that asked for them."""

import contextlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from srsly.msgpack import msgpack_decoders

from ..errors import MedmtlError


class GoldDocs:
    """Docs of ``.spacy`` files for one vocab. A file is decoded once, as far as it is asked for, until it changes; who
    reads gets copies, which may be changed. What was read is held in memory: about a quarter of a kilobyte a token."""

    def __init__(self) -> None:
        self._vocab: Vocab | None = None
        self._files: dict[Path, tuple[tuple[int, int], KeptFile]] = {}  # with the time and size that it had

    def read(self, path: Path, name: str, vocab: Vocab) -> Iterator[Doc]:
        """As ``decoded_docs``."""
        if getattr(vocab, "in_memory_zone", False):  # its Docs end with it; missing in the type stubs
            yield from decoded_docs(path, name, vocab)
            return
        if vocab is not self._vocab:
            self._vocab, self._files = vocab, {}
        state = path.stat()
        # a file that was converted again while a notebook is open is read again
        stamp, known = (state.st_mtime_ns, state.st_size), self._files.get(path)
        if known is None or known[0] != stamp:
            known = self._files[path] = stamp, KeptFile(decoded_docs(path, name, vocab))
        try:
            yield from known[1].copies()
        except MedmtlError:
            self._files.pop(path, None)
            raise


class KeptFile:
    """Docs that were decoded, and those that are still to be."""

    def __init__(self, docs: Iterator[Doc]) -> None:
        self._decoded: list[Doc] = []
        self._rest = docs

    def copies(self) -> Iterator[Doc]:
        number = 0
        while True:
            if number == len(self._decoded):
                doc = next(self._rest, None)
                if doc is None:
                    return
                self._decoded.append(doc)
            yield self._decoded[number].copy()
            number += 1


def decoded_docs(path: Path, name: str, vocab: Vocab) -> Iterator[Doc]:
    """The Docs of a ``.spacy`` file of the corpus ``name``. Raises MedmtlError E301 for a file that is damaged."""
    try:
        docs = DocBin().from_disk(path).get_docs(vocab)
        while True:
            with without_scans():
                doc = next(docs, None)
            if doc is None:
                return
            yield doc
    except Exception as error:  # srsly, zlib and spaCy raise many kinds
        problem = f"is no spaCy DocBin ({type(error).__name__})"
        raise MedmtlError("E301", name=name, path=path, problem=problem) from error


@contextlib.contextmanager
def without_scans() -> Iterator[None]:
    """A block in which msgpack does not search the entry points of all installed packages for decoders.

    srsly does so for every object, here for each Doc and each span group, which takes more time than to decode it.
    Where there is no such decoder, the search changes nothing.
    """
    before = msgpack_decoders.entry_points
    msgpack_decoders.entry_points = before and has_foreign_decoders()
    try:
        yield
    finally:
        msgpack_decoders.entry_points = before


@cache
def has_foreign_decoders() -> bool:
    """Whether an installed package adds a msgpack decoder by an entry point. (They are read when Python starts.)"""
    return bool(msgpack_decoders.get_entry_points())
