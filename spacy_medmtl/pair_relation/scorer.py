"""Scores of ``pair_relation``."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import RELATIONS, is_annotated, judges
from ..annotations.relations import JudgedPair, read_pairs
from ..annotations.scoring import Item, places, score_items

Place = tuple[int, int, int, int]  # of head and tail, see ``places``


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

    def items(example: Example) -> tuple[set[Item], set[Item]] | None:
        if not is_annotated(example.reference, key):
            return None
        return _judged_items(example, example.reference, key), _judged_items(example, example.predicted, key)

    scores = score_items(name, examples, items)
    scores[f"{name}_acc"] = _accuracy(annotated, key)
    return scores


def _judged_items(example: Example, doc: Doc, key: str) -> set[Item]:
    judged, placed = judges(example.reference, key), _placed_pairs(doc, key)
    return {(label, place) for place, pair in placed for label in pair.labels if judged(label)}


def _placed_pairs(doc: Doc, key: str) -> list[tuple[Place, JudgedPair]]:
    place = places(doc)
    return [((*place(*pair.head), *place(*pair.tail)), pair) for pair in read_pairs(doc, key=key)]


def _accuracy(annotated: list[Example], key: str) -> float | None:
    right: list[bool] = []
    for example in annotated:
        gold = _judged_items(example, example.reference, key)
        predicted = _judged_items(example, example.predicted, key)
        for place in {place for place, _ in _placed_pairs(example.reference, key)}:
            right.append({item for item in gold if item[1] == place} == {i for i in predicted if i[1] == place})
    return sum(right) / len(right) if right else None


def _score_values(name: str, key: str, annotated: list[Example]) -> dict[str, Any]:
    gold, predicted = [], []
    for example in annotated:
        found = {place: pair.score for place, pair in _placed_pairs(example.predicted, key)}
        for place, pair in _placed_pairs(example.reference, key):
            if place in found:
                gold.append(pair.score)
                predicted.append(found[place])
    x, y = numpy.asarray(gold), numpy.asarray(predicted)
    return {
        f"{name}_pearson": _correlation(x, y),
        f"{name}_spearman": _correlation(_ranks(x), _ranks(y)),
        f"{name}_mse": float(((x - y) ** 2).mean()) if len(x) else None,
    }


def _correlation(x: numpy.ndarray, y: numpy.ndarray) -> float | None:
    if len(x) < 2 or x.std() == 0.0 or y.std() == 0.0:
        return None
    return float(numpy.corrcoef(x, y)[0, 1])


def _ranks(values: numpy.ndarray) -> numpy.ndarray:
    """Ranks from 0, ties sharing their mean."""
    _, inverse, counts = numpy.unique(values, return_inverse=True, return_counts=True)
    last = numpy.cumsum(counts) - 1
    return (last - (counts - 1) / 2.0)[inverse]
