"""Scores of ``sentence_intent``."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import INTENTS
from ..annotations.items import Item, compared, judged_by, span_items
from ..annotations.scoring import ScoredItem, score_items

HOLDS = 0.5  # a category of a reference Doc holds from here on


def sentence_intent_scorer() -> Callable[..., dict[str, Any]]:
    """``spacy-medmtl.sentence_intent_scorer.v1``"""
    return score_intents


def score_intents(examples: Iterable[Example], **cfg: Any) -> dict[str, Any]:
    """Micro-F1 over (unit, label), and per label and corpus.

    A gold unit that the pipeline cut otherwise counts as missed. For single-label units that were cut alike micro-F1 is
    accuracy. Docs without annotation and labels outside ``annotated_labels`` (of whole Docs: ``cats``) are left out.
    """
    key, units = cfg.get("spans_key", INTENTS), cfg.get("units", "sentence")

    def of_spans(example: Example) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
        return compared(example, lambda doc: span_items(doc, key), judged_by(example.reference, key))

    def of_cats(example: Example) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
        gold = cat_items(example.reference)
        if gold is None:
            return None
        predicted = predicted_cats(example, cfg)
        return {(label, "doc") for item in gold for label in item.labels}, {(label, "doc") for label in predicted}

    return score_items(cfg["component"], examples, of_cats if units == "doc" else of_spans)


def cat_items(doc: Doc) -> list[Item] | None:
    """A Doc's categories that hold, as those of one unit; None where it has none."""
    held = tuple(label for label, value in doc.cats.items() if value >= HOLDS)
    return [Item(((0, len(doc)),), held)] if doc.cats else None


def judges_cats(doc: Doc, multi_label: bool) -> Callable[[str], bool]:
    """Whether a Doc was judged for a category: those that it names, or all where exactly one holds."""
    return lambda label: label in doc.cats if multi_label else bool(doc.cats)


def predicted_cats(example: Example, cfg: dict[str, Any]) -> set[str]:
    """What holds of a predicted Doc: the best label or, of those that the reference judges, all above the threshold.
    Categories of other components are none of ours."""
    # ``doc.cats`` is one dict for all components of a pipeline
    own = cfg.get("labels", example.predicted.cats)
    cats = {label: value for label, value in example.predicted.cats.items() if label in own}
    if not cfg.get("multi_label"):
        return {max(cats, key=lambda label: cats[label])} if cats else set()
    above = {label for label, value in cats.items() if value >= cfg.get("threshold", HOLDS)}
    return above & set(example.reference.cats)
