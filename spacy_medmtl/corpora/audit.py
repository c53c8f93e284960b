"""What a conversion kept, moved and lost. Places and reasons only: never the text of a document."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Tuple

from spacy.tokens import Doc

from ..annotations.groups import FINDINGS, RELATIONS, group_values, is_annotated, sentence_bounds
from ..annotations.relations import read_pairs
from ..errors import MedmtlError

EXPANDED, MERGED, RESHAPED, DROPPED = "expanded", "merged", "reshaped", "dropped"
NO_RELATION = "(none)"


@dataclass(frozen=True)
class Place:
    """A line of an input file."""

    file: Path
    line: int


@dataclass(frozen=True)
class Change:
    """One annotation (or line, or document) that is not in the output as it is in the input.

    ``kind`` is the span group concerned, or "line" or "document". ``offsets`` are characters of the document: where it
    was and, if it was expanded, where it is now.
    """

    file: str
    line: int
    kind: str
    label: str
    outcome: str
    reason: str
    offsets: Tuple[int, ...] = ()


@dataclass
class Counts:
    """What one output file holds."""

    documents: int = 0
    sentences: int = 0
    tokens: int = 0
    spans: Dict[str, "Counter[str]"] = field(default_factory=dict)

    def add(self, doc: Doc) -> None:
        """Count a finished reference Doc. Findings count as ``label/status``, relations once for each judged pair."""
        self.documents += 1
        self.sentences += len(sentence_bounds(doc))
        self.tokens += len(doc)
        for key in doc.spans:
            if key == RELATIONS:
                names = ["+".join(pair.labels) or NO_RELATION for pair in read_pairs(doc)]
            else:
                names = [span.label_ for span in doc.spans[key]]
                if key == FINDINGS:
                    statuses = group_values(doc, key, "assertion")
                    names = [f"{name}/{status}" for name, status in zip(names, statuses, strict=True)]
            if is_annotated(doc, key):
                self.spans.setdefault(key, Counter()).update(names)

    def as_dict(self) -> Dict[str, Any]:
        """For JSON, in a stable order."""
        spans = {key: dict(sorted(names.items())) for key, names in sorted(self.spans.items())}
        return {"documents": self.documents, "sentences": self.sentences, "tokens": self.tokens, "spans": spans}


class Audit:
    """Collects every change. With ``on_error="stop"`` nothing is ever lost: the first loss raises instead.

    A widened span and a merged duplicate are no losses: they are listed and never stop.
    """

    def __init__(self, on_error: str = "stop") -> None:
        if on_error not in ("stop", "report"):
            raise MedmtlError("E404", option="--on-error", received=on_error, expected="'stop' or 'report'")
        self.on_error = on_error
        self.changes: List[Change] = []
        self.notes: Counter[str] = Counter()
        self.outputs: Dict[str, Counts] = {}

    def note(self, what: str, times: int = 1) -> None:
        """Count something worth knowing that is no loss."""
        self.notes[what] += times

    def dropped(self, place: Place, kind: str, label: str, reason: str, offsets: Tuple[int, ...] = ()) -> None:
        """Something of the input does not reach the output. Raises MedmtlError E401 unless told to go on."""
        if self.on_error == "stop":
            raise MedmtlError("E401", file=place.file, line=place.line, reason=reason)
        self._change(place, kind, label, DROPPED, reason, offsets)

    def expanded(self, place: Place, kind: str, label: str, offsets: Tuple[int, ...]) -> None:
        """An edge lay inside a token, so the span was widened to whole tokens."""
        self._change(place, kind, label, EXPANDED, "an edge lay inside a token", offsets)

    def reshaped(self, place: Place, kind: str, label: str, reason: str, offsets: Tuple[int, ...]) -> None:
        """A discontinuous mention was made one span, by a rule that the user chose."""
        self._change(place, kind, label, RESHAPED, reason, offsets)

    def merged(self, place: Place, kind: str, label: str, offsets: Tuple[int, ...]) -> None:
        """The same tokens carry the same label already."""
        self._change(place, kind, label, MERGED, "the same tokens carry this label already", offsets)

    def _change(self, place: Place, kind: str, label: str, outcome: str, reason: str, offsets: Tuple[int, ...]) -> None:
        self.changes.append(Change(str(place.file), place.line, kind, label, outcome, reason, offsets))

    def keep_losses(self, since: int) -> None:
        """Forget what was widened or merged from change number ``since`` on: its document is left out. Losses stay."""
        self.changes[since:] = [change for change in self.changes[since:] if change.outcome == DROPPED]

    def knows(self, place: Place) -> bool:
        """Whether the last change is at this place."""
        return bool(self.changes) and (self.changes[-1].file, self.changes[-1].line) == (str(place.file), place.line)

    def count(self, output: str, doc: Doc) -> None:
        """Count a Doc that goes to ``output``."""
        self.outputs.setdefault(output, Counts()).add(doc)

    def tally(self, outcome: str) -> "Counter[Tuple[str, str]]":
        """How many annotations of each (kind, label) have this outcome."""
        return Counter((change.kind, change.label) for change in self.changes if change.outcome == outcome)

    def as_dict(self) -> Dict[str, Any]:
        """The whole report for JSON, in a stable order."""
        reasons = Counter(f"{change.outcome}: {change.kind}: {change.reason}" for change in self.changes)
        return {
            "on_error": self.on_error,
            "outputs": {name: counts.as_dict() for name, counts in self.outputs.items()},
            "notes": dict(sorted(self.notes.items())),
            "change_counts": dict(sorted(reasons.items())),
            "changes": [asdict(change) for change in self.changes],
        }
