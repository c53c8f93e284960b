"""Where sentences begin inside a stretch of text without meaningful line breaks."""

import re
from collections.abc import Iterator

# stands before a name or a number, or inside a sentence: never its end
_NEVER_LAST = frozenset(
    "dr drs mr mrs ms prof st rev vs v e.g eg i.e ie cf approx ca fig figs viz resp spp incl esp al r/o "
    "poss prob susp prev".split()
)
# the end of a sentence only if the next one begins with a capital
_MAY_BE_LAST = frozenset(
    "pt pts hx dx tx rx sx fx abd temp wt ht hr hrs min mins sec secs yr yrs y.o yo mo mos wk wks mg mcg ml kg "
    "cm mm oz lb lbs tab tabs inj iv po pr sq sc q qd bid tid qid prn inc ltd co jr sr etc dept hosp univ w/ "
    "jan feb apr jun jul aug sep sept oct nov dec tue thu fri vol pp eds max diff diag surg vag "
    "pos neg bilat occ mod chr cont freq assoc incr decr".split()
)
_END = re.compile(r"[.!?\u3002\uff01\uff1f]+[\"'\u201d\u2019)\]]*")
_BLANKS = re.compile(r"\s+")
_NEXT = re.compile(r"\s+[\"'\u201c\u2018(\[*]*(\S+)")
_TOUCHING = re.compile(r"[A-Z](?:[a-z]+|[A-Z]+)\b")  # a word behind a mark without a blank: "No fever.No cough."
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_ENUMERATOR = re.compile(r"(?:(?<=[\s:;,.])|^)\(?(\d{1,2})[.)](?=\s+[A-Za-z(\[])")
_WIDE_MARKS = "\u3002\uff01\uff1f"


def sentence_starts(text: str, *, abbreviations: frozenset[str] = frozenset()) -> list[int]:
    """Offsets at which the sentences of a stretch begin, 0 among them. abbreviations: more than the built-in ones, in
    lower case and without the last full stop."""
    enumerators = _enumerators(text)
    inside = {offset for start, end in enumerators for offset in range(start, end)}
    starts = {0, *(start for start, _ in enumerators[1:])}
    if enumerators and _begins_item(text, enumerators[0][0]):
        starts.add(enumerators[0][0])
    for match in _END.finditer(text):
        if match.start() in inside:
            continue
        start = _next_start(text, match, abbreviations)
        if start is not None:
            starts.add(start)
    return sorted(starts)


def _enumerators(text: str) -> list[tuple[int, int]]:
    """(start, end) of "1.", "2.", ... where at least two of them count up from 1 in a line."""
    numbers: list[tuple[int, int]] = []
    for match in _ENUMERATOR.finditer(text):
        if int(match[1]) == len(numbers) + 1:
            numbers.append(match.span())
    return numbers if len(numbers) > 1 else []


def _begins_item(text: str, start: int) -> bool:
    """Whether what stands before the first enumerator is a sentence of its own, not "Plan: 1. ..."."""
    return text[:start].rstrip().endswith((".", "!", "?"))


def _next_start(text: str, match: "re.Match[str]", abbreviations: frozenset[str]) -> int | None:
    """Where the sentence after a mark begins, None if the mark ends none."""
    following = _NEXT.match(text, match.end())
    if following is None:
        is_inside = match.end() < len(text) and not text[match.end()].isspace()
        is_end = is_inside and (text[match.start()] in _WIDE_MARKS or _touches(text, match, abbreviations))
        return match.end() if is_end else None
    blanks = _BLANKS.match(text, match.end())
    start = blanks.end() if blanks else match.end()
    return start if _ends(text, match, following[1], abbreviations) else None


def _touches(text: str, match: "re.Match[str]", abbreviations: frozenset[str]) -> bool:
    """Whether a mark between two words without a blank ends a sentence: behind small letters and before a capital,
    where tokenizers split as well."""
    word = re.split("[.!?]", _word_before(text, match.start()))[-1]
    is_word = len(match[0]) == 1 and len(word) > 1 and word.isalpha() and word[-1].islower()
    following = _TOUCHING.match(text, match.end())
    return is_word and following is not None and _ends(text, match, following[0], abbreviations)


def _ends(text: str, match: "re.Match[str]", following: str, abbreviations: frozenset[str]) -> bool:
    marks, first = match[0], following[0]
    word = _word_before(text, match.start())
    if word == "" and marks == "?":  # a query, as in "? embolism", unless the text is cut into words
        return match.start() > 0 and following[:2].istitle() and following[1:2].islower()
    if "!" in marks or "?" in marks or any(mark in marks for mark in _WIDE_MARKS):
        return not (first.islower() and marks[-1] in ")]")
    if marks.startswith(".."):
        return first.isupper()
    return _full_stop_ends(text, match.start(), word, first, abbreviations)


def _full_stop_ends(text: str, at: int, word: str, following: str, abbreviations: frozenset[str]) -> bool:
    lower = word.lower().lstrip("([\"'")
    if lower in _NEVER_LAST:
        return False
    if lower in ("no", "nos") and following.isdigit():
        return False
    if word.isdigit() and at == len(word):  # "1. Aspirin" at the beginning of a line
        return False
    if len(word) == 1 and word.isalpha():  # an initial, unless it ends a phrase: "vitamin D."
        before = " ".join(text[max(0, at - 40) : at - 1].split()[-1:])
        return following.isupper() and not (word.isupper() and (before[:1].isupper() or before == ""))
    if _DOTTED.fullmatch(lower) or lower in _MAY_BE_LAST or lower in abbreviations:
        return following.isupper()
    if following.islower():
        return len(lower) > 2 and (lower.isalpha() or lower[-1] in ")%")
    return not (word and word[-1] in "=<>" and following.isdigit())


def _word_before(text: str, at: int) -> str:
    """The word that ends at an offset, empty behind a blank."""
    start = at
    while start > 0 and not text[start - 1].isspace() and at - start < 30:
        start -= 1
    return text[start:at]


def sentence_bounds_in(text: str, start: int, end: int, abbreviations: frozenset[str]) -> Iterator[tuple[int, int]]:
    """(start, end) of the sentences of ``text[start:end]``, without blanks at the ends."""
    stretch = text[start:end]
    starts = sentence_starts(stretch, abbreviations=abbreviations)
    for first, after in zip(starts, [*starts[1:], len(stretch)]):
        yield start + first, start + first + len(stretch[first:after].rstrip())
