"""The words that a file repeats beside the offsets of a mention.

The words are a copy that other tools change: they collapse blanks, mark the gap of a discontinuous mention, lose
accents, escape line ends. So they only have to agree as far as they can after such changes. And where they do not, the
file may count otherwise: line ends once or twice, UTF-16 units, bytes, a byte order mark. That is decided for a whole
text.
"""

import html
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import combining, normalize

from ..audit import Audit, Place
from ..record import Attributes, Bounds, Entity, are_fragments, label_problem, read_label

WRONG = "the offsets do not give the words of the mention"
APART = f"{WRONG}: they are outside the text"
NO_CHARACTER = "a mention of no character: its offsets begin and end at one place"
_GAP = re.compile(r"\[\.{2,3}\]|\[…\]|\.{3}|…")
_ESCAPED = re.compile(r"\\[nrt]")
_PLAIN = str.maketrans("‘’‚‛“”„‟′″‐‑‒–—−", "''''\"\"\"\"'\"------", "\u200b\u200c\u200d\u2060\ufeff")
_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = frozenset(_XML)
_REFERENCE = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_SOFT = "\u00ad"  # a hyphen that shows only where a line ends: copied as one, or not at all
Copy = tuple[Sequence[Bounds], str | None]  # stretches as a file gives them, and their words if it repeats them
Counted = Callable[[str, int], int]  # (character, its place in the text) -> how many the file counts for it


@dataclass(frozen=True)
class Mention:
    """A mention as a file gives it: its stretches, in any order; its words, None if the file does not repeat them."""

    stretches: Sequence[Bounds]
    words: str | None
    label: object
    place: Place
    attributes: Attributes = ()


def entities_at(
    text: str, mentions: Sequence[Mention], audit: Audit, *, has_mark: bool = False, seam: int | None = None
) -> list[Entity | None]:
    """The mentions at the characters of ``text`` where their words stand; ``has_mark`` and ``seam`` as of ``located``.
    None, and a loss (MedmtlError E401 in stop mode), for one whose words do not stand there or whose label is none."""
    given = [(mention.stretches, mention.words) for mention in mentions]
    entities: list[Entity | None] = []
    for mention, fragments in zip(mentions, located(text, given, audit, has_mark=has_mark, seam=seam)):
        label = read_label(mention.label, audit)
        if fragments is not None and label is not None:
            entities.append(Entity(label, fragments, mention.place, mention.attributes))
            continue
        ordered = sorted(mention.stretches)
        is_empty = all(start == end >= 0 for start, end in ordered)  # what is no offset stands as -1
        reason = WRONG if are_fragments(united(ordered), len(text)) else NO_CHARACTER if is_empty else APART
        reason = reason if label is not None else f"a mention {label_problem(mention.label)}"
        audit.dropped(mention.place, "line", label or "", reason, (ordered[0][0], max(end for _, end in ordered)))
        entities.append(None)
    return entities


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
    text: str, mentions: Sequence[Copy], audit: Audit, *, has_mark: bool = False, seam: int | None = None
) -> list[tuple[Bounds, ...] | None]:
    """For each mention its stretches as characters of the text, in order; None where they do not give its words.

    has_mark: the file began with a byte order mark, which is not in ``text``. seam: of a text made of two parts the
    character between them, which the file may count as none or two.
    """
    plain = [_checked(text, mention, lambda offset: offset) for mention in mentions]
    if None not in plain:
        return plain
    best, name = plain, ""
    for name_here, count in _countings(text, has_mark, seam):
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


def _countings(text: str, has_mark: bool, seam: int | None) -> Iterable[tuple[str, Counted]]:
    """Other ways to count characters, of those that make a difference in this text."""
    if seam is not None:
        yield "no character between the parts of the text", lambda char, at: int(at != seam)
        yield "two characters between the parts of the text", lambda char, at: 1 + (at == seam)
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
    if not _MARKUP.isdisjoint(text):
        yield "escapes of XML that the text does not have", lambda char, at: len(_XML.get(char, char))
        inside = {at for match in _REFERENCE.finditer(text) for at in range(match.start() + 1, match.end())}
        if inside:
            yield "escapes of XML as one character", lambda char, at: int(at not in inside)


def _checked(text: str, mention: Copy, place: Callable[[int], int | None]) -> tuple[Bounds, ...] | None:
    stretches, words = mention
    if words is not None and len(stretches) == 1:
        start, end = stretches[0]
        stretches = [(min(start, end), max(start, end))]  # drawn from right to left: the words show that it is meant
    edges = [(place(start), place(end)) for start, end in stretches]
    if words is not None and len(stretches) == 1 and stretches[0][1] - stretches[0][0] <= len(words) + 2:
        start_at, end_at = edges[0]  # a text may have lost the line end that closes its last mention
        edges = [(start_at, len(text) if end_at is None else min(end_at, len(text)))]
    given = [(start, end) for start, end in edges if start is not None and end is not None]
    fragments = united(given)
    if len(given) < len(edges) or not are_fragments(fragments, len(text)):
        return None
    # the words of several stretches stand in the order of the text, or in that of the file
    orders = [" ".join(text[start:end] for start, end in order) for order in (fragments, sorted(given), given)]
    return fragments if words is None or any(agree(covered, words) for covered in orders) else None


def united(stretches: Iterable[Bounds]) -> tuple[Bounds, ...]:
    """Stretches in the order of the text; those that overlap, as brat lets people draw them, are one."""
    parts: list[Bounds] = []
    for start, end in sorted(stretches):
        if parts and start < parts[-1][1] and start < end:
            parts[-1] = parts[-1][0], max(end, parts[-1][1])
        else:
            parts.append((start, end))
    return tuple(parts)
