"""Tokens that say nothing, and words as they read: what is typed or exported in another way is the same text."""

import unicodedata

from spacy.tokens import Token

# Code points, both ends included, of: control characters that are no white space, the soft hyphen, characters without
# width, of the direction of writing, of formulas and annotations, byte order mark, and forms of a sign (emoji or not).
_INVISIBLE = (
    *((0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *((0xFFF9, 0xFFFB),),
)
INVISIBLE = "".join(chr(code) for first, last in _INVISIBLE for code in range(first, last + 1))
_REMOVED = dict.fromkeys(map(ord, INVISIBLE))


def is_blank(token: Token) -> bool:
    """Whether nothing of a token is seen: white space, control characters, and characters without width."""
    return token.is_space or not (token.is_alpha or token.text.strip(INVISIBLE))


def visible(word: str) -> str:
    """A word without characters that are not seen, and its letters composed (NFC)."""
    is_plain = word.isascii() and word.isprintable()
    return word if is_plain else unicodedata.normalize("NFC", word.translate(_REMOVED))
