"""Span groups that outlive retokenization.

``merge_entities``, or anything else that merges and splits tokens, moves no span of ``doc.spans`` along: their token
numbers are those of before, so that spaCy ends in E035 or, without a word, gives other words. The characters of a text
do not change, and a group notes those too. So a span is looked up by them where its tokens are others now: widened to
whole tokens, its values beside it. spaCy gives such groups up for plain ones where it copies or stores a Doc.
"""

import struct
from bisect import bisect_right
from typing import Any

import srsly
from spacy.tokens import Doc, Span, SpanGroup

SPAN = ">QQQllll"  # of spaCy's SpanGroup.to_bytes: id, kb_id, label, start, end, start_char, end_char
PLACES = "places"


class SteadySpans(SpanGroup):
    """A span group that is aligned with the tokens of its Doc whenever a span is read."""

    def __getitem__(self, i: int) -> Span:
        try:
            span = super().__getitem__(i)
        except IndexError:  # E035: there are fewer tokens now
            realign(self)
            return super().__getitem__(i)
        if not _fits(span):
            realign(self)
            return super().__getitem__(i)
        return span


def aligned_group(doc: Doc, key: str) -> SpanGroup | None:
    """``doc.spans[key]``, whoever made it, aligned with the tokens of the Doc; None where there is none."""
    group: SpanGroup | None = doc.spans.get(key)
    if group is not None and not isinstance(group, SteadySpans):
        try:
            is_aligned = all(map(_fits, group))
        except IndexError:
            is_aligned = False
        if not is_aligned:
            realign(group)
    return group


def realign(group: SpanGroup) -> None:
    """Give the spans of a group the tokens that hold their characters now, and ``attrs["places"]`` the characters of
    these."""
    message = srsly.msgpack_loads(group.to_bytes())
    tokens = list(group.doc)
    starts = [token.idx for token in tokens]
    moved: dict[tuple[Any, ...], list[Any]] = {}
    packed = []
    for data in message["spans"]:
        *names, _, _, start_char, end_char = struct.unpack(SPAN, data)
        start, end = 0, 0
        if start_char < end_char and tokens:
            start = max(0, bisect_right(starts, start_char) - 1)
            end = max(start, bisect_right(starts, end_char - 1) - 1) + 1
        first = tokens[start].idx if tokens else 0
        last = tokens[end - 1].idx + len(tokens[end - 1]) if end else first
        packed.append(struct.pack(SPAN, *names, start, end, first, last))
        moved[start_char, end_char] = [first, last]
    places = message["attrs"].get(PLACES)
    if places is not None:
        message["attrs"][PLACES] = [_moved(place, moved) for place in places] if isinstance(places, list) else places
    group.from_bytes(srsly.msgpack_dumps({**message, "spans": packed}))


def _moved(place: Any, moved: dict[tuple[Any, ...], list[Any]]) -> Any:
    """Where a place is now. Anybody may have written anything instead of one, which stays as it is."""
    return [*moved.get((place[0], place[1]), place[:2]), place[2]] if is_place(place) else place


def is_place(value: Any) -> bool:
    """Whether a value is (first character, end character, label)."""
    return isinstance(value, (list, tuple)) and [type(part) for part in value] == [int, int, str]


def _fits(span: Span) -> bool:
    """Whether a span's tokens have the characters that were noted for it."""
    doc = span.doc
    if span.start == span.end:
        return True
    last = doc[span.end - 1]
    return doc[span.start].idx == span.start_char and last.idx + len(last) == span.end_char
