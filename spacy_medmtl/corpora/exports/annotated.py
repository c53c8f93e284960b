"""What the export formats share: the spans of a Doc with what is said about them, and what none of them can hold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from ...annotations.groups import (
    ANNOTATED_LABELS,
    ENTITIES,
    FINDINGS,
    GIVEN_SPANS_ONLY,
    INTENTS,
    RELATIONS,
    group_values,
)

Told = Counter  # what a format cannot hold -> how often


@dataclass(frozen=True)
class Marked:
    """An entity, or a finding with its status ("" if it has none) and modifiers."""

    span: Span
    key: str
    status: str = ""
    modifiers: tuple[str, ...] = ()


def marked_spans(doc: Doc) -> Iterator[Marked]:
    """The entities of a Doc, then its findings. Raises MedmtlError E104 for a damaged group."""
    yield from (Marked(span, ENTITIES) for span in doc.spans.get(ENTITIES, ()))
    findings = list(doc.spans.get(FINDINGS, ()))
    statuses = group_values(doc, FINDINGS, "assertion") or [""] * len(findings)
    modifiers = group_values(doc, FINDINGS, "assertion_modifiers") or [()] * len(findings)
    for span, status, held in zip(findings, statuses, modifiers, strict=True):
        yield Marked(span, FINDINGS, status, tuple(held))


def labels_of(doc: Doc, key: str) -> list[str]:
    """The labels that a Doc has or was judged for under a key."""
    if key not in doc.spans:
        return []
    return [*doc.spans[key].attrs.get(ANNOTATED_LABELS, ()), *(span.label_ for span in doc.spans[key])]


def tell_what_no_format_holds(doc: Doc, told: "Told[str]") -> None:
    """Count what all of the formats leave out."""
    for key, group in doc.spans.items():
        if key not in (ENTITIES, FINDINGS, RELATIONS, INTENTS):
            told[f"spans of the group {key}"] += len(group)
        if key in (ENTITIES, FINDINGS, INTENTS) and "scores" in group.attrs:
            told[f"scores of {key}"] += len(group)
        if group.attrs.get(GIVEN_SPANS_ONLY):
            told["documents in which only the given spans were judged, which is not said any more"] += 1
