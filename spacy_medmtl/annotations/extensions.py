"""User-facing extensions: getters over span groups, so that they cannot disagree with them and need no storage.

``span._.intent``, ``span._.assertion``, ``span._.is_negated``, ``doc._.relations``. They read the default keys
(``medmtl_intents``, ``medmtl_findings``, ``medmtl_relations``); with other keys, read the span group itself.
"""

from typing import List, Optional

from spacy.tokens import Doc, Span

from .groups import FINDINGS, INTENTS, group_values, trimmed
from .relations import Relation, read_relations


def get_intent(span: Span) -> Optional[str]:
    """The most probable intent of the unit with these boundaries (white space at the ends apart), or None."""
    scores = group_values(span.doc, INTENTS, "scores")
    best: Optional[str] = None
    best_score = -1.0
    bounds = trimmed(span.doc, span.start, span.end)
    for i, unit in enumerate(span.doc.spans.get(INTENTS, [])):
        score = scores[i] if scores else 1.0
        if trimmed(span.doc, unit.start, unit.end) == bounds and score > best_score:
            best, best_score = unit.label_, score
    return best


def get_assertion(span: Span) -> Optional[str]:
    """The status of the finding with these boundaries (the same label first, if there are several), or None."""
    statuses = group_values(span.doc, FINDINGS, "assertion")
    found: Optional[str] = None
    for finding, status in zip(span.doc.spans.get(FINDINGS, []), statuses):
        if (finding.start, finding.end) == (span.start, span.end):
            if finding.label == span.label:
                return str(status)
            found = found or str(status)
    return found


def get_is_negated(span: Span) -> Optional[bool]:
    """Whether the finding with these boundaries is negative; None where there is no finding."""
    status = get_assertion(span)
    return None if status is None else status == "negative"


def get_relations(doc: Doc) -> List[Relation]:
    """All relations that hold in the Doc."""
    return read_relations(doc)


def install_extensions() -> None:
    """Register the getters. A name that somebody else registered is left as it is."""
    for name, getter in (("intent", get_intent), ("assertion", get_assertion), ("is_negated", get_is_negated)):
        if not Span.has_extension(name):
            Span.set_extension(name, getter=getter)
    if not Doc.has_extension("relations"):
        Doc.set_extension("relations", getter=get_relations)
