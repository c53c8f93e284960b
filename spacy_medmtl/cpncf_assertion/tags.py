"""BIO tags over finding type x status, and the one rule that turns tag probabilities into findings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

OUTSIDE = 0
INSIDE_FROM = 0.5  # a token is outside from this probability of O
TOUCHING = 10.0  # B over I from which a finding begins right after another; both chosen on the sample's dev part


@dataclass(frozen=True)
class Finding:
    """Tokens [start, end) of a finding and its type. detection: the probability that it is one (see ``decode``); None
    where the span was given."""

    start: int
    end: int
    label: str
    detection: float | None = None


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

    def encode(self, findings: Sequence[tuple[int, int, str, str]], n_tokens: int) -> numpy.ndarray:
        """Column per token [n_tokens] of (start, end, type, status), which must not overlap."""
        columns = numpy.full(n_tokens, OUTSIDE)
        for start, end, label, status in findings:
            columns[start:end] = self.column(label, status, inside=True)
            columns[start] = self.column(label, status, inside=False)
        return columns

    def decode(self, probabilities: numpy.ndarray) -> list[Finding]:
        """Findings of one unit, from tag probabilities [n_tokens, n_tags].

        The rule: a token belongs to a finding if O has less than half of its probability; its type is the one with the
        most. Where the token before belongs to a finding of that type, it goes on with it, unless B is ten times as
        probable as I (statuses taken together): findings hardly ever touch, and a B inside one is a more likely error.
        Anything else begins a new finding. So a status that changes inside a finding, or an I without B, has one
        answer.

        Its detection is the mean of 1 - P(O) over its tokens: the share of them that is expected to belong to a
        finding. (Of the mean, the least, the product and the geometric mean it told findings from others best on the
        sample's dev and test parts.)
        """
        by_type = probabilities[:, 1:].reshape(len(probabilities), len(self.types), len(self.statuses), 2)
        # [n_tokens, types, statuses, B and I]: columns stand in that order (see ``column``)
        begins, goes_on = by_type[..., 0].sum(axis=2), by_type[..., 1].sum(axis=2)  # [n_tokens, n_types]
        kinds = (begins + goes_on).argmax(axis=1)
        pieces: list[tuple[int, int, int]] = []  # start, end, type
        for i in numpy.flatnonzero(probabilities[:, OUTSIDE] < INSIDE_FROM).tolist():
            kind = int(kinds[i])
            follows = bool(pieces) and pieces[-1][1:] == (i, kind)
            if follows and begins[i, kind] < TOUCHING * goes_on[i, kind]:
                pieces[-1] = (pieces[-1][0], i + 1, kind)
            else:
                pieces.append((i, i + 1, kind))
        detections = [float(1.0 - probabilities[start:end, OUTSIDE].mean()) for start, end, _ in pieces]
        return [Finding(start, end, self.types[kind], p) for (start, end, kind), p in zip(pieces, detections)]

    def status_probabilities(self, probabilities: numpy.ndarray) -> numpy.ndarray:
        """What the tags of a span say of its status [n_statuses], from the tag probabilities [n_tokens, n_tags] of its
        tokens: the mean over the tokens, B and I and all types taken together, and then without O."""
        by_status = probabilities[:, 1:].reshape(len(probabilities), len(self.types), len(self.statuses), 2)
        # over types and B and I, then the mean over tokens: [n_statuses]
        masses = by_status.sum(axis=(1, 3)).mean(axis=0)
        return numpy.asarray(masses / masses.sum())


def outermost(findings: Sequence[tuple[int, int, str, str]]) -> tuple[list[tuple[int, int, str, str]], int]:
    """The findings that BIO can express: longest first, without those that overlap a kept one; how many those are."""
    kept: list[tuple[int, int, str, str]] = []
    taken: dict[int, bool] = {}
    # longest first, then by place, type and status, so that the order of the gold decides nothing
    for finding in sorted(findings, key=lambda f: (f[0] - f[1], f[0], f[2], f[3])):
        if not any(taken.get(i) for i in range(finding[0], finding[1])):
            kept.append(finding)
            taken.update(dict.fromkeys(range(finding[0], finding[1]), True))
    return sorted(kept), len(findings) - len(kept)
