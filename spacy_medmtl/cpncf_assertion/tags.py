"""BIO tags over finding type x status, and the one rule that turns tag probabilities into findings."""

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy

OUTSIDE = 0


@dataclass(frozen=True)
class Finding:
    """Tokens [start, end) of a finding, its type and status, and the probability of both (see ``decode``); no status
    where the span was given."""

    start: int
    end: int
    label: str
    status: str
    score: float


class TagSet:
    """Columns: O, then for each type and each status one B and one I."""

    def __init__(self, types: Sequence[str], statuses: Sequence[str]) -> None:
        self.types = list(types)
        self.statuses = list(statuses)
        self.n_tags = 1 + 2 * len(self.types) * len(self.statuses)

    def column(self, label: str, status: str, *, inside: bool) -> int:
        """Column of B or I of a type and status. Raises ValueError if one is unknown."""
        pair = self.types.index(label) * len(self.statuses) + self.statuses.index(status)
        return 1 + 2 * pair + inside

    def allowed(self, labels: Sequence[str]) -> numpy.ndarray:
        """bool [n_tags]: O and the tags of these types."""
        row = numpy.zeros(self.n_tags, dtype=bool)
        row[OUTSIDE] = True
        for label in labels:
            for status in self.statuses:
                for inside in (False, True):
                    row[self.column(label, status, inside=inside)] = True
        return row

    def encode(self, findings: Sequence[Tuple[int, int, str, str]], n_tokens: int) -> numpy.ndarray:
        """Column per token [n_tokens] of (start, end, type, status), which must not overlap."""
        columns = numpy.full(n_tokens, OUTSIDE)
        for start, end, label, status in findings:
            columns[start:end] = self.column(label, status, inside=True)
            columns[start] = self.column(label, status, inside=False)
        return columns

    def decode(self, probabilities: numpy.ndarray) -> List[Finding]:
        """Findings of one unit, from tag probabilities [n_tokens, n_tags].

        The rule: a token belongs to a finding if O is not its most probable tag. It goes on with the finding before it
        if its best tag is an I of the same type, whatever the status; anything else begins a new finding. The type is
        that of the first token. The status is the one with the highest mean probability over the finding's tokens, B
        and I and that type taken together, and that mean is the score. So a status that changes inside a finding, or an
        I without B, has one answer.
        """
        n = len(self.statuses)
        by_type = probabilities[:, 1:].reshape(len(probabilities), len(self.types), n, 2)
        best = probabilities.argmax(axis=1) if len(probabilities) else numpy.zeros(0, dtype=int)
        pieces: List[Tuple[int, int, int]] = []  # start, end, type
        for i, column in enumerate(best):
            if column == OUTSIDE:
                continue
            kind, is_inside = (column - 1) // (2 * n), bool((column - 1) % 2)
            if is_inside and pieces and pieces[-1][1] == i and pieces[-1][2] == kind:
                pieces[-1] = (pieces[-1][0], i + 1, kind)
            else:
                pieces.append((i, i + 1, int(kind)))
        findings = []
        for start, end, kind in pieces:
            status = by_type[start:end, kind].sum(axis=-1).mean(axis=0)  # [n_statuses]
            chosen = int(status.argmax())
            score = min(1.0, float(status[chosen]))
            findings.append(Finding(start, end, self.types[kind], self.statuses[chosen], score))
        return findings


def outermost(findings: Sequence[Tuple[int, int, str, str]]) -> Tuple[List[Tuple[int, int, str, str]], int]:
    """The findings that BIO can express: longest first, without those that overlap a kept one; how many those are."""
    kept: List[Tuple[int, int, str, str]] = []
    taken: Dict[int, bool] = {}
    for finding in sorted(findings, key=lambda f: (f[0] - f[1], f[0], f[2], f[3])):
        if not any(taken.get(i) for i in range(finding[0], finding[1])):
            kept.append(finding)
            taken.update(dict.fromkeys(range(finding[0], finding[1]), True))
    return sorted(kept), len(findings) - len(kept)
