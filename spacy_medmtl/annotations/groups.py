"""Span groups with one value per span, and the difference between *absent* and *empty*.

No group under a key means *not annotated*: no loss, no score. An empty group means *annotated, nothing there*.
``attrs["annotated_labels"]`` narrows that to some labels: the others are as if absent.
Values live in ``SpanGroup.attrs`` because it survives ``DocBin``, ``Doc.copy`` and ``n_process > 1``, and because it
tells two spans with equal boundaries apart; ``span._.x`` data does neither.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, TypeVar

import numpy
from spacy.attrs import ORTH
from spacy.strings import get_string_id
from spacy.tokens import Doc, Span, SpanGroup

from ..errors import MedmtlError
from .blanks import is_blank
from .steady import Bounds, SteadySpans, aligned_group
from .travelling import ANYTHING, VALUES, value_of

Placed = TypeVar("Placed", bound=tuple[Any, ...])  # begins with start and end
INTENTS = "medmtl_intents"
RELATIONS = "medmtl_relations"
ENTITIES = "medmtl_ner"
ENTS = "ents"  # instead of the key of a group: doc.ents
FINDINGS = "medmtl_findings"
TURNS = "medmtl_turns"
SEPARATOR = "\u241e"  # the token between the two texts of a Doc that ``pair_doc`` made
SECTIONS = "medmtl_sections"
GIVEN = "medmtl_given"  # findings that somebody else marked, for cpncf_assertion to judge
ANNOTATED_LABELS = "annotated_labels"
TYPE_SEPARATOR = "$"  # of a label that is kept apart by corpus, "bc5cdr$Disease"
ANNOTATED_MODIFIERS = "annotated_modifiers"  # of findings: those that a corpus judged; absent: all
GIVEN_SPANS_ONLY = "given_spans_only"  # only the spans in the group were judged, not what lies between them


def write_group(doc: Doc, key: str, spans: Iterable[Span], **values: Sequence[Any]) -> SpanGroup:
    """Put ``spans`` under ``doc.spans[key]`` with one entry of each of ``values`` per span, replacing what was there.

    Raises MedmtlError E104 where the lengths differ.
    """
    group = SteadySpans(doc, name=key, spans=list(spans))
    for name, entries in values.items():
        if len(entries) != len(group):
            raise MedmtlError("E104", name=name, key=key, received=len(entries), expected=len(group))
        group.attrs[name] = list(entries)
    doc.spans[key] = group
    return doc.spans[key]


def is_annotated(doc: Doc, key: str) -> bool:
    """Whether anybody looked at ``doc`` for what is kept under ``key``."""
    return key in doc.spans


def annotated_labels(doc: Doc, key: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of a component's ``labels`` that ``doc`` is annotated with under ``key``; all unless it says less."""
    if not is_annotated(doc, key):
        return ()
    return tuple(filter(judges(doc, key), labels))


def judges(doc: Doc, key: str) -> Callable[[str], bool]:
    """Whether an annotated ``doc`` was judged for a label: any label, unless ``annotated_labels`` names them. Raises
    MedmtlError E105 where that is no list."""
    declared = doc.spans[key].attrs.get(ANNOTATED_LABELS)
    if declared is not None and not isinstance(declared, (list, tuple)):
        received = type(declared).__name__
        raise MedmtlError("E105", name=ANNOTATED_LABELS, key=key, received=received, expected="a list of labels")
    return lambda label: declared is None or label in declared


def merged_type(label: str) -> str:
    """A label without the corpus that it is kept apart for."""
    return label.rpartition(TYPE_SEPARATOR)[2]


def group_values(doc: Doc, key: str, name: str) -> list[Any]:
    """``attrs[name]`` of a group, checked to have one entry per span; empty if the group or the attr is absent. Where a
    component wrote the group, and spaCy has dropped the attr since, what it noted of all spans.

    Raises MedmtlError E104 for more or fewer entries than spans, E105 for entries that are no such values.
    """
    if key not in doc.spans:
        return []
    group, kind = doc.spans[key], VALUES.get(name, ANYTHING)
    entries = group.attrs.get(name, ())
    if isinstance(entries, (list, tuple)) and len(entries) != len(group):
        # up to the first that is unknown: looking for one goes over all that is noted in the Doc
        values = (value_of(doc, key, number, name) for number in range(len(group)))
        noted = list(takewhile(lambda value: value is not None, values))
        if len(noted) == len(group):
            return noted
    if name not in group.attrs:
        return []
    if not isinstance(entries, (list, tuple)):
        raise MedmtlError("E105", name=name, key=key, received=type(entries).__name__, expected="a list")
    if len(entries) != len(group):
        raise MedmtlError("E104", name=name, key=key, received=len(entries), expected=len(group))
    for entry in entries:
        if entry is not None and not kind.is_valid(entry):
            raise MedmtlError("E105", name=name, key=key, received=type(entry).__name__, expected=kind.expected)
    return list(entries)


def entity_spans(doc: Doc, key: str) -> list[tuple[int, int, str]]:
    """(start, end, label) of the entities under ``doc.spans[key]``, none if it is absent; ``ents``: of ``doc.ents``.
    White space at the ends is no part of them, and what is nothing else is none."""
    spans = doc.ents if key == ENTS else aligned_group(doc, key) or ()
    entities = [(*trimmed(doc, span.start, span.end), span.label_) for span in spans]
    return [(start, end, label) for start, end, label in entities if start < end]


def entity_types(doc: Doc, key: str) -> dict[Bounds, str]:
    """The label of the entities with these bounds; of several labels the first in alphabetical order."""
    return {(start, end): label for start, end, label in sorted(entity_spans(doc, key), reverse=True)}


def trimmed(doc: Doc, start: int, end: int) -> Bounds:
    """Token bounds without blank tokens at either end. Where sentences part at line breaks, the break is no
    part of what anybody annotates."""
    while start < end and is_blank(doc[start]):
        start += 1
    while end > start and is_blank(doc[end - 1]):
        end -= 1
    return start, end


def is_untrimmed(span: Span) -> bool:
    """Whether a span of words begins or ends with white space; one of nothing else, or of nothing, is none."""
    start, end = trimmed(span.doc, span.start, span.end)
    return start < end and (start, end) != (span.start, span.end)


def word_offsets(doc: Doc, start: int, end: int) -> numpy.ndarray:
    """Offsets of the tokens in [start, end) that are words: what is blank is none."""
    return numpy.asarray([i for i in range(start, end) if not is_blank(doc[i])], dtype="int64")


def covered_tokens(n_tokens: int, places: Iterable[Bounds]) -> numpy.ndarray:
    """Bool [n_tokens]: which tokens belong to any of the places [start, end)."""
    covered = numpy.zeros(n_tokens, dtype=bool)
    for start, end in places:
        covered[start:end] = True
    return covered


def within(places: Iterable[Bounds], spans: Iterable[Placed]) -> list[list[Placed]]:
    """For each of the places [start, end), which do not contain one another, the spans (start, end, ...) of which all
    lies in it, in the order of their starts."""
    # not every span with every place, as a long text may have thousands of both
    spans = sorted(spans, key=lambda span: (span[0], span[1]))
    starts = [span[0] for span in spans]
    return [
        [span for span in spans[bisect_left(starts, start) : bisect_left(starts, end)] if span[1] <= end]
        for start, end in places
    ]


def joined_bounds(bounds: Iterable[Bounds], n_tokens: int) -> list[Bounds]:
    """Neighbours of sorted bounds made one, from the left, while one has no more than ``n_tokens``."""
    joined: list[Bounds] = []
    for start, end in bounds:
        if joined and end - joined[-1][0] <= n_tokens:
            start = joined.pop()[0]
        joined.append((start, end))
    return joined


def sentence_bounds(doc: Doc) -> list[Bounds]:
    """(start, end) token offsets of the sentences, trimmed, blank ones left out; the whole Doc where boundaries are not
    set. The two texts of a pair have no sentence in common."""
    has_sentences = doc.has_annotation("SENT_START")
    bounds = [(sent.start, sent.end) for sent in doc.sents] if has_sentences else [(0, len(doc))]
    separators = numpy.flatnonzero(doc.to_array(ORTH) == get_string_id(SEPARATOR)).tolist()
    if separators:
        bounds = [part for start, end in bounds for part in _parted(separators, start, end)]
    return [(start, end) for start, end in (trimmed(doc, *pair) for pair in bounds) if start < end]


def set_sentence_starts(doc: Doc, starts: Iterable[int]) -> None:
    """Make exactly these tokens (and the first) begin sentences. At once: the setter of a token looks at all tokens."""
    values = numpy.full(len(doc), -1, dtype=numpy.int64)
    values[[start for start in (0, *starts) if 0 <= start < len(doc)]] = 1
    doc.from_array(["SENT_START"], values.astype(numpy.uint64))  # type: ignore[arg-type]  # takes one dimension too


def _parted(separators: Sequence[int], start: int, end: int) -> list[Bounds]:
    """Token bounds without the separators between two texts."""
    at = [i for i in separators if start <= i < end]
    return list(zip([start, *(i + 1 for i in at)], [*at, end]))
