"""Scores of ``cpncf_assertion``."""

from typing import Any, Callable, Dict, Iterable, Optional, Set, Tuple

from spacy.scorer import PRFScore
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import FINDINGS, GIVEN_SPANS_ONLY, group_values, is_annotated, judges
from ..annotations.scoring import Item, places, score_items
from ..errors import MedmtlError


def cpncf_assertion_scorer() -> Callable[..., Dict[str, Any]]:
    """``spacy-medmtl.cpncf_assertion_scorer.v1``"""
    return score_findings


def score_findings(examples: Iterable[Example], **cfg: Any) -> Dict[str, Any]:
    """Strict micro-F1 over (boundaries, type, status), per "type/status" and corpus; ``_span_f`` without the status.

    Docs without annotation and types outside ``annotated_labels`` are left out. Where a corpus judged given spans only,
    predictions that touch none of them are neither right nor wrong, and boundaries, which were given, are not scored.
    """
    examples = list(examples)
    key, name = cfg.get("spans_key", FINDINGS), cfg["component"]

    def items(example: Example) -> Optional[Tuple[Set[Item], Set[Item]]]:
        if not is_annotated(example.reference, key):
            return None
        judged = judges(example.reference, key)
        gold = {item for item in _items(example.reference, key) if judged(_type(item))}
        predicted = {item for item in _items(example.predicted, key) if judged(_type(item))}
        if example.reference.spans[key].attrs.get(GIVEN_SPANS_ONLY):
            predicted = {item for item in predicted if any(_touch(item[1], other[1]) for other in gold)}
        return gold, predicted

    scores = score_items(name, examples, items)
    spans, searched = PRFScore(), False
    for example in examples:
        pair = items(example)
        if pair is not None and not example.reference.spans[key].attrs.get(GIVEN_SPANS_ONLY):
            gold, predicted = ({(_type(item), item[1]) for item in found} for found in pair)
            spans.score_set(predicted, gold)
            searched = True
    scores[f"{name}_span_f"] = spans.fscore if searched else None
    return scores


def _items(doc: Doc, key: str) -> Set[Item]:
    """Raises MedmtlError E104 where findings have no status: they would otherwise just not count."""
    spans, statuses = list(doc.spans.get(key, [])), group_values(doc, key, "assertion")
    if len(spans) != len(statuses):
        raise MedmtlError("E104", name="assertion", key=key, received=len(statuses), expected=len(spans))
    place = places(doc)
    return {(f"{span.label_}/{status}", place(span.start, span.end)) for span, status in zip(spans, statuses)}


def _type(item: Item) -> str:
    """The finding type of an item labelled "type/status"; the type may hold a slash itself."""
    return item[0].rsplit("/", 1)[0]


def _touch(a: Any, b: Any) -> bool:
    return bool(a[0] < b[1] and b[0] < a[1])
