"""A run of ``medmtl annotate``: notes from inputs through a pipeline into an output, and an account of it."""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from spacy.tokens import Doc

from ..errors import MedmtlError, writing
from .annotating import Annotated
from .outputs import Output
from .row_inputs import Note

NO_TEXT = "E519"
Annotate = Callable[[Iterator[Note]], Iterator[Annotated]]


@dataclass
class Account:
    """What came of the notes of a run. known: those that the output had before. words: tokens, of those annotated.
    codes, reasons: how often notes were not annotated for it, and the first message, by code."""

    annotated: int = 0
    words: int = 0
    known: int = 0
    without_text: int = 0
    failed: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class _Seen:
    """Ids, of each 8 bytes are kept: a million take less memory than one batch."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._keys = {self._key(id_) for id_ in ids}

    @staticmethod
    def _key(doc_id: str) -> int:
        return int.from_bytes(blake2b(doc_id.encode(), digest_size=8).digest(), "big")

    def __contains__(self, doc_id: str) -> bool:
        return self._key(doc_id) in self._keys

    def add(self, doc_id: str) -> None:
        self._keys.add(self._key(doc_id))


def failures_path(output: Path) -> Path:
    """Where the notes are listed that were not annotated: beside the output."""
    return output.with_name(f"{output.name}.failures.jsonl")


def annotate_into(
    output: Output, path: Path, notes: Iterable[Note], annotate: Annotate, *, tell: Callable[[Account], None]
) -> Account:
    """Annotate the notes that the output does not hold, in their order, and write them there one by one.

    path: where the output is; notes that are not annotated are listed beside it by id, code and reason, without text.
    tell: is called after each note. Raises MedmtlError E407 where the disk does not take what is written.
    """
    with writing(path):
        return _annotate_into(output, path, notes, annotate, tell)


def _annotate_into(
    output: Output, path: Path, notes: Iterable[Note], annotate: Annotate, tell: Callable[[Account], None]
) -> Account:
    account = Account()
    start = time.perf_counter()
    known = _Seen(output.ids())
    failures = _Failures(failures_path(path), account)
    done = False
    try:
        for note, result in annotate(_new_notes(notes, known, account, failures)):
            if isinstance(result, MedmtlError):
                failures.add(note.id, result)
            else:
                output.write(note.id, result)
                account.annotated += 1
                account.words += _n_words(result)
            tell(account)
        done = True
    finally:
        failures.close()
        if not done:
            with contextlib.suppress(OSError):
                output.close()
    output.finish()
    account.seconds = time.perf_counter() - start
    return account


def _n_words(doc: Doc) -> int:
    return sum(not token.is_space for token in doc)


def _new_notes(notes: Iterable[Note], known: _Seen, account: Account, failures: "_Failures") -> Iterator[Note]:
    seen = _Seen(())
    for note in notes:
        if note.id in seen:
            failures.add(note.id, MedmtlError("E517"))
            continue
        seen.add(note.id)
        if note.id in known:
            account.known += 1
        else:
            yield note


class _Failures:
    """The list of notes that were not annotated: there only if there are any, and only of the latest run."""

    def __init__(self, path: Path, account: Account) -> None:
        self.path, self.account = path, account
        path.unlink(missing_ok=True)
        self._stream = None

    def add(self, doc_id: str, problem: MedmtlError) -> None:
        if problem.code == NO_TEXT:
            self.account.without_text += 1
        else:
            self.account.failed += 1
        self.account.codes[problem.code] = self.account.codes.get(problem.code, 0) + 1
        self.account.reasons.setdefault(problem.code, str(problem))
        if self._stream is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self.path.open("w", encoding="utf8")  # type: ignore[assignment]
        line = {"doc_id": doc_id, "code": problem.code, "reason": str(problem)}
        print(json.dumps(line, ensure_ascii=False), file=self._stream, flush=True)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
