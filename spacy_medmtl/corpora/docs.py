"""From character offsets to reference Docs: spans on whole tokens, sentence starts, what a split keeps together."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy
from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc, Span

from ..annotations.pairs import pair_doc, segment_bounds
from ..annotations.relations import JudgedPair, write_relations
from ..errors import MedmtlError
from .audit import Audit, Place
from .retokenize import unsplit

Spans = dict[tuple[int, int, int], Span]  # by start, end and label
_SPLIT_KEY = "medmtl_split_key"  # in doc.user_data, which is not written to the output


def token_span(
    doc: Doc, start: int, end: int, uses: Sequence[tuple[str, str]], audit: Audit, place: Place
) -> Span | None:
    """The tokens of ``doc.text[start:end]``. ``uses`` are the (span group, label) that the span is for; the first one
    labels it. Without any nothing is listed: the span is one that was looked up, and listed, before.

    Where an edge lies inside a token, ``audit.on_misaligned`` decides: ``expand`` widens the span to whole tokens,
    ``contract`` narrows it, either listed by the audit; ``error`` takes it for a loss; ``retokenize`` tells the audit
    where the token must be split when the text is read again (see ``retokenize``), and widens until then.

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
        elif is_misaligned and policy == "retokenize":
            audit.edges.add(doc.text, start, end)
    if span is None:
        for kind, label in uses:
            audit.dropped(place, kind, label, reason, (start, end))
    elif (span.start_char, span.end_char) != (start, end):
        moved = audit.contracted if policy == "contract" else audit.expanded
        for kind, label in uses:
            moved(place, kind, label, (start, end, span.start_char, span.end_char))
    return span


def add_unless_there(spans: Spans, span: Span, kind: str, audit: Audit, place: Place) -> bool:
    """Add ``span``, or tell the audit that the same tokens carry the same label already. Whether it was added."""
    if spans.setdefault((span.start, span.end, span.label), span) is not span:
        audit.merged(place, kind, span.label_, (span.start_char, span.end_char))
        return False
    return True


def set_sentence_starts(doc: Doc, starts: Iterable[int]) -> None:
    """Make exactly these tokens (and the first) begin sentences. At once: the setter of a token looks at all tokens."""
    chosen = {0, *starts}
    values = numpy.array([1 if token in chosen else -1 for token in range(len(doc))], dtype=numpy.int64)
    doc.from_array(["SENT_START"], values.astype(numpy.uint64))  # type: ignore[arg-type]


def tokens_at(doc: Doc, offsets: Iterable[int]) -> list[int]:
    """The tokens that these characters belong to. A blank belongs to the token before it."""
    begins = [token.idx for token in doc]
    return [bisect_right(begins, offset) - 1 for offset in offsets]


def split_sentences(
    doc: Doc, audit: Audit, *, given: Iterable[int] = (), whole: Iterable[Span] = (), by_rule: bool = True
) -> None:
    """Set sentence starts by rule (or not ``by_rule``), plus the ``given`` tokens, and none inside a ``whole`` span."""
    starts = (_starts_by_rule(doc) if by_rule else set()) | set(given)
    inside = {start for span in whole for start in range(span.start + 1, span.end)}
    audit.note("sentence boundaries removed inside a span", len(starts & inside))
    set_sentence_starts(doc, starts - inside)


def _starts_by_rule(doc: Doc) -> set[int]:
    """Those of the tokens before any was split for a gold edge, so that no boundary depends on the gold."""
    whole, first_of = unsplit(doc)
    return {first_of[token.i] for token in Sentencizer()(whole) if token.is_sent_start}


def judged_pair_doc(
    nlp: Language, first: str, second: str, label: str | None, audit: Audit, place: Place, *, by_rule: bool
) -> Doc | None:
    """A Doc of two segments, judged as one pair: ``label``, or no relation if it is None; score 1 or 0.

    Nothing but relations is annotated on it. ``by_rule``: the segments may hold several sentences. None (and a loss,
    MedmtlError E401 in stop mode) if the texts do not give two segments.
    """
    try:
        doc = pair_doc(nlp, first, second)
    except MedmtlError:
        audit.dropped(place, "document", label or "", "the segment separator U+241E stands in a text")
        return None
    bounds = segment_bounds(doc)
    if len(bounds) != 2:
        audit.dropped(place, "document", label or "", "one of the two texts is empty")
        return None
    head, tail = bounds
    inner = _starts_by_rule(doc) - {head[1]} if by_rule else set()  # the separator ends the first segment
    set_sentence_starts(doc, {tail[0], *inner})
    write_relations(doc, [JudgedPair(head, tail, (label,) if label else (), 1.0 if label else 0.0)])
    return doc


def keep_together(doc: Doc, key: str) -> None:
    """Docs with the same key go to the same side of a split."""
    doc.user_data[_SPLIT_KEY] = key


def split_key(doc: Doc) -> str:
    """The key that ``keep_together`` gave; the text of a Doc without one."""
    return str(doc.user_data.get(_SPLIT_KEY, doc.text))
