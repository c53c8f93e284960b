"""One annotated text, as the parsers of the generic formats give it. All offsets are characters of the text."""

from dataclasses import dataclass, field

from ..audit import Audit, Place

Bounds = tuple[int, int]  # end exclusive
Attributes = tuple[tuple[str, str], ...]  # (name, value), value "" for a flag
FALSE = "false"  # value of an attribute that was judged and does not hold; "" is that of one that holds


@dataclass(frozen=True)
class Entity:
    """A labelled mention of one or several stretches, in order."""

    label: str
    fragments: tuple[Bounds, ...]
    place: Place
    attributes: Attributes = ()

    @property
    def bounds(self) -> Bounds:
        """From the first to the last character."""
        return self.fragments[0][0], max(end for _, end in self.fragments)


@dataclass(frozen=True)
class Link:
    """A relation between two mentions. No label: the pair was judged and holds none."""

    label: str | None
    head: Entity
    tail: Entity
    place: Place
    score: float = 1.0


@dataclass
class Record:
    """One text and what is annotated on it. None: this record is not annotated so; an empty list: nothing is there.

    ``is_explicit``: the record itself says whether it has relations. Else it has them where any record of the input
    has. ``words`` and ``spaces``: its tokens, where the file gives them, and whether a blank follows each (None: the
    file does not say). ``starts``: where sentences begin; ``by_rule``: and wherever a rule finds that they do.
    """

    text: str
    place: Place
    name: str | None = None  # records of one name go to one side of a split
    entities: list[Entity] | None = field(default_factory=list)
    links: list[Link] | None = field(default_factory=list)
    is_explicit: bool = False
    classes: list[str] | None = None  # of the whole text
    units: list[tuple[Bounds, str]] | None = None  # labelled sentences
    words: list[str] | None = None
    spaces: list[bool] | None = None
    starts: list[int] = field(default_factory=list)
    by_rule: bool = True


@dataclass(frozen=True)
class LinkRow:
    """A relation of a file that names its two mentions by ids."""

    label: str
    head: str
    tail: str
    place: Place


def resolve_links(rows: list[LinkRow], mentions: dict[str, Entity], audit: Audit) -> list[Link]:
    """The relations between known mentions. One of an unknown id is a loss (MedmtlError E401 in stop mode)."""
    links: list[Link] = []
    for row in rows:
        head, tail = mentions.get(row.head), mentions.get(row.tail)
        if head is None or tail is None:
            audit.dropped(row.place, "relation", row.label, "an argument that is no mention of the document")
        else:
            links.append(Link(row.label, head, tail, row.place))
    return links


def is_label(value: object) -> bool:
    """Whether a value of a file can be a label: text without control characters or blanks at its edges."""
    return isinstance(value, str) and value.isprintable() and bool(value) and value == value.strip()


def are_fragments(fragments: tuple[Bounds, ...], length: int) -> bool:
    """Whether stretches are inside a text of this length and in order."""
    edges = [edge for fragment in fragments for edge in fragment]
    is_inside = bool(edges) and edges[0] >= 0 and edges[-1] <= length
    return is_inside and all(start < end for start, end in fragments) and edges == sorted(edges)


def same_words(first: str, second: str) -> bool:
    """Whether two texts differ in nothing but white space."""
    return first.split() == second.split()
