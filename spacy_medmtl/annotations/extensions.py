"""User-facing extensions: getters over span groups, so that they cannot disagree with them and need no storage.

``span._.intent``, ``span._.assertion``, ``span._.assertion_scores``, ``span._.is_positive``, ``is_negated``,
``is_uncertain``, ``is_hypothetical``, ``is_historical``, ``is_family``, ``doc._.relations``. They read the default keys
(``medmtl_intents``, ``medmtl_findings``, ``medmtl_relations``); with other keys, read the span group itself.

A status that is assigned to ``span._.assertion`` is written into the group. Other tools use some of these names and
*assign* to them (medspaCy: ``is_negated``). Where ours were there first, what is assigned is kept and given back for
spans of which our components say nothing; where they say otherwise, there is warning W207.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from spacy.tokens import Doc, Span

from ..errors import warn
from .groups import FINDINGS, INTENTS, trimmed
from .relations import Relation, read_relations
from .steady import SteadySpans, aligned_group, data_key
from .travelling import set_value, value_of


def get_intent(span: Span) -> str | None:
    """The most probable intent of the unit with these boundaries (white space at the ends apart), or None."""
    scores = {
        unit.label_: value_of(span.doc, INTENTS, number, "scores") for number, unit in _with_bounds(span, INTENTS)
    }
    known = {label: score for label, score in scores.items() if score is not None}
    if not known:  # as in gold, where all of them hold
        return next(iter(scores), None)
    # where only some have one, nothing says which is the most probable
    return max(known, key=known.__getitem__) if len(known) == len(scores) else None


def finding_value(span: Span, name: str) -> Any:
    """``attrs[name]`` of the finding with these boundaries (the same label first, if there are several), or None where
    there is none, or it is not known, or the same finding stands there twice and has two values."""
    findings = _with_bounds(span, FINDINGS)
    findings.sort(key=lambda pair: pair[1].label != span.label)
    # the same finding twice may contradict itself
    same = [number for number, finding in findings if finding.label == findings[0][1].label]
    values = [value_of(span.doc, FINDINGS, number, name) for number in same]
    return values[0] if values and all(value == values[0] for value in values) else None


def _with_bounds(span: Span, key: str) -> list[tuple[int, Span]]:
    """The spans of a group with the boundaries of ``span``, white space at the ends apart, and their numbers."""
    start, end = trimmed(span.doc, span.start, span.end)
    group = span.doc.spans.get(key)
    if isinstance(group, SteadySpans):
        return [(number, group[number]) for number in group.numbers_at((start, end), trimmed)]
    # who may have changed any other group since it was looked at is not known
    around = [
        (i, member)
        for i, member in enumerate(aligned_group(span.doc, key) or ())
        if member.start <= start and end <= member.end
    ]
    return [(i, member) for i, member in around if trimmed(span.doc, member.start, member.end) == (start, end)]


def get_assertion(span: Span) -> str | None:
    """The status of the finding with these boundaries, or None."""
    status: str | None = finding_value(span, "assertion")
    return status


def get_assertion_scores(span: Span) -> dict[str, float] | None:
    """The probability of each status and modifier of the finding with these boundaries, or None."""
    scores: dict[str, float] | None = finding_value(span, "assertion_scores")
    return scores


def get_is_negated(span: Span) -> bool | None:
    """Whether the finding with these boundaries is negative; None where there is no finding, or its status is none of
    ours."""
    return is_negative(get_assertion(span))


def is_negative(status: str | None) -> bool | None:
    """Whether a status says that a finding is not there; None where that is not known: others name statuses as they
    like, and "absent" must not read as "not negated"."""
    return status == "negative" if status in STATUSES else None


def get_modifier(span: Span, *, name: str) -> bool | None:
    """Whether a modifier holds of the finding with these boundaries; None where there is no finding, or the pipeline
    does not know the modifier."""
    return holds(name, finding_value(span, "assertion_modifiers"), finding_value(span, "assertion_scores"), span.doc)


def holds(name: str, held: Sequence[str] | None, scores: Mapping[str, float] | None, doc: Doc) -> bool | None:
    """Whether a modifier holds of a finding of ``doc``, by the modifiers that do and the scores of all; None where that
    is not known."""
    if held is None or (scores is not None and name not in scores):
        return None
    # gold has no scores; where only those of this finding are lost, nothing says which modifiers were asked for
    is_lost = scores is None and "assertion_scores" in doc.spans[FINDINGS].attrs
    return True if name in held else None if is_lost else False


def get_is_positive(span: Span) -> bool:
    """Whether the finding with these boundaries is known to be positive. False where nothing is known, so that what was
    lost is never taken for a finding of the patient's."""
    return get_assertion(span) == "positive"


def get_relations(doc: Doc) -> list[Relation]:
    """All relations that hold in the Doc. Warns (W205) where there are pairs of which nothing is known any more."""
    return read_relations(doc)


STATUSES = ("positive", "negative", "unknown")
MODIFIERS = ("uncertain", "hypothetical", "historical", "family")
GETTERS: dict[str, Callable[[Span], Any]] = {
    "intent": get_intent,
    "assertion": get_assertion,
    "assertion_scores": get_assertion_scores,
    "is_negated": get_is_negated,
    "is_positive": get_is_positive,
    **{f"is_{name}": partial(get_modifier, name=name) for name in MODIFIERS},
}
ALIASES = {
    "negspacy": {"negex": "is_negated"},
    "edsnlp": {
        "negation": "is_negated",
        "hypothesis": "is_hypothetical",
        "history": "is_historical",
        "family": "is_family",
    },
}


def install_extensions() -> None:
    """Register the getters. A name that somebody else registered is left as it is, with warning W202."""
    for name, getter in GETTERS.items():
        _install(name, getter)
    if not Doc.has_extension("relations"):
        Doc.set_extension("relations", getter=get_relations)
    elif Doc.get_extension("relations")[2] is not get_relations:
        warn("W202", name="relations", owner="Doc")


def install_aliases(tools: Sequence[str]) -> None:
    """Register the names that other tools, of ``ALIASES``, have for the same."""
    for tool in tools:
        for name, own in ALIASES[tool].items():
            _install(name, GETTERS[own])


def _install(name: str, getter: Callable[[Span], Any]) -> None:
    """Register a getter, and a setter for tools that assign. Warns (W202) where the name is somebody else's."""
    if not Span.has_extension(name):
        _OURS[name] = partial(_own_or_assigned, name=name, getter=getter)
        Span.set_extension(name, getter=_OURS[name], setter=partial(_assign, name=name))
    elif name not in _OURS or Span.get_extension(name)[2] is not _OURS[name]:
        warn("W202", name=name, owner="Span")


_OURS: dict[str, Callable[[Span], Any]] = {}


def _place(span: Span, name: str) -> Any:
    """Where an assigned value is kept: as spaCy's own ``span._.x`` data, so that it moves along with the text."""
    return data_key(f"medmtl_assigned_{name}", span.start_char, span.end_char)


def _own_or_assigned(span: Span, *, name: str, getter: Callable[[Span], Any]) -> Any:
    value = getter(span)
    return span.doc.user_data.get(_place(span, name)) if value is None else value


def _assign(span: Span, value: Any, *, name: str) -> None:
    """Raises MedmtlError E105 for a status that is none."""
    findings = _with_bounds(span, FINDINGS) if name == "assertion" else []
    same_label = [number for number, finding in findings if finding.label == span.label]
    for number in same_label or [number for number, _ in findings]:
        set_value(span.doc, FINDINGS, number, name, value)
    if not findings:
        span.doc.user_data[_place(span, name)] = value
        if getattr(span._, name) != value:
            warn("W207", name=name)
