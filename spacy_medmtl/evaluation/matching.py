"""What is right and wrong in each document: strictly, by overlap, and what was taken for what.

A head says what its items are, and what a corpus judged; what it did not judge counts nowhere, as in the head's scorer.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from spacy.training import Example

from ..annotations.groups import ENTITIES, GIVEN_SPANS_ONLY
from ..annotations.items import compared, inner_items, names_by_place
from ..heads.head import Head

Place = tuple[int, ...]  # first and end visible character; of a pair: of head and tail
PlacedLabel = tuple[str, Place]
MISSED, SPURIOUS = "(missed)", "(spurious)"
INNER, OUTER = "inside another", "not inside another"


@dataclass
class Matched:
    """The comparison of one document. strict, overlap: label -> (right, spurious, missed). confusion: (gold label,
    predicted label) at equal places. overlap is empty for pairs, nesting for all but entities: (right, spurious,
    missed) of those inside another and the others."""

    strict: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    overlap: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    nesting: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: list[tuple[Place, str, str]] = field(default_factory=list)  # place, gold, predicted


def match(example: Example, head: Head) -> Matched | None:
    """Compare what a head's items are in the reference and in the predicted Doc; None where it is not annotated."""
    reference = example.reference
    pair = compared(example, head.items, head.judges(reference))
    if pair is None:
        return None
    gold, predicted = cast(tuple[set[PlacedLabel], set[PlacedLabel]], pair)
    group = reference.spans.get(head.spans_key)
    if group is not None and group.attrs.get(GIVEN_SPANS_ONLY):
        given = {place for _, place in gold}
        predicted = {item for item in predicted if item[1] in given}
    matched = Matched(strict=_counts(gold, predicted, _n_equal))
    if all(len(place) == 2 for _, place in gold | predicted):
        matched.overlap = _counts(gold, predicted, _n_overlapping)
    if head.spans_key == ENTITIES:
        matched.nesting = _nesting(gold, predicted)
    gold_labels, predicted_labels = names_by_place(gold), names_by_place(predicted)
    for place in sorted(gold_labels.keys() | predicted_labels.keys()):
        _confuse(matched, place, gold_labels.get(place, set()), predicted_labels.get(place, set()))
    return matched


def _nesting(gold: set[PlacedLabel], predicted: set[PlacedLabel]) -> dict[str, tuple[int, int, int]]:
    """Counts of the items inside another, as the component's scorer has them, and of the others."""
    inner_gold, inner_predicted = inner_items(gold), inner_items(predicted)
    parts = {INNER: (inner_gold, inner_predicted), OUTER: (gold - inner_gold, predicted - inner_predicted)}
    return {
        name: (len(of_gold & of_predicted), len(of_predicted - of_gold), len(of_gold - of_predicted))
        for name, (of_gold, of_predicted) in parts.items()
        if of_gold | of_predicted
    }


def _n_equal(gold: Sequence[Place], predicted: Sequence[Place]) -> int:
    return len(set(gold) & set(predicted))


def _n_overlapping(gold: Sequence[Place], predicted: Sequence[Place]) -> int:
    """How many predicted places find a gold one that they share characters with, in the order of the text, each gold
    one taken once."""
    left, n_right = deque(gold), 0
    for start, end in predicted:
        # what ends before this one begins ends before all later ones do, and of what is left the first begins first
        while left and left[0][1] <= start:
            left.popleft()
        if left and left[0][0] < end:
            left.popleft()
            n_right += 1
    return n_right


def _counts(
    gold: set[PlacedLabel], predicted: set[PlacedLabel], n_fitting: Callable[[Sequence[Place], Sequence[Place]], int]
) -> dict[str, tuple[int, int, int]]:
    """Right, spurious and missed of each label. n_fitting: how many of the predicted places of a label are right, given
    those of the gold and them, sorted."""
    places: dict[str, tuple[list[Place], list[Place]]] = {}
    for side, items in enumerate((gold, predicted)):
        for label, place in sorted(items):
            places.setdefault(label, ([], []))[side].append(place)
    counts = {}
    for label, (of_gold, of_predicted) in sorted(places.items()):
        n_right = n_fitting(of_gold, of_predicted)
        counts[label] = (n_right, len(of_predicted) - n_right, len(of_gold) - n_right)
    return counts


def _confuse(matched: Matched, place: Place, gold: set[str], predicted: set[str]) -> None:
    """Count what was said of what, at one place. Where several labels stand there, the right ones are paired first."""
    for label in gold & predicted:
        matched.confusion[label, label] += 1
    missed, spurious = sorted(gold - predicted), sorted(predicted - gold)
    for number in range(max(len(missed), len(spurious))):
        gold_label = missed[number] if number < len(missed) else SPURIOUS
        predicted_label = spurious[number] if number < len(spurious) else MISSED
        matched.confusion[gold_label, predicted_label] += 1
        matched.errors.append((place, gold_label, predicted_label))
