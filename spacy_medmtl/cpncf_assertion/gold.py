"""Gold findings of a reference Doc: boundaries, type, status, and the modifiers that hold and that are judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import ANNOTATED_MODIFIERS, group_values
from ..encoder.head import aligned_bounds
from ..errors import MedmtlError


class GoldFinding(NamedTuple):
    """Tokens [start, end) of the predicted Doc, type, status, and of each modifier whether it holds."""

    start: int
    end: int
    label: str
    status: str
    modifiers: Sequence[bool]


@dataclass(frozen=True)
class SpanGold:
    """Per span: column of its status [n], modifiers that hold and those that are judged, bool [n, n_modifiers]."""

    statuses: numpy.ndarray
    modifiers: numpy.ndarray
    judged: numpy.ndarray


@dataclass(frozen=True)
class FindingGold:
    """Per token of all readings: tag column, -1 for no loss [n_tokens], and judged tags [n_tokens, n_tags]; and what is
    known of each span."""

    columns: numpy.ndarray
    allowed: numpy.ndarray
    spans: SpanGold


def read_gold(
    example: Example, key: str, *, name: str, statuses: Sequence[str], modifiers: Sequence[str]
) -> list[GoldFinding]:
    """The gold findings on token borders of the predicted Doc, of an annotated example.

    name: the component, for errors. Raises MedmtlError E203 on an unknown status, E104 where there are findings without
    one, or with modifiers for some findings only.
    """
    reference = example.reference
    values, spans = group_values(reference, key, "assertion"), list(reference.spans[key])
    if len(values) != len(spans):
        raise MedmtlError("E104", name="assertion", key=key, received=len(values), expected=len(spans))
    held = group_values(reference, key, "assertion_modifiers") or [()] * len(spans)
    found: list[GoldFinding] = []
    aligned = aligned_bounds(example, [(span.start, span.end) for span in spans])
    for bounds, span, status, names in zip(aligned, spans, values, held):
        if status not in statuses:
            raise MedmtlError("E203", setting="assertion", name=name, received=status, expected=list(statuses))
        if bounds is not None:
            found.append(GoldFinding(*bounds, span.label_, str(status), [one in names for one in modifiers]))
    return found


def judged_modifiers(doc: Doc, key: str, modifiers: Sequence[str]) -> list[bool]:
    """Which modifiers are judged at all in a gold group with findings."""
    annotated = doc.spans[key].attrs.get(ANNOTATED_MODIFIERS)
    is_annotated = bool(group_values(doc, key, "assertion_modifiers"))
    return [is_annotated and (annotated is None or name in annotated) for name in modifiers]


def stack_spans(
    statuses: Sequence[int], held: Sequence[Sequence[bool]], judged: Sequence[Sequence[bool]], n_modifiers: int
) -> SpanGold:
    """One row per span, of lists of equal length."""
    rows = [numpy.asarray(part, dtype=bool).reshape(len(statuses), n_modifiers) for part in (held, judged)]
    return SpanGold(numpy.asarray(statuses, dtype=int), *rows)
