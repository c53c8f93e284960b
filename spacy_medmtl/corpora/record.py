"""One annotated text, as every reader gives it and every export takes it. All offsets are characters of the text.

A reader is ``read(path, audit) -> Iterator[Record]``. It knows lines, offsets and the audit, and nothing of spaCy; what
becomes of a record is for its ``Scheme`` to say and for ``writer`` to do.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ..annotations.groups import RELATIONS
from .audit import Audit, Place

Bounds = tuple[int, int]  # end exclusive
Attributes = tuple[tuple[str, str], ...]  # (name, value), value "" for a flag
FALSE = "false"  # value of an attribute that was judged and does not hold; "" is that of one that holds
# Where sentences begin: wherever a rule says and at the given places, or only there, but never inside a span; or
# exactly at the given places.
RULE, GIVEN, EXACT = "rule", "given", "exact"
MAX_CHARACTERS = 1_000_000  # what spaCy reads at once


@dataclass(frozen=True)
class Entity:
    """A labelled mention of one or several stretches, in the order of the text."""

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
    """A relation between two mentions. No label: the pair was judged and holds none. ``score``: if the file has one."""

    label: str | None
    head: Entity
    tail: Entity
    place: Place
    score: float | None = None


@dataclass
class Record:
    """One text and what is annotated on it. None: this record is not annotated so; an empty list: nothing is there."""

    text: str
    place: Place
    second: str | None = None  # the other text of a pair
    verdict: str | None = None  # what was judged of the pair: a label, or that nothing holds
    value: float | None = None  # of a pair for a regression
    name: str | None = None  # the id of the document
    key: str | None = None  # records of one key go to one side of a split; None: those of one text
    entities: list[Entity] | None = None
    is_asserted: bool = True  # whether anybody judged the status of the entities
    has_findings_only: bool = False  # whether findings alone were looked for, and no other entities
    links: list[Link] | None = None
    is_explicit: bool = True  # without links it has no relations; else it is so only where another record has some
    classes: list[str] | None = None  # of the whole text
    units: list[tuple[Bounds, str]] | None = None  # labelled stretches, each of whole sentences
    turns: list[tuple[int, str | None]] | None = None  # of each line of a dialogue: where it begins, who says it
    words: list[str] | None = None  # tokens, where the file gives them
    spaces: list[bool] | None = None  # whether a blank follows each; None: the file does not say
    starts: list[int] = field(default_factory=list)  # where sentences begin
    sentences: str = RULE
    # what the file says was looked for, found or not
    declared_labels: Sequence[str] = ()
    declared_relations: Sequence[str] = ()

    def is_blank(self) -> bool:
        """Whether it is an empty text on which nothing is annotated, so that nothing is lost without it."""
        annotated = (self.entities, self.links, self.classes, self.units, self.second, self.verdict)
        return not self.text.strip() and not any(annotated)

    def word_starts(self) -> list[int]:
        """The character at which each word begins; parted by blanks where the record does not say."""
        words = self.words or []
        sizes = (len(word) + space for word, space in zip(words, self.spaces or [True] * len(words)))
        return list(accumulate(sizes, initial=0))[: len(words)]


@dataclass(frozen=True)
class LinkRow:
    """A relation of a file that names its two mentions by ids."""

    label: str
    head: str
    tail: str
    place: Place


def resolve_links(rows: Iterable[LinkRow], mentions: Mapping[str, Entity], audit: Audit) -> list[Link]:
    """The relations between known mentions. One of an unknown id is a loss (MedmtlError E401 in stop mode)."""
    links: list[Link] = []
    for row in rows:
        head, tail = mentions.get(row.head), mentions.get(row.tail)
        if head is None or tail is None:
            audit.dropped(row.place, RELATIONS, row.label, "an argument that is no mention of the document")
        else:
            links.append(Link(row.label, head, tail, row.place))
    return links


def asserted(status: str, modifiers: Iterable[str] = ()) -> Attributes:
    """A status and modifiers as the attributes that every ``Scheme`` knows."""
    return (("assertion", status), *((name, "") for name in modifiers))


def joined(texts: Sequence[str], separator: str = " ") -> tuple[str, list[int]]:
    """Texts made one, and where each begins in it."""
    starts: list[int] = []
    at = 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(separator)
    return separator.join(texts), starts


def moved(fragments: Iterable[Bounds], by: int) -> tuple[Bounds, ...]:
    """Stretches of a part of a text, as stretches of the text in which the part begins at ``by``."""
    return tuple((start + by, end + by) for start, end in fragments)


def is_label(value: object) -> bool:
    """Whether a value of a file can be a label: text without control characters or blanks at its edges."""
    return isinstance(value, str) and value.isprintable() and bool(value) and value == value.strip()


def read_label(value: object, audit: Audit) -> str | None:
    """A value of a file as a label: blanks at its edges, which people type and do not see, are removed and counted.
    None for what cannot be one."""
    if isinstance(value, str) and value != value.strip():
        audit.note("labels without the blanks at their edges", int(is_label(value.strip())))
        value = value.strip()
    return value if isinstance(value, str) and is_label(value) else None


def label_problem(value: object) -> str:
    """Why a value is no label."""
    if value is None or value == "" or value == [] or (isinstance(value, str) and not value.strip()):
        return "without a label"
    return "with a label that is no text of one line, or has characters that cannot be shown"


def are_fragments(fragments: Sequence[Bounds], length: int) -> bool:
    """Whether stretches are inside a text of this length, in its order and apart."""
    edges = [edge for fragment in fragments for edge in fragment]
    is_inside = bool(edges) and edges[0] >= 0 and edges[-1] <= length
    return is_inside and all(start < end for start, end in fragments) and edges == sorted(edges)


def are_parted(fragments: Sequence[Bounds], text: str) -> bool:
    """Whether words lie between stretches; brat also parts a mention where a line ends, which loses nothing."""
    return any(text[before[1] : after[0]].strip() for before, after in zip(fragments, fragments[1:]))


def is_offset(column: str) -> bool:
    """Whether a column of a file holds an offset: up to nine digits."""
    return column.isascii() and column.isdigit() and len(column) < 10


def line_starts(text: str) -> list[int]:
    """Where the lines of a text begin, but for the first one."""
    return [match.end() for match in re.finditer(r"\n(?=.)", text, re.DOTALL)]


def is_unicode(text: str) -> bool:
    """Whether it can be written: JSON may hold half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
