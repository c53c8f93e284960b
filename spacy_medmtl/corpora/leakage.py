"""Documents whose text stands twice: within an output, and in two outputs of which one is to test the other.

Two texts count as one if their letters and digits are the same. Each is kept as 8 bytes of a hash; that two of a
million texts share one by chance has a probability of 3e-8.
"""

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..annotations.packed import read_docs
from ..errors import MedmtlError

PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class Shared:
    """Documents of ``other`` whose text stands in ``file`` too: (number there, number in other), counted from 0."""

    file: str
    other: str
    positions: Sequence[tuple[int, int]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "documents": len(self.positions)}


def bare(text: str) -> str:
    """What stays of a text whether or not it was tokenised: its letters and digits, in lower case."""
    return "".join(filter(str.isalnum, text.lower()))


def letters(doc: Doc) -> bytes:
    """``bare`` of a text, hashed."""
    return hashlib.sha256(bare(doc.text).encode()).digest()


def fingerprint(doc: Doc) -> int:
    """64 bits of ``letters``."""
    return int.from_bytes(letters(doc)[:8], "big")


def repeats(prints: "array[int]") -> list[tuple[int, int]]:
    """(first document, document with the same text) within one output."""
    return [(first, again) for first, again in shared(prints, prints) if first != again]


def shared(prints: "array[int]", other_prints: "array[int]") -> list[tuple[int, int]]:
    """(first document of one output, document of the other one with the same text)."""
    if not (len(prints) and len(other_prints)):
        return []
    known, first = numpy.unique(numpy.frombuffer(prints, dtype="uint64"), return_index=True)
    searched = numpy.frombuffer(other_prints, dtype="uint64")
    at = numpy.minimum(numpy.searchsorted(known, searched), len(known) - 1)
    return [(int(first[at[i]]), int(i)) for i in numpy.flatnonzero(known[at] == searched)]


def between(prints: Mapping[str, "array[int]"], pairs: Sequence[tuple[str, str]]) -> list[Shared]:
    """What these pairs of outputs share, those that share nothing left out."""
    leaks = [Shared(name, other_name, shared(prints[name], prints[other_name])) for name, other_name in pairs]
    return [leak for leak in leaks if leak.positions]


def between_parts(prints: Mapping[str, "array[int]"]) -> list[Shared]:
    """What files in folders ``train``, ``dev`` and ``test`` share with those of a later part, of any corpus."""
    part_of = {name: PARTS.index(Path(name).parent.name) for name in prints if Path(name).parent.name in PARTS}
    pairs = [(earlier, later) for earlier in part_of for later in part_of if part_of[earlier] < part_of[later]]
    return between(prints, pairs)


def read_prints(path: Path) -> "array[int]":
    """The hashes of a ``.spacy`` file or a folder of them. Raises MedmtlError E430 for what is neither."""
    return array("Q", (fingerprint(doc) for doc in _docs(path)))


def _docs(path: Path) -> Iterator[Doc]:
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files:
        raise MedmtlError("E430", path=path, problem="a folder without such files")
    for file in files:
        try:
            yield from read_docs(file, Vocab())
        except Exception as error:  # srsly and zlib raise many kinds
            raise MedmtlError("E430", path=file, problem=type(error).__name__) from error
