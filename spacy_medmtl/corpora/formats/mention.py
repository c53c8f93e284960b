"""A mention, as the formats with character offsets give it."""

from dataclasses import dataclass

from ..audit import Place


@dataclass(frozen=True)
class Mention:
    """Characters of a document's text, end exclusive, with the type that the file gives it."""

    start: int
    end: int
    label: str
    place: Place
