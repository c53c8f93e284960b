"""Which line breaks of a note are part of a sentence, because the text was wrapped, and which end one.

A line reads on in the next if it is as long as lines of this note get, or stops at a word that nothing can stop at.
Headings, list items, rows of tables and "Label: value" stand by themselves. Lengths are counted without indents and
repeated blanks, so that how a note was laid out changes nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .section_names import NAMES

SHORTEST_WRAPPED = 40  # characters; where lines are shorter nobody wraps, but many list items are
# what stands behind a mark without a blank between: a word, or a number that is part of one ("-2-day history")
_WORD = r"(?=[^\W\d_]|\d+-)"
BULLETS = r"\u2022\u00b7\u2023\u25e6\u25aa\u25cf"
_ITEM = re.compile(
    r"(?:[-*" + BULLETS + r"\u2013\u2014\u2212+>\u00bb](?:\s+|" + _WORD + r")|o\s+(?=[A-Z])"
    r"|\[[ xX]?\]\s*|[\u2610-\u2612]\s*|\(?\d{1,2}[.)](?:\s+(?=\S)|(?=[^\W\d_]{2}))|\(?[a-hA-H]\)(?:\s+|" + _WORD + r")"
    r"|\(?[ivx]{1,4}[.)]\s+|#\s*\d*[.:)]?\s+)"
)
LABEL = re.compile(r"[A-Z][\w/&'()\u2019-]*(?:[ \t]+[\w/&'()\u2019,-]+){0,6}?[ \t]*:(?=\s|$)")
_OPEN_WORDS = frozenset(
    "a an and are as at because been before but by did does due during for from had has have if in into is nor not of "
    "on or over per than that the their this to under until upon very was were when which while who with "
    "without".split()
)
_OPEN_MARKS = (",", "(", "[", "/", "&", "\u2013", "-", "=", "<", ">")
HEADING_WORDS = 8


@dataclass(frozen=True)
class TextLine:
    """start, end: of what is not blank. length: without indent and repeated blanks. after_gap: behind an empty line.
    is_row: of a table."""

    start: int
    end: int
    text: str
    length: int
    indent: int
    after_gap: bool
    is_row: bool

    @property
    def is_item(self) -> bool:
        """Whether it begins like an item of a list."""
        return _ITEM.match(self.text) is not None


def paragraphs(text: str) -> list[tuple[int, int]]:
    """(start, end) of the stretches of a plain text in which line breaks mean nothing: no sentence goes beyond one."""
    lines = list(_lines(text))
    if not lines:
        return []
    is_capital = _is_all_capitals(text)
    width = _width([line.length for line in lines])
    pairs = list(zip(lines, lines[1:]))
    are_open = [_may_read_on(line, following, is_capital) for line, following in pairs]
    is_wrapped = _is_wrapped([pair for pair, is_open in zip(pairs, are_open) if is_open], width)
    stretches = [(lines[0].start, lines[0].end)]
    for (line, following), is_open in zip(pairs, are_open):
        if is_open and _reads_on(line, following, width, is_wrapped):
            stretches[-1] = (stretches[-1][0], following.end)
        else:
            stretches.append((following.start, following.end))
    return stretches


def is_heading(text: str, *, is_capital_text: bool) -> bool:
    """Whether a line is nothing but a heading: it ends in a colon, is known as one, or is in capitals where the rest is
    not."""
    words = text.split()
    if not 0 < len(words) <= HEADING_WORDS:
        return False
    plain = text.strip("#*=_~ ")
    if plain.endswith(":"):
        return plain[0].isalnum()
    if plain.lower() in NAMES:
        return True
    letters = [character for character in text if character.isalpha()]
    looks_like_one = text.isupper() and text[0].isalpha() and text[-1] not in ".!?,;"
    return looks_like_one and not is_capital_text and len(letters) > 3 and not any(map(str.isdigit, text))


def item_text(text: str) -> str:
    """A line without what makes it an item of a list."""
    match = _ITEM.match(text)
    return text[match.end() :] if match else text


def _lines(text: str) -> Iterator[TextLine]:
    gap = _usual_gap(text)
    offset = 0
    after_gap = True
    for raw in text.split("\n"):
        stripped = raw.strip()
        if stripped:
            start = offset + len(raw) - len(raw.lstrip())
            is_row = sum(_is_wide(gap_text, gap) for gap_text in re.findall(r"(?<=[^\s.?!:;])\s+(?=\S)", stripped)) >= 2
            is_row |= stripped.count("|") >= 2
            length = len(" ".join(stripped.split()))
            yield TextLine(start, start + len(stripped), stripped, length, start - offset, after_gap, is_row)
        after_gap = not stripped
        offset += len(raw) + 1


def _usual_gap(text: str) -> str:
    """What mostly stands between words: a blank, or in some exports a tab or several."""
    gaps = Counter(re.findall(r"(?<=\w)[ \t]+(?=\w)", text[:20000]))
    return gaps.most_common(1)[0][0] if gaps else " "


def _is_wide(gap: str, usual: str) -> bool:
    return ("\t" in gap and "\t" not in usual) or len(gap) >= len(usual) + 2


def _is_all_capitals(text: str) -> bool:
    """Whether capitals say nothing, because there is hardly anything else."""
    upper = sum(map(str.isupper, text))
    return upper > sum(map(str.islower, text))


def _width(lengths: Sequence[int]) -> int:
    """How long lines get: the longest of those that could be wrapped, one in ten apart."""
    long = sorted(length for length in lengths if length >= SHORTEST_WRAPPED)
    return long[(len(long) - 1) * 9 // 10] if long else 0


def _may_read_on(line: TextLine, following: TextLine, is_capital: bool) -> bool:
    """Whether nothing about two lines says that they are different things."""
    if following.after_gap or line.is_row or following.is_row or following.is_item or LABEL.match(following.text):
        return False
    return not any(is_heading(either.text, is_capital_text=is_capital) for either in (line, following))


def _is_open(line: TextLine) -> bool:
    last = line.text.split()[-1]
    return last.endswith(_OPEN_MARKS) or last.lower() in _OPEN_WORDS


def _is_full(line: TextLine, following: TextLine, width: int) -> bool:
    """Whether the first word of the second line had no room in the first."""
    return line.length >= SHORTEST_WRAPPED and line.length + 1 + len(following.text.split()[0]) > width


def _is_wrapped(pairs: Sequence[tuple[TextLine, TextLine]], width: int) -> bool:
    """Whether most lines that could read on are full, as in wrapped text and not in lists."""
    return sum(_is_full(line, following, width) for line, following in pairs) * 5 >= len(pairs) * 3


def _reads_on(line: TextLine, following: TextLine, width: int, is_wrapped: bool) -> bool:
    if _is_open(line):
        return True
    begins_low = following.text[0].islower() or following.text[0] in ",;.)]%"
    if begins_low and line.is_item and following.indent > line.indent:
        return True
    if begins_low and not line.text.endswith((".", "!", "?", ":", ";")):
        return line.length * 2 >= width and line.length >= SHORTEST_WRAPPED // 2
    return is_wrapped and _is_full(line, following, width)
