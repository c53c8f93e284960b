"""Findings of a reference Doc, from mentions with character offsets and a status."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc, Span, SpanGroup

from ..annotations.groups import ANNOTATED_LABELS, ANNOTATED_MODIFIERS, FINDINGS, write_group
from .audit import Audit
from .docs import token_span
from .formats.mention import COVERED, Mention

LABEL = "Finding"


@dataclass(frozen=True)
class FindingMention(Mention):
    """A finding with its status (positive, negative or unknown) and the modifiers that hold."""

    status: str
    modifiers: tuple[str, ...] = ()


def write_findings(
    doc: Doc, findings: Iterable[FindingMention], audit: Audit, *, labels: Sequence[str], modifiers: Sequence[str]
) -> SpanGroup:
    """Annotate ``doc`` with findings of its text, and declare which labels and modifiers the corpus judged.

    A mention outside the text is a loss, and so is one of tokens that carry the same label with another status or
    other modifiers already (MedmtlError E401 in stop mode). The audit lists what was widened to whole tokens, and what
    then equals another finding.
    """
    written: dict[tuple[int, int, str], FindingMention] = {}
    for finding in findings:
        place, offsets = finding.place, (finding.start, finding.end)
        span = token_span(doc, *offsets, [(FINDINGS, finding.label)], audit, place)
        if span is None:
            continue
        if finding.is_covered:
            audit.reshaped(place, FINDINGS, finding.label, COVERED, offsets)
        first = written.setdefault((span.start, span.end, finding.label), finding)
        if (first.status, first.modifiers) != (finding.status, finding.modifiers):
            reason = "the same tokens carry another status or other modifiers already"
            audit.dropped(place, FINDINGS, finding.label, reason, offsets)
        elif first is not finding:
            audit.merged(place, FINDINGS, finding.label, (span.start_char, span.end_char))
    group = write_group(
        doc,
        FINDINGS,
        [Span(doc, *key) for key in written],
        assertion=[finding.status for finding in written.values()],
        assertion_modifiers=[list(finding.modifiers) for finding in written.values()],
    )
    group.attrs[ANNOTATED_LABELS] = list(labels)
    group.attrs[ANNOTATED_MODIFIERS] = list(modifiers)
    return group
