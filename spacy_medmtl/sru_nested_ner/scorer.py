"""Scores of ``sru_nested_ner``."""

from typing import Any, Callable, Dict, Iterable, Optional, Set, Tuple

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import ENTITIES, is_annotated, judges
from ..annotations.scoring import Item, places, score_items


def sru_nested_ner_scorer() -> Callable[..., Dict[str, Any]]:
    """``spacy-medmtl.sru_nested_ner_scorer.v1``"""
    return score_entities


def score_entities(examples: Iterable[Example], **cfg: Any) -> Dict[str, Any]:
    """Strict micro-F1 over (boundaries, label), per label and corpus, and ``_nested_f`` over spans inside another.

    Docs without annotation and labels outside ``annotated_labels`` are left out. A span counts as nested if it lies
    inside another span of its own Doc (gold inside gold, predicted inside predicted).
    """
    examples = list(examples)
    key, name = cfg.get("spans_key", ENTITIES), cfg["component"]

    def items(example: Example) -> Optional[Tuple[Set[Item], Set[Item]]]:
        if not is_annotated(example.reference, key):
            return None
        judged = judges(example.reference, key)
        gold, predicted = _items(example.reference, key), _items(example.predicted, key)
        return {item for item in gold if judged(item[0])}, {item for item in predicted if judged(item[0])}

    def nested_items(example: Example) -> Optional[Tuple[Set[Item], Set[Item]]]:
        pair = items(example)
        return None if pair is None else (_inner(pair[0]), _inner(pair[1]))

    scores = score_items(name, examples, items)
    scores[f"{name}_nested_f"] = score_items(name, examples, nested_items)[f"{name}_f"]
    return scores


def _items(doc: Doc, key: str) -> Set[Item]:
    place = places(doc)
    return {(span.label_, place(span.start, span.end)) for span in doc.spans.get(key, [])}


def _inner(items: Set[Any]) -> Set[Item]:
    """The items that lie inside another."""
    return {
        inner
        for inner in items
        if any(outer != inner and outer[1][0] <= inner[1][0] and inner[1][1] <= outer[1][1] for outer in items)
    }
