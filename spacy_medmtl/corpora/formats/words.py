"""The words that a file repeats beside the offsets of a mention.

Offsets are what an annotation tool keeps; the words are a copy that other tools change: they collapse blanks, mark the
gap of a discontinuous mention, lose accents, escape line ends. So the words only have to agree as far as they can after
such changes. And where they do not agree at the offsets as characters of the text, the file may count otherwise: line
ends once or twice, UTF-16 units, bytes, a byte order mark. That is decided for a whole text, by the words.
"""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from unicodedata import combining, normalize

from ..audit import Audit
from ..record import Bounds, are_fragments

WRONG = "the offsets do not give the words of the mention"
_GAP = re.compile(r"\[\.{2,3}\]|\[…\]|\.{3}|…")
_ESCAPED = re.compile(r"\\[nrt]")
_PLAIN = str.maketrans("‘’‚‛“”„‟′″‐‑‒–—−", "''''\"\"\"\"'\"------", "\u200b\u200c\u200d\u2060\ufeff")
_SOFT = "\u00ad"  # a hyphen that shows only where a line ends: copied as one, or not at all
Mention = tuple[Sequence[Bounds], str | None]  # stretches as the file gives them, and the words if it does
Counted = Callable[[str, int], int]  # (character, its place in the text) -> how many the file counts for it


def agree(covered: str, words: str) -> bool:
    """Whether words can be a copy of what was found at the offsets of a mention."""
    if covered.split() == words.split():
        return True
    covered_letters, word_letters = _letters(covered), _letters(words)
    if covered_letters == word_letters:
        return True
    if _SOFT in covered + words:
        return any(agree(covered.replace(_SOFT, shown), words.replace(_SOFT, shown)) for shown in ("", "-"))
    if covered.isascii() == words.isascii():
        return False
    # one of the two was made ASCII: other characters are left out, "?", or plain
    made, full = (covered_letters, word_letters) if covered.isascii() else (word_letters, covered_letters)
    kept = made.replace("?", "")
    return kept != "" and kept in (_ascii(full.replace("?", "")), _ascii(normalize("NFKD", full).replace("?", "")))


def _letters(text: str) -> str:
    text = _GAP.sub("", _ESCAPED.sub("", html.unescape(text)))
    return "".join(normalize("NFKC", text.translate(_PLAIN)).casefold().split())


def _ascii(text: str) -> str:
    return "".join(filter(str.isascii, text))


def located(
    text: str, mentions: Sequence[Mention], audit: Audit, *, has_mark: bool = False
) -> list[tuple[Bounds, ...] | None]:
    """For each mention its stretches as characters of the text, in order; None where they do not give its words.

    has_mark: the file began with a byte order mark, which is not in ``text``.
    """
    plain = [_checked(text, mention, lambda offset: offset) for mention in mentions]
    if None not in plain:
        return plain
    best, name = plain, ""
    for name_here, count in _countings(text, has_mark):
        units: dict[int, int] = {}
        first = int(has_mark and name_here.startswith("a byte order mark"))
        for index, unit in enumerate(accumulate(map(count, text, range(len(text))), initial=first)):
            units.setdefault(unit, index)
        converted = [_checked(text, mention, units.get) for mention in mentions]
        if converted.count(None) < best.count(None):
            best, name = converted, name_here
    if name:
        audit.note(f"mentions whose offsets count {name}, converted", len(best) - best.count(None))
    return best


def _countings(text: str, has_mark: bool) -> Iterable[tuple[str, Counted]]:
    """Other ways to count characters, of those that make a difference in this text."""
    if has_mark:
        yield "a byte order mark", lambda char, at: 1
    if "\r\n" in text:
        yield "a line end as one character", lambda char, at: int(char != "\r" or text[at + 1 : at + 2] != "\n")
    elif "\n" in text:
        yield "a line end as two characters", lambda char, at: 1 + (char == "\n")
    if any(char > "\uffff" for char in text):
        yield "UTF-16 units", lambda char, at: 1 + (char > "\uffff")
    if not text.isascii():
        yield "UTF-8 bytes", lambda char, at: len(char.encode(errors="surrogatepass"))
        yield "accents with their letters", lambda char, at: int(not combining(text[at + 1 : at + 2] or " "))
        yield "accents apart from their letters", lambda char, at: len(normalize("NFD", char))


def _checked(text: str, mention: Mention, place: Callable[[int], int | None]) -> tuple[Bounds, ...] | None:
    edges = [(place(start), place(end)) for start, end in mention[0]]
    given = [(start, end) for start, end in edges if start is not None and end is not None]
    fragments = tuple(sorted(given))
    if len(given) < len(edges) or not are_fragments(fragments, len(text)):
        return None
    if mention[1] is None or agree(" ".join(text[start:end] for start, end in fragments), mention[1]):
        return fragments
    is_copy = agree(
        " ".join(text[start:end] for start, end in given), mention[1]
    )  # words in the order of the stretches
    return fragments if is_copy else None
