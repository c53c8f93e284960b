"""Scores of ``cpncf_assertion``."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.scorer import PRFScore
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import ANNOTATED_MODIFIERS, FINDINGS, GIVEN_SPANS_ONLY, group_values, is_annotated, trimmed
from ..annotations.items import Item, compared, judged_by
from ..annotations.scoring import ScoredItem, places, score_items
from ..errors import MedmtlError


def cpncf_assertion_scorer() -> Callable[..., dict[str, Any]]:
    """``spacy-medmtl.cpncf_assertion_scorer.v1``"""
    return score_findings


def score_findings(examples: Iterable[Example], **cfg: Any) -> dict[str, Any]:
    """Strict micro-F1 over (boundaries, type, status), per "type/status" and corpus; ``_span_f`` without the status;
    ``_f_per_modifier`` over the gold findings for which a corpus judged the modifier.

    Docs without annotation and types outside ``annotated_labels`` are left out. Where a corpus judged given spans only,
    predictions with other boundaries are neither right nor wrong, and boundaries, which were given, are not scored.
    """
    examples = list(examples)
    key, name = cfg.get("spans_key", FINDINGS), cfg["component"]

    def items(example: Example) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
        pair = compared(example, lambda doc: finding_items(doc, key), judged_by(example.reference, key))
        if pair is None:
            return None
        gold, predicted = pair
        if example.reference.spans[key].attrs.get(GIVEN_SPANS_ONLY):
            places_given = {place for _, place in gold}
            predicted = {item for item in predicted if item[1] in places_given}
        return gold, predicted

    scores = score_items(name, examples, items)
    spans, searched = PRFScore(), False
    for example in examples:
        pair = items(example)
        if pair is not None and not example.reference.spans[key].attrs.get(GIVEN_SPANS_ONLY):
            gold, predicted = ({(_type(item), item[1]) for item in side} for side in pair)
            spans.score_set(predicted, gold)
            searched = True
    scores[f"{name}_span_f"] = spans.fscore if searched else None
    by_modifier = _score_modifiers(examples, key)
    scores[f"{name}_f_per_modifier"] = by_modifier or None
    return scores


def _score_modifiers(examples: Iterable[Example], key: str) -> dict[str, dict[str, float]]:
    """P, R and F1 of each judged modifier. A gold finding that was not found counts as one without modifiers."""
    by_modifier: dict[str, PRFScore] = {}
    for number, example in enumerate(examples):
        gold, predicted = _modifiers(example.reference, key), _modifiers(example.predicted, key)
        annotated = example.reference.spans[key].attrs.get(ANNOTATED_MODIFIERS) if gold else ()
        names = {name for held in (gold | predicted).values() for name in held}
        for name in names if annotated is None else names & set(annotated):
            holds = {(number, place) for place, held in gold.items() if name in held}
            said = {(number, place) for place, held in predicted.items() if name in held and place in gold}
            by_modifier.setdefault(name, PRFScore()).score_set(said, holds)
    return {name: score.to_dict() for name, score in sorted(by_modifier.items())}


def _modifiers(doc: Doc, key: str) -> dict[Any, set[str]]:
    """Modifiers by where the finding stands and its type; nothing where they are not annotated."""
    entries, place = group_values(doc, key, "assertion_modifiers"), places(doc)
    return {
        (span.label_, place(span.start, span.end)): set(held) for span, held in zip(doc.spans.get(key, []), entries)
    }


def finding_items(doc: Doc, key: str) -> list[Item] | None:
    """The findings under ``doc.spans[key]``, each with its status; None if it is absent: not annotated.

    Raises MedmtlError E104 where findings have no status: they would otherwise just not count.
    """
    if not is_annotated(doc, key):
        return None
    spans, statuses = list(doc.spans[key]), group_values(doc, key, "assertion")
    if len(spans) != len(statuses):
        raise MedmtlError("E104", name="assertion", key=key, received=len(statuses), expected=len(spans))
    findings = [(trimmed(doc, span.start, span.end), span.label_, str(value)) for span, value in zip(spans, statuses)]
    return [Item((bounds,), (label,), status) for bounds, label, status in findings if bounds[0] < bounds[1]]


def _type(item: ScoredItem) -> str:
    """The finding type of an item labelled "type/status"; the type may hold a slash itself."""
    return item[0].rsplit("/", 1)[0]
