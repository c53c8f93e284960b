"""Entities of a reference Doc, from mentions with character offsets."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from spacy.tokens import Doc, Span

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, write_group
from .audit import Audit, Place
from .docs import Spans, add_unless_there, token_span
from .formats.mention import COVERED, Mention

AnyMention = TypeVar("AnyMention", bound=Mention)


def write_mentions(
    doc: Doc, mentions: Sequence[AnyMention], labels: Mapping[str, str], audit: Audit
) -> list[AnyMention]:
    """Annotate ``doc`` with mentions of its text, and return those that became spans, in the order of the spans.

    ``labels``: a type of the file -> its label. A mention of another type or outside the text is a loss (MedmtlError
    E401 in stop mode); the audit lists what was widened to whole tokens, and what then equals another span.
    """
    spans: Spans = {}
    written: list[AnyMention] = []
    for mention in mentions:
        if mention.label not in labels:
            drop_unknown(mention.place, labels, audit)
            continue
        uses = [(ENTITIES, labels[mention.label])]
        span = token_span(doc, mention.start, mention.end, uses, audit, mention.place)
        if span is not None and mention.is_covered:
            audit.reshaped(mention.place, ENTITIES, labels[mention.label], COVERED, (mention.start, mention.end))
        if span is not None and add_unless_there(spans, span, ENTITIES, audit, mention.place):
            written.append(mention)
    write_entities(doc, list(spans.values()), labels)
    return written


def write_entities(doc: Doc, spans: Sequence[Span], labels: Mapping[str, str]) -> None:
    """Write the spans, and that these labels and no others were annotated, so that corpora can be mixed."""
    group = write_group(doc, ENTITIES, spans)
    group.attrs[ANNOTATED_LABELS] = sorted(set(labels.values()))


def drop_unknown(place: Place, labels: Mapping[str, str], audit: Audit) -> None:
    """A mention whose type has no label is a loss. The type is not named: in a damaged file it may be text."""
    audit.dropped(place, ENTITIES, "", f"an unknown label: expected {' or '.join(labels)}")
