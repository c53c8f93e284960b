"""Tokens that say nothing, and words as they read: what is typed or exported in another way is the same text."""

import unicodedata

from spacy.tokens import Token

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"  # zero-width characters, byte order mark, soft hyphen
_REMOVED = dict.fromkeys(map(ord, INVISIBLE))


def is_blank(token: Token) -> bool:
    """Whether nothing of a token is seen: white space, and characters without width."""
    return token.is_space or (not token.is_ascii and not token.text.strip(INVISIBLE))


def visible(word: str) -> str:
    """A word without characters that are not seen, and its letters composed (NFC)."""
    return word if word.isascii() else unicodedata.normalize("NFC", word.translate(_REMOVED))
