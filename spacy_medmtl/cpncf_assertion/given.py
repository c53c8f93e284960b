"""Spans that somebody else marked, for ``cpncf_assertion`` to judge: where they are looked for, which are given, and
what stands where they and its own findings overlap."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from spacy.tokens import Doc

from ..annotations.groups import covered_tokens, entity_spans
from ..kinds import is_name, is_names
from .tags import Finding

Sources = Mapping[str, Sequence[str] | None]  # key of a span group, or "ents" -> labels that are given; None: all
KEEP, FOUND, GIVEN_FIRST = CONFLICTS = ("keep", "found", "given")


def is_given(value: Any) -> bool:
    """Whether the setting ``given`` takes a value: names, or for each name a list of labels (null: all labels)."""
    if not isinstance(value, Mapping):
        return is_names(value)
    return all(map(is_name, value)) and all(labels is None or is_names(labels, at_least=1) for labels in value.values())


def sources_of(given: Sequence[str] | Sources) -> Sources:
    """The setting ``given`` in its long form."""
    return given if isinstance(given, Mapping) else dict.fromkeys(given)


def given_spans(doc: Doc, sources: Sources) -> list[Finding]:
    """Given spans in the order of their sources, each once, without white space at their ends. Blank ones say nothing
    and are left out."""
    places = dict.fromkeys(
        place
        for key, labels in sources.items()
        for place in entity_spans(doc, key)
        if labels is None or place[2] in labels
    )
    return [Finding(*place) for place in places]


def settled(
    doc: Doc, detected: Sequence[Finding], given: Sequence[Finding], sources: Sources, conflicts: str
) -> list[Finding]:
    """What stands of findings that were found and of spans that were given: first of the ones, then of the others. A
    given span with the boundaries and the label of a found finding is that finding.

    conflicts: where two others overlap, ``keep`` both; or ``found``: the given one goes; or ``given``: the found one
    goes, and so does a found one with the boundaries of a span in the sources whose label is not given: somebody says
    that it is something else.
    """
    # said by both sides: what was found has a detection, so that one stays
    both = set(map(_place, detected)) & set(map(_place, given))
    given = [finding for finding in given if _place(finding) not in both]
    if conflicts == GIVEN_FIRST:
        covered = covered_tokens(len(doc), [(finding.start, finding.end) for finding in given])
        source_places = {place[:2] for key in sources for place in entity_spans(doc, key)}
        detected = [
            finding
            for finding in detected
            if _place(finding) in both or not (_overlaps(finding, covered) or _place(finding)[:2] in source_places)
        ]
    elif conflicts == FOUND:
        covered = covered_tokens(len(doc), [(finding.start, finding.end) for finding in detected])
        given = [finding for finding in given if not _overlaps(finding, covered)]
    return [*detected, *given]


def _place(finding: Finding) -> tuple[int, int, str]:
    return finding.start, finding.end, finding.label


def _overlaps(finding: Finding, covered: numpy.ndarray) -> bool:
    return bool(covered[finding.start : finding.end].any())
