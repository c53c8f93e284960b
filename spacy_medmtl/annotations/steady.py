"""Span groups that outlive retokenization.

``merge_entities``, or anything else that merges and splits tokens, moves no span of ``doc.spans`` along: their token
numbers are those of before, so that spaCy ends in E035 or, without a word, gives other words. The characters of a text
do not change, and a group notes those too. So a span is looked up by them where its tokens are others now: widened to
whole tokens, its values beside it. spaCy gives such groups up for plain ones where it copies or stores a Doc.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import srsly
from spacy.attrs import IDX
from spacy.tokens import Doc, Span, SpanGroup

SPAN = ">QQQllll"  # of spaCy's SpanGroup.to_bytes: id, kb_id, label, start, end, start_char, end_char
PLACES = "places"
Bounds = tuple[int, int]  # tokens [start, end) of a Doc


class SteadySpans(SpanGroup):
    """A span group that is aligned with the tokens of its Doc whenever a span is read."""

    # where the tokens of the Doc begin, and the numbers of the spans by their trimmed bounds; None: not known
    _looked_up: tuple[bytes, dict[Bounds, list[int]]] | None = None

    def numbers_at(self, bounds: Bounds, trim: Callable[[Doc, int, int], Bounds]) -> list[int]:
        """The numbers of the spans with these trimmed bounds, found without going over all spans each time."""
        tokens = self.doc.to_array([IDX]).tobytes()
        if self._looked_up is None or self._looked_up[0] != tokens:
            if not _is_aligned(self):
                realign(self)
            numbers: dict[Bounds, list[int]] = {}
            for number in range(len(self)):
                span = self[number]
                numbers.setdefault(trim(self.doc, span.start, span.end), []).append(number)
            self._looked_up = tokens, numbers
        return self._looked_up[1].get(bounds, [])

    def append(self, span: Span) -> None:
        """Add a span at the end."""
        self._looked_up = None
        super().append(span)

    def extend(self, spans: SpanGroup | Iterable[Span]) -> None:
        """Add spans at the end."""
        self._looked_up = None
        super().extend(spans)

    def __iadd__(self, spans: SpanGroup | Iterable[Span]) -> SpanGroup:
        self._looked_up = None
        return super().__iadd__(spans)  # type: ignore[misc]

    def __setitem__(self, i: int, span: Span) -> None:
        self._looked_up = None
        super().__setitem__(i, span)  # type: ignore[misc]

    def from_bytes(self, bytes_data: bytes) -> SpanGroup:
        """What ``to_bytes`` gave, in place of what is there."""
        self._looked_up = None
        return super().from_bytes(bytes_data)

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

    def __iter__(self) -> Iterator[Span]:
        """The spans in turn. Who keeps some of them, or joins the Doc with others, reads them all first."""
        note_edits(self)
        for number in range(len(self)):
            yield self[number]

    def __delitem__(self, i: int) -> None:
        """Take out a span and its entries. spaCy's own takes out the one before it (3.8.18, its issue 13638)."""
        number, n_spans = range(len(self))[i], len(self)
        message = srsly.msgpack_loads(super().to_bytes())
        message["spans"].pop(number)
        for entries in message["attrs"].values():
            if isinstance(entries, list) and len(entries) == n_spans:
                entries.pop(number)
        self.from_bytes(srsly.msgpack_dumps(message))

    def to_bytes(self) -> bytes:
        """As it is stored: with the tokens of now."""
        if not _is_aligned(self):
            realign(self)
        return bytes(super().to_bytes())


def aligned_group(doc: Doc, key: str) -> SpanGroup | None:
    """``doc.spans[key]``, whoever made it, aligned with the tokens of the Doc; None where there is none."""
    group: SpanGroup | None = doc.spans.get(key)
    if group is not None and not isinstance(group, SteadySpans) and not _is_aligned(group):
        realign(group)
    return group


def _is_aligned(group: SpanGroup) -> bool:
    """Whether all spans, as spaCy reads them, have the characters that were noted for them."""
    try:
        return all(_fits(SpanGroup.__getitem__(group, number)) for number in range(len(group)))
    except IndexError:
        return False


def realign(group: SpanGroup) -> None:
    """Give the spans of a group the tokens that hold their characters now, and ``attrs["places"]`` the characters of
    these."""
    message = srsly.msgpack_loads(SpanGroup.to_bytes(group))
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


def data_key(key: str, start_char: int, end_char: int) -> Any:
    """Where values of a span are noted in ``Doc.user_data``: as spaCy would keep ``span._.<key>``."""
    return "._.", key, start_char, end_char


def note_edits(group: SpanGroup) -> None:
    """Note the values that somebody has changed in the lists of ``group.attrs``, in whose place spaCy may leave nothing
    but what is noted (``travelling.py``): that is to be the correction, and not what was corrected."""
    places, notes = group.attrs.get(PLACES), group.doc.user_data
    if not isinstance(places, list) or not all(map(is_place, places)):
        return
    for number, (start, end, label) in enumerate(places):
        noted = notes.get(data_key(group.name, start, end))
        values = noted.get(label) if isinstance(noted, dict) else None
        if not isinstance(values, dict):
            continue
        for name in values:
            entries = group.attrs.get(name)
            if isinstance(entries, list) and len(entries) == len(places) and _is_edited(entries[number], values[name]):
                values[name] = entries[number]


def _is_edited(entry: Any, noted: Any) -> bool:
    """Whether an entry is another value of the same kind, or was made unknown. What is anything else is no value."""
    return bool(entry != noted and (entry is None or type(entry) is type(noted)))


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
