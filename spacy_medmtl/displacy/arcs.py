"""Relations as arcs: what is related stands in a column, in the order of the text, and arcs beside it join the two.

Beside, and not over, the text: a note runs over many lines, and how it breaks is only known in the browser.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from spacy.tokens import Doc

from ..annotations.relations import Relation, read_relations

ROW = 24.0  # height of a row
STEP = 16.0  # between an arc and the labels of those inside it
LABEL = 6.0  # width of a character of a label
BULGE = 0.75  # a cubic curve reaches so far towards its control points
LONGEST = 60  # characters of an end that are shown


@dataclass(frozen=True)
class Arc:
    """An arc between the middles of two rows. path, tip: of an SVG, from head to tail, and the arrow at the tail.
    x, y: where its label ends."""

    path: str
    tip: str
    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Diagram:
    """ends: (text, y) of each row. left: room for arcs and labels. Lengths are units of the SVG."""

    ends: list[tuple[str, float]]
    arcs: list[Arc]
    left: float
    height: float


def arc_diagram(doc: Doc) -> Diagram | None:
    """The diagram of a Doc's relations, None where there are none. Arcs inside others reach out less, so that labels of
    different arcs stand apart."""
    relations = list(read_relations(doc))
    if not relations:
        return None
    places = sorted(
        {bounds for relation in relations for bounds in _places(relation)}, key=lambda place: (place[0], -place[1])
    )
    rows = {place: number for number, place in enumerate(places)}
    joined = [tuple(rows[place] for place in _places(relation)) for relation in relations]
    levels = _levels([(min(pair), max(pair)) for pair in joined])
    reaches, left = _reaches([relation.label for relation in relations], levels)
    arcs = []
    for relation, (head, tail), level in zip(relations, joined, levels):
        head_y, tail_y, x = (head + 0.5) * ROW, (tail + 0.5) * ROW, left - reaches[level] / BULGE
        path = f"M{left - 4:.0f} {head_y:.0f}C{x:.0f} {head_y:.0f} {x:.0f} {tail_y:.0f} {left - 4:.0f} {tail_y:.0f}"
        tip = f"M{left - 9:.0f} {tail_y - 3:.0f}L{left - 2:.0f} {tail_y:.0f}L{left - 9:.0f} {tail_y + 3:.0f}z"
        arcs.append(Arc(path, tip, relation.label, left - reaches[level] - 4, (head_y + tail_y) / 2))
    ends = [(shortened(doc[start:end].text), (number + 0.5) * ROW) for (start, end), number in rows.items()]
    return Diagram(ends, arcs, left, ROW * len(ends))


def _places(relation: Relation) -> list[tuple[int, int]]:
    return [(end.start, end.end) for end in (relation.head, relation.tail)]


def _levels(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """How far out each arc goes: one further than any shorter arc that it overlaps."""
    levels = [0] * len(pairs)
    # of the outermost arc so far over each row (even places) and between two (odd): looking through all arcs, for each
    # of them, would take the square of their number
    outermost = [-1] * (2 * max(last for _, last in pairs) + 1)
    for number in sorted(range(len(pairs)), key=lambda arc: (pairs[arc][1] - pairs[arc][0], arc)):
        first, last = pairs[number]
        over = slice(min(2 * first + 1, 2 * last), max(2 * last, 2 * first + 1))  # of a row with itself: that row
        levels[number] = max(outermost[over]) + 1
        outermost[over] = [levels[number]] * (over.stop - over.start)
    return levels


def _reaches(labels: Sequence[str], levels: Sequence[int]) -> tuple[list[float], float]:
    """How far the arcs of each level reach out, so that their labels stand between them and those of the next, and the
    room that all of it takes."""
    longest = [0] * (max(levels) + 1)
    for label, level in zip(labels, levels):
        longest[level] = max(longest[level], len(label))
    ends = list(accumulate((STEP + LABEL * n_characters for n_characters in longest), initial=STEP))
    return ends[:-1], ends[-1]


def shortened(text: str) -> str:
    """A text on one line, its end cut off where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
