"""Colours of labels, for spaCy's displaCy and for our own pages.

Pastel tones of Okabe and Ito's palette, which people with any kind of colour blindness tell apart; black text on each
has a contrast of 8 to 1 or more.
"""

from ..annotations.groups import merged_type

COLOURS = {
    "PROBLEM": "#f4b183",
    "FINDING": "#f4b183",
    "SIGN": "#f4b183",
    "SYMPTOM": "#f4b183",
    "DISEASE": "#f4b183",
    "ANATOMY": "#b7c9e2",
    "BODY": "#b7c9e2",
    "DRUG": "#9fd8c4",
    "CHEMICAL": "#9fd8c4",
    "TEST": "#f3e38b",
    "PROCEDURE": "#ddb8d4",
    "POSITIVE": "#8fc1e3",
    "NEGATIVE": "#f2a27a",
    "UNKNOWN": "#d0d0d0",
}
DEFAULT = "#d9d9d9"


def displacy_colours() -> dict[str, str]:
    """``spacy-medmtl.colours.v1``: the colours, as an entry point of ``spacy_displacy_colors``."""
    return COLOURS


def colour(label: str) -> str:
    """The colour of a label; of one that is kept apart by corpus ("bc5cdr$Disease") that of its last part."""
    return COLOURS.get(merged_type(label).upper(), DEFAULT)
