"""Gold findings of a reference Doc: boundaries, type, status, and the modifiers that hold and that are judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import ANNOTATED_MODIFIERS, group_values, within
from ..errors import MedmtlError
from ..heads.alignment import aligned_bounds, aligned_sentences
from ..heads.outputs import UnitLabels
from .tags import outermost


class GoldFinding(NamedTuple):
    """Tokens [start, end) of the predicted Doc, type, status, and of each modifier whether it holds."""

    start: int
    end: int
    label: str
    status: str
    modifiers: Sequence[bool]


@dataclass(frozen=True)
class FindingGold:
    """Gold for the three outputs: tags of all tokens that are read (none where there is no loss), statuses and
    modifiers of spans."""

    tags: UnitLabels
    statuses: UnitLabels
    modifiers: UnitLabels


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
    findings: list[GoldFinding] = []
    aligned = aligned_bounds(example, [(span.start, span.end) for span in spans])
    for bounds, span, status, names in zip(aligned, spans, values, held):
        if status not in statuses:
            raise MedmtlError(
                "E203", setting="assertion", name=name, received=status, expected=f"one of {list(statuses)}"
            )
        if bounds is not None:
            holds = [modifier in names for modifier in modifiers]
            findings.append(GoldFinding(*bounds, span.label_, str(status), holds))
    return findings


def unusable_findings(example: Example, findings: Sequence[GoldFinding]) -> Iterator[str]:
    """A reason for each gold finding that tags cannot express: they are written sentence by sentence, one a token."""
    yield from ["overlaps another finding"] * outermost([finding[:4] for finding in findings])[1]
    places = [(finding.start, finding.end) for finding in findings]
    inside = {place for members in within(aligned_sentences(example), places) for place in members}
    yield from ["crosses a sentence border"] * sum(place not in inside for place in places)


def judged_modifiers(doc: Doc, key: str, modifiers: Sequence[str]) -> list[bool]:
    """Which modifiers are judged at all in a gold group with findings."""
    annotated = doc.spans[key].attrs.get(ANNOTATED_MODIFIERS)
    is_annotated = bool(group_values(doc, key, "assertion_modifiers"))
    return [is_annotated and (annotated is None or name in annotated) for name in modifiers]
