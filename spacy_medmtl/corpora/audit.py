"""What a conversion kept, moved and lost. Places and reasons only: never the text of a document."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from spacy.tokens import Doc

from ..errors import MedmtlError
from .counts import Counts
from .leakage import Shared, fingerprint, repeats
from .lengths import WindowCheck

EXPANDED, CONTRACTED, RESHAPED = "expanded", "contracted", "reshaped"
MERGED, SKIPPED, DROPPED = "merged", "skipped", "dropped"
OUTCOMES = (EXPANDED, CONTRACTED, RESHAPED, MERGED, SKIPPED, DROPPED)
_REASONS = {
    EXPANDED: "an edge lay inside a token",
    CONTRACTED: "an edge lay inside a token",
    MERGED: "the same tokens carry this label already",
    SKIPPED: "left out, for something of it was lost",
}
Value = TypeVar("Value")
ON_ERROR = ("stop", "skip", "report")
ON_MISALIGNED = ("expand", "contract", "error")
COVERED = "a discontinuous mention, kept as one span from its first to its last character"
SHORTENED = "a discontinuous mention, of which the first stretch is kept"


@dataclass(frozen=True)
class Place:
    """A line of an input file."""

    file: Path
    line: int


@dataclass(frozen=True)
class Change:
    """One annotation (or line, or document) that is not in the output as it is in the input.

    ``kind`` is the span group concerned, or "line" or "document". ``offsets`` are characters of the document: where it
    was and, if it was expanded or contracted, where it is now.
    """

    file: str
    line: int
    kind: str
    label: str
    outcome: str
    reason: str
    offsets: tuple[int, ...] = ()


class LossError(Exception):
    """Why something of the input does not reach the output; its kind, label and place, where they are known."""

    def __init__(
        self, reason: str, kind: str = "", label: str = "", offsets: tuple[int, ...] = (), place: Place | None = None
    ) -> None:
        super().__init__(reason)
        self.kind, self.label, self.offsets, self.place = kind, label, offsets, place


def need(value: "Value | None", reason: str, kind: str = "", label: str = "", offsets: tuple[int, ...] = ()) -> "Value":
    """The value. Raises LossError if it is false, empty or None."""
    if not value:
        raise LossError(reason, kind, label, offsets)
    return value


def one_of(value: Any, known: Collection[str], what: str = "label", kind: str = "") -> str:
    """The value. Raises LossError if it is none of those known."""
    if not isinstance(value, str) or value not in known:
        raise LossError(f"an unknown {what}: expected one of {', '.join(known)}", kind)
    return value


class Audit:
    """Collects every change, and carries the policies of a conversion to where they are needed.

    on_error: with "stop" nothing is ever lost, the first loss raises; "skip" leaves out each document with a loss
        (found since the document before it); "report" keeps the rest of the document.
    on_misaligned: what ``spans.token_span`` does with an edge inside a token, see there.
    encoding: of files that do not begin with a byte order mark.

    ``notes`` count what is worth knowing; ``left_out`` counts annotations that this conversion has no use for by its
    settings, by name. Neither is a loss, and what is left out keeps it from saying that nothing is. A span on other
    characters and a merged duplicate are no losses: they are listed and never stop.
    """

    def __init__(self, on_error: str = "stop", on_misaligned: str = "expand", encoding: str = "utf-8") -> None:
        for option, value, known in (
            ("--on-error", on_error, ON_ERROR),
            ("--on-misaligned", on_misaligned, ON_MISALIGNED),
        ):
            if value not in known:
                raise MedmtlError("E404", option=option, received=value, expected=f"one of {', '.join(known)}")
        self.on_error = on_error
        self.on_misaligned = on_misaligned
        if not is_encoding(encoding):
            expected = "the name of an encoding, such as utf-8, cp1252 or utf-16"
            raise MedmtlError("E404", option="--encoding", received=encoding, expected=expected)
        self.encoding = encoding
        self.bytes_read = [0]  # of all input, by this audit and those of a first look
        self.changes: list[Change] = []
        self.notes: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.outputs: dict[str, Counts] = {}
        self.leaks: list[Shared] = []
        self.read: set[Path] = set()  # texts that were read, where several files name one
        self.window: WindowCheck | None = None  # if given, sentences that it does not hold are counted

    def first_look(self) -> "Audit":
        """An audit for a reading before the one that counts: whatever is lost is not listed."""
        audit = Audit("report", self.on_misaligned, self.encoding)
        audit.bytes_read = self.bytes_read
        return audit

    def note(self, what: str, times: int = 1) -> None:
        """Count something worth knowing that is no loss."""
        self.notes[what] += times

    def leave_out(self, what: str) -> None:
        """Count an annotation that the settings have no use for. ``what``: its kind and name."""
        self.left_out[what if len(what) < 100 and what.isprintable() else "annotation whose name cannot be shown"] += 1

    def dropped(self, place: Place, kind: str, label: str, reason: str, offsets: tuple[int, ...] = ()) -> None:
        """Something of the input does not reach the output. Raises MedmtlError E401 unless told to go on."""
        if self.on_error == "stop":
            raise MedmtlError("E401", file=place.file, line=place.line, reason=reason) from None
        self.changed(DROPPED, place, kind, label, offsets, reason)

    @contextmanager
    def losing(self, place: Place, kind: str = "line", label: str = "") -> Iterator[None]:
        """What raises LossError in here is ``dropped`` at the place, and the rest goes on."""
        try:
            yield
        except LossError as loss:
            self.dropped(loss.place or place, loss.kind or kind, loss.label or label, str(loss), loss.offsets)

    def changed(
        self, outcome: str, place: Place, kind: str, label: str, offsets: tuple[int, ...] = (), reason: str = ""
    ) -> None:
        """An annotation is in the output, but not as it is in the input; ``reason``: if it is another than usual."""
        reason = reason or _REASONS[outcome]
        self.changes.append(Change(str(place.file), place.line, kind, label, outcome, reason, offsets))

    def keep_losses(self, since: int) -> None:
        """Forget what was moved or merged from change number ``since`` on: its document is left out. Losses stay."""
        self.changes[since:] = [change for change in self.changes[since:] if change.outcome == DROPPED]

    def skip(self, since: int) -> bool:
        """Whether a document is to be left out for a loss from change number ``since`` on, which is then listed."""
        first = next((change for change in self.changes[since:] if change.outcome == DROPPED), None)
        if self.on_error != "skip" or first is None:
            return False
        self.keep_losses(since)
        place = Place(Path(first.file), first.line)
        self.changed(SKIPPED, place, "document", "")
        return True

    def count(self, output: str, doc: Doc) -> None:
        """Count a Doc that goes to ``output``."""
        counts = self.outputs.setdefault(output, Counts())
        counts.add(doc, self.window)
        counts.prints.append(fingerprint(doc))

    def tally(self, outcome: str) -> "Counter[tuple[str, str]]":
        """How many annotations of each (kind, label) have this outcome."""
        return Counter((change.kind, change.label) for change in self.changes if change.outcome == outcome)

    def as_dict(self) -> dict[str, Any]:
        """The whole report for JSON, in a stable order."""
        reasons = Counter(f"{change.outcome}: {change.kind}: {change.reason}" for change in self.changes)
        return {
            "on_error": self.on_error,
            "on_misaligned": self.on_misaligned,
            "window": self.window.size if self.window is not None else None,
            "outputs": {name: self._output(counts) for name, counts in self.outputs.items()},
            "shared_texts": [leak.as_dict() for leak in self.leaks],
            "left_out": dict(sorted(self.left_out.items())),
            "notes": dict(sorted(self.notes.items())),
            "change_counts": dict(sorted(reasons.items())),
            "changes": [asdict(change) for change in self.changes],
        }

    def _output(self, counts: Counts) -> dict[str, Any]:
        again = repeats(counts.prints)
        repeated = {"documents": len(again), "positions": again}
        over = {self.window.name: counts.sentences_over} if self.window is not None else {}
        return {**counts.as_dict(), **over, "repeated_texts": repeated}


def is_encoding(name: str) -> bool:
    """Whether Python knows it as an encoding of texts; base64 and others turn bytes into bytes."""
    try:
        return bool("a".encode(name))
    except (LookupError, UnicodeError):
        return False
