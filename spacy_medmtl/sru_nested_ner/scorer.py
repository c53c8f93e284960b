"""Scores of ``sru_nested_ner``."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, TYPE_SEPARATOR, merged_type
from ..annotations.items import Item, compared, inner_items, judged_by, span_items
from ..annotations.scoring import ScoredItem, score_items


def sru_nested_ner_scorer() -> Callable[..., dict[str, Any]]:
    """``spacy-medmtl.sru_nested_ner_scorer.v1``"""
    return score_entities


def score_entities(examples: Iterable[Example], **cfg: Any) -> dict[str, Any]:
    """Strict micro-F1 over (boundaries, label), per label and corpus, and ``_nested_f`` over spans inside another.

    Docs without annotation and labels outside ``annotated_labels`` are left out. A span counts as nested if it lies
    inside another span of its own Doc (gold inside gold, predicted inside predicted).

    Where labels are kept apart by corpus ("bc5cdr$Disease"), this is the paper's *disjoint* score, and ``_merged_f``
    its *merged* one, of what labels have in common ("Disease"). With ``merge_types`` there are merged scores only.
    """
    examples = list(examples)
    key, name, merge_types = cfg.get("spans_key", ENTITIES), cfg["component"], cfg.get("merge_types", False)

    def items(example: Example, merge: bool = merge_types) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
        judged = _judges_merged(example.reference, key) if merge else judged_by(example.reference, key)
        return compared(example, lambda doc: _items(doc, key, merge), judged)

    def nested_items(example: Example) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
        pair = items(example)
        return None if pair is None else (inner_items(pair[0]), inner_items(pair[1]))

    scores = score_items(name, examples, items)
    scores[f"{name}_nested_f"] = score_items(name, examples, nested_items)[f"{name}_f"]
    if any(TYPE_SEPARATOR in label for label in scores[f"{name}_f_per_type"] or ()):
        merged = score_items(name, examples, lambda example: items(example, True))
        scores[f"{name}_merged_f"] = merged[f"{name}_f"]
    return scores


def _items(doc: Doc, key: str, merge: bool) -> list[Item] | None:
    """The entities of a Doc. merge: under what their labels have in common, whatever corpus they are kept apart for."""
    items = span_items(doc, key)
    if items is None or not merge:
        return items
    return [item._replace(labels=tuple(map(merged_type, item.labels))) for item in items]


def _judges_merged(doc: Doc, key: str) -> Callable[[str], bool]:
    """Whether an annotated Doc was judged for a label of any corpus that has the given common part."""
    declared = doc.spans[key].attrs.get(ANNOTATED_LABELS) if key in doc.spans else []
    common = None if declared is None else {merged_type(label) for label in declared}
    return lambda label: common is None or label in common
