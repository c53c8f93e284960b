"""What is right and wrong in each document, from the span groups alone: strictly, by overlap, and what was taken for
what.

A group's shape says what its items are: labelled spans; spans with a status ("Problem/negative"); pairs of spans with
labels. What a corpus did not judge counts nowhere, as in the components' own scorers.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import GIVEN_SPANS_ONLY, is_annotated, judges
from ..annotations.relations import read_pairs
from ..annotations.scoring import places
from ..annotations.travelling import value_of

Place = tuple[int, ...]  # first and end visible character; of a pair: of head and tail
Item = tuple[str, Place]
MISSED, SPURIOUS = "(missed)", "(spurious)"


@dataclass
class Matched:
    """The comparison of one document. strict, overlap: label -> (right, spurious, missed). confusion: (gold label,
    predicted label) at equal places. overlap is empty for pairs."""

    strict: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    overlap: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: list[tuple[Place, str, str]] = field(default_factory=list)  # place, gold, predicted


def match(example: Example, key: str) -> Matched | None:
    """Compare the groups under a key; None where the reference is not annotated."""
    reference, predicted = example.reference, example.predicted
    if not is_annotated(reference, key):
        return None
    judged = judges(reference, key)
    gold = {item for item in _items(reference, key) if judged(_type(item[0]))}
    found = {item for item in _items(predicted, key) if judged(_type(item[0]))}
    if reference.spans[key].attrs.get(GIVEN_SPANS_ONLY):
        given = {place for _, place in gold}
        found = {item for item in found if item[1] in given}
    matched = Matched(strict=_counts(gold, found, _equal))
    if not _is_pairs(reference, key):
        matched.overlap = _counts(gold, found, _overlapping)
    for place in sorted({place for _, place in gold | found}):
        _confuse(matched, place, {one for one, at in gold if at == place}, {one for one, at in found if at == place})
    return matched


def _items(doc: Doc, key: str) -> set[Item]:
    if key not in doc.spans:
        return set()
    place = places(doc)
    if _is_pairs(doc, key):
        pairs = read_pairs(doc, key=key)
        return {(label, (*place(*pair.head), *place(*pair.tail))) for pair in pairs for label in pair.labels}
    items: set[Item] = set()
    for number, span in enumerate(doc.spans[key]):
        status = value_of(doc, key, number, "assertion")
        label = span.label_ if status is None else f"{span.label_}/{status}"
        items.add((label, place(span.start, span.end)))
    return items


def _is_pairs(doc: Doc, key: str) -> bool:
    return "labels" in doc.spans[key].attrs


def _type(label: str) -> str:
    """The type that a corpus judges: without the status."""
    return label.rsplit("/", 1)[0]


def _equal(one: Place, two: Place) -> bool:
    return one == two


def _overlapping(one: Place, two: Place) -> bool:
    return one[0] < two[1] and two[0] < one[1]


def _counts(gold: set[Item], found: set[Item], fits: Callable[[Place, Place], bool]) -> dict[str, tuple[int, int, int]]:
    """Right, spurious and missed of each label. Each gold item is matched once, in the order of the text."""
    counts = {}
    for label in sorted({label for label, _ in gold | found}):
        left = sorted(place for one, place in gold if one == label)
        n_gold = len(left)
        n_found = n_right = 0
        for place in sorted(place for one, place in found if one == label):
            n_found += 1
            fitting = next((one for one in left if fits(one, place)), None)
            if fitting is not None:
                left.remove(fitting)
                n_right += 1
        counts[label] = (n_right, n_found - n_right, n_gold - n_right)
    return counts


def _confuse(matched: Matched, place: Place, gold: set[str], found: set[str]) -> None:
    """Count what was said of what, at one place. Where several labels stand there, the right ones are paired first."""
    for label in gold & found:
        matched.confusion[label, label] += 1
    missed, spurious = sorted(gold - found), sorted(found - gold)
    for number in range(max(len(missed), len(spurious))):
        one = missed[number] if number < len(missed) else SPURIOUS
        two = spurious[number] if number < len(spurious) else MISSED
        matched.confusion[one, two] += 1
        matched.errors.append((place, one, two))
