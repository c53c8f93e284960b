"""From character offsets to tokens: spans, sentence starts, what a split keeps together."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ..annotations.groups import set_sentence_starts, trimmed
from .audit import CONTRACTED, EXPANDED, MERGED, Audit, Place
from .record import EXACT, RULE, Bounds

SpansByTokens = dict[tuple[int, int, int], Span]  # by start, end and label
_SPLIT_KEY = "medmtl_split_key"  # in doc.user_data, which is not written to the output


def token_span(
    doc: Doc,
    start: int,
    end: int,
    uses: Sequence[tuple[str, str]],
    audit: Audit,
    place: Place,
    *,
    is_mention: bool = True,
) -> Span | None:
    """The tokens of ``doc.text[start:end]``. ``uses`` are the (span group, label) that the span is for; the first one
    labels it. Without any nothing is listed: the span is one that was looked up, and listed, before.

    White space at the edges of a mention is left out, and listed as narrowed: no component could find it. Where an
    edge lies inside a token, ``audit.on_misaligned`` decides: ``expand`` widens the span to whole tokens,
    ``contract`` narrows it, either listed by the audit; ``error`` takes it for a loss.

    None (and a loss, MedmtlError E401 in stop mode) if the offsets are not inside the text, or by policy.
    """
    policy = audit.on_misaligned
    reason = "the offsets are outside the text"
    span = None
    length = doc[-1].idx + len(doc[-1].text_with_ws) if len(doc) else 0  # doc.text is made anew at every look
    if 0 <= start < end <= length:
        mode = "contract" if policy == "contract" else "expand"
        span = doc.char_span(start, end, label=uses[0][1] if uses else 0, alignment_mode=mode)
        is_misaligned = span is None or (span.start_char, span.end_char) != (start, end)
        if is_misaligned and policy == "error":
            reason, span = "an edge lies inside a token", None
        elif span is None and policy == "contract":
            reason = "no whole token lies between the offsets"
        if span is not None and is_mention:
            first, last = trimmed(doc, span.start, span.end)
            if first == last:
                reason, span = "there is nothing but white space", None
            elif (first, last) != (span.start, span.end):
                span = Span(doc, first, last, label=span.label)
    if span is None:
        for kind, label in uses:
            audit.dropped(place, kind, label, reason, (start, end))
    elif (span.start_char, span.end_char) != (start, end):
        is_narrower = start <= span.start_char and span.end_char <= end
        outcome = CONTRACTED if is_narrower else EXPANDED
        for kind, label in uses:
            audit.changed(outcome, place, kind, label, (start, end, span.start_char, span.end_char))
    return span


def add_unless_there(spans: SpansByTokens, span: Span, kind: str, audit: Audit, place: Place) -> bool:
    """Add ``span``, or tell the audit that the same tokens carry the same label already. Whether it was added."""
    if spans.setdefault((span.start, span.end, span.label), span) is not span:
        audit.changed(MERGED, place, kind, span.label_, (span.start_char, span.end_char))
        return False
    return True


class TokenOffsets:
    """Where the tokens of a Doc begin, to look up many offsets."""

    def __init__(self, doc: Doc) -> None:
        self.begins = doc.to_array("IDX").tolist() if len(doc) else []

    def at(self, offset: int) -> int:
        """The token that this character belongs to. A blank belongs to the token before it."""
        return bisect_right(self.begins, offset) - 1

    def bounds(self, start: int, end: int) -> Bounds:
        """The tokens of a stretch whose edges are those of sentences, blanks and line breaks at its end included."""
        return self.at(start), bisect_left(self.begins, end)


def sentence_starts(doc: Doc, given: Iterable[int], kind: str, whole: Iterable[Span], audit: Audit) -> None:
    """Set sentence starts: the ``given`` tokens and, by ``kind``, those that a rule finds; unless they are to be exact,
    none inside a ``whole`` span."""
    if kind == EXACT:
        set_sentence_starts(doc, given)
        return
    starts = set(given) | (starts_by_rule(doc) if kind == RULE else set())
    if starts:
        inside = {start for span in whole for start in range(span.start + 1, span.end)}
        audit.note("sentence boundaries removed inside a span", len(starts & inside))
        starts -= inside
    set_sentence_starts(doc, starts)


def starts_by_rule(doc: Doc) -> set[int]:
    """The tokens at which spaCy's sentencizer begins sentences."""
    return {token.i for token in _sentencizer()(doc) if token.is_sent_start}


@lru_cache(maxsize=1)
def _sentencizer() -> Sentencizer:
    return Sentencizer()


def keep_together(doc: Doc, key: str) -> None:
    """Docs with the same key go to the same side of a split."""
    doc.user_data[_SPLIT_KEY] = key


def split_key(doc: Doc) -> str:
    """The key that ``keep_together`` gave; the text of a Doc without one."""
    return str(doc.user_data[_SPLIT_KEY]) if _SPLIT_KEY in doc.user_data else doc.text
