"""A mention, as the formats with character offsets give it."""

from dataclasses import dataclass, field

from ..audit import Place

COVERED = "a discontinuous mention, kept as one span from its first to its last character"


@dataclass(frozen=True)
class Mention:
    """Characters of a document's text, end exclusive, with the type that the file gives it.

    A span of spaCy has no gaps, so a mention in several pieces becomes one from its first to its last character.
    ``is_covered``: and words lie between the pieces, which the audit then lists.
    """

    start: int
    end: int
    label: str
    place: Place
    is_covered: bool = field(default=False, kw_only=True)
