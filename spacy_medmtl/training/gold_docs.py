"""Gold Docs of ``.spacy`` files: decoded once, and kept as long as the reader that asked for them."""

from collections.abc import Iterator
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..annotations.packed import read_docs
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
        yield from read_docs(path, vocab)
    except Exception as error:  # srsly, zlib and spaCy raise many kinds
        problem = f"is no spaCy DocBin ({type(error).__name__})"
        raise MedmtlError("E301", name=name, path=path, problem=problem) from error
