"""A mention, as the formats with character offsets give it."""

from dataclasses import dataclass

from ..audit import Place

# A span of spaCy has no gaps, so a mention in several pieces becomes one from its first to its last character.
COVERED = "discontinuous mentions kept as one span, with what lies between their pieces"


@dataclass(frozen=True)
class Mention:
    """Characters of a document's text, end exclusive, with the type that the file gives it."""

    start: int
    end: int
    label: str
    place: Place
