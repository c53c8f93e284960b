"""Scores of ``pair_relation``."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import RELATIONS, is_annotated, trimmed
from ..annotations.items import Item, compared, judged_by, names_by_place
from ..annotations.relations import read_pairs
from ..annotations.scoring import ScoredItem, places, score_items


def pair_relation_scorer() -> Callable[..., dict[str, Any]]:
    """``spacy-medmtl.pair_relation_scorer.v1``"""
    return score_relations


def score_relations(examples: Iterable[Example], **cfg: Any) -> dict[str, Any]:
    """Micro-F1 over (head, tail, label), and accuracy: the share of gold pairs whose labels are all right.

    A gold relation whose pair was never a candidate is missed. Docs without annotation and labels outside
    ``annotated_labels`` are left out. For a regression: Pearson and Spearman correlation and mean squared error over
    the gold pairs that were candidates.
    """
    examples = list(examples)
    key, name = cfg.get("spans_key", RELATIONS), cfg["component"]
    annotated = [example for example in examples if is_annotated(example.reference, key)]
    if cfg.get("mode") == "regression":
        return _score_values(name, key, annotated)

    def items(example: Example) -> tuple[set[ScoredItem], set[ScoredItem]] | None:
        return compared(example, lambda doc: pair_items(doc, key), judged_by(example.reference, key))

    scores = score_items(name, examples, items)
    scores[f"{name}_acc"] = _accuracy(annotated, key, items)
    return scores


def pair_items(doc: Doc, key: str) -> list[Item] | None:
    """The judged pairs under ``doc.spans[key]``, each with the labels that hold, those with a blank member left out;
    None if it is absent: not annotated.

    Raises MedmtlError E103 on a group of another shape.
    """
    if not is_annotated(doc, key):
        return None
    pairs = read_pairs(doc, key=key)
    items = [
        Item((trimmed(doc, *pair.head), trimmed(doc, *pair.tail)), pair.labels, score=pair.score) for pair in pairs
    ]
    return [item for item in items if all(start < end for start, end in item.bounds)]


def _accuracy(annotated: list[Example], key: str, items: Callable[[Example], Any]) -> float | None:
    """The share of gold pairs whose labels are all right."""
    right: list[bool] = []
    for example in annotated:
        gold, predicted = map(names_by_place, items(example))
        right += [gold.get(place) == predicted.get(place) for place in _by_place(example.reference, key)]
    return sum(right) / len(right) if right else None


def _by_place(doc: Doc, key: str) -> dict[Any, float]:
    """The score of each judged pair, by where head and tail stand."""
    place = places(doc)
    return {(*place(*item.bounds[0]), *place(*item.bounds[1])): item.score for item in pair_items(doc, key) or ()}


def _score_values(name: str, key: str, annotated: list[Example]) -> dict[str, Any]:
    gold, predicted = [], []
    for example in annotated:
        predictions = _by_place(example.predicted, key)
        for place, value in _by_place(example.reference, key).items():
            # a pair that was no candidate has no value, and 0 would be one
            if place in predictions:
                gold.append(value)
                predicted.append(predictions[place])
    x, y = numpy.asarray(gold), numpy.asarray(predicted)
    return {
        f"{name}_pearson": correlation(x, y),
        f"{name}_spearman": correlation(ranks(x), ranks(y)),
        f"{name}_mse": float(((x - y) ** 2).mean()) if len(x) else None,
    }


def correlation(x: numpy.ndarray, y: numpy.ndarray) -> float | None:
    """Pearson's, of ranks Spearman's; None where there is none."""
    # without spread on either side there is no correlation, and numpy would warn and say nan
    if len(x) < 2 or x.std() == 0.0 or y.std() == 0.0:
        return None
    return float(numpy.corrcoef(x, y)[0, 1])


def ranks(values: numpy.ndarray) -> numpy.ndarray:
    """Ranks from 0, ties sharing their mean."""
    _, inverse, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    # of each distinct value the rank of its last copy; copies share the mean of their ranks
    last = numpy.cumsum(counts) - 1
    return (last - (counts - 1) / 2.0)[inverse]
