"""Scores of ``sentence_intent``."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import INTENTS, is_annotated, judges
from ..annotations.scoring import Item, places, score_items


def sentence_intent_scorer() -> Callable[..., dict[str, Any]]:
    """``spacy-medmtl.sentence_intent_scorer.v1``"""
    return score_intents


def score_intents(examples: Iterable[Example], **cfg: Any) -> dict[str, Any]:
    """Micro-F1 over (unit, label), and per label and corpus.

    A gold unit that the pipeline cut otherwise counts as missed. For single-label units that were cut alike micro-F1 is
    accuracy. Docs without annotation and labels outside ``annotated_labels`` (of whole Docs: ``cats``) are left out.
    """
    key, units = cfg.get("spans_key", INTENTS), cfg.get("units", "sentence")

    def items(example: Example) -> tuple[set[Item], set[Item]] | None:
        if units == "doc":
            if not example.reference.cats:
                return None
            return _cats(example.reference.cats, 0.5), _predicted_cats(example, cfg)
        if not is_annotated(example.reference, key):
            return None
        judged = judges(example.reference, key)
        gold, predicted = _units(example.reference, key), _units(example.predicted, key)
        return {item for item in gold if judged(item[0])}, {item for item in predicted if judged(item[0])}

    return score_items(cfg["component"], examples, items)


def _units(doc: Doc, key: str) -> set[Item]:
    place = places(doc)
    return {(span.label_, place(span.start, span.end)) for span in doc.spans.get(key, [])}


def _predicted_cats(example: Example, cfg: dict[str, Any]) -> set[Item]:
    """What holds of a predicted Doc: the best label or, of those that the reference judges, all above the threshold.
    Categories of other components are none of ours."""
    own = cfg.get("labels", example.predicted.cats)
    cats = {label: value for label, value in example.predicted.cats.items() if label in own}
    if not cfg.get("multi_label"):
        return {(max(cats, key=lambda label: cats[label]), "doc")} if cats else set()
    found = _cats(cats, cfg.get("threshold", 0.5))
    return {item for item in found if item[0] in example.reference.cats}


def _cats(cats: dict[str, float], threshold: float) -> set[Item]:
    return {(label, "doc") for label, value in cats.items() if value >= threshold}
