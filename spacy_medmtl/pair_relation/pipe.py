"""The component ``pair_relation``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations.extensions import install_extensions
from ..annotations.groups import RELATIONS, annotated_labels, entity_types, merged_type
from ..annotations.pairs import pair_doc
from ..annotations.relations import JudgedPair, read_pairs, write_relations
from ..encoder.decisions import Decisions, exclusive_decisions, independent_decisions
from ..encoder.head import Head, aligned_bounds
from ..encoder.listener import view_of
from ..encoder.losses import (
    mean_squared_error,
    sigmoid,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
)
from ..encoder.views.requests import BLINDED, ENTITY_VIEWS, Bounds, Reading, Unit
from ..errors import MedmtlError
from .candidates import CandidateGetter, EntityPairs, Pair, span_of, surroundings

MODES = ("multilabel", "exclusive", "regression")
OUTPUT = "relations"  # name of the output, for its temperature

DEFAULT_CONFIG = """
[model]
@architectures = "spacy-medmtl.PairRelation.v1"
lr_scale = 10.0

[model.tok2vec]
@architectures = "spacy-medmtl.RouteListener.v1"
route = "pair_relation"
view = "pair"
upstream = "*"
"""


@Language.factory(
    "pair_relation",
    assigns=["doc.spans", "doc._.relations"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": RELATIONS,
        "mode": "multilabel",
        "threshold": 0.5,
        "candidates": {"@misc": "spacy-medmtl.adjacent_pairs.v1"},
        "scorer": {"@scorers": "spacy-medmtl.pair_relation_scorer.v1"},
    },
    default_score_weights={
        "pair_relation_f": 1.0,
        "pair_relation_p": None,
        "pair_relation_r": None,
        "pair_relation_acc": None,
        "pair_relation_macro_f": None,
        "pair_relation_f_per_type": None,
    },
)
def make_pair_relation(
    nlp: Language,
    name: str,
    model: Model,
    spans_key: str,
    mode: str,
    threshold: float,
    candidates: CandidateGetter,
    scorer: Callable | None,
) -> "PairRelation":
    """Judge pairs of sentences, utterances, texts or entities.

    spans_key: where pairs are written, and read from in training (see ``annotations.relations``).
    mode: ``multilabel`` (sigmoid, any number of labels a pair), ``exclusive`` (softmax over the labels and "none of
        them"), or ``regression`` (one value a pair).
    threshold: probability from which a label is written (``multilabel``).
    candidates: which pairs of a Doc are judged at prediction. For entities ``spacy-medmtl.entity_pairs.v1``, with the
        view ``marked_pair`` or ``blinded_pair`` of the model's listener.
    Raises MedmtlError E203 on another mode, E216 for the view ``blinded_pair`` with another getter.
    """
    if mode not in MODES:
        raise MedmtlError("E203", setting="mode", name=name, received=mode, expected=", ".join(MODES))
    if view_of(model) == BLINDED and not isinstance(candidates, EntityPairs):
        raise MedmtlError("E216", name=name)
    install_extensions()
    return PairRelation(
        nlp.vocab,
        model,
        name,
        scorer=scorer,
        candidates=candidates,
        component=name,
        spans_key=spans_key,
        mode=mode,
        threshold=threshold,
        entities=candidates.spans_key if isinstance(candidates, EntityPairs) else None,
    )


@dataclass(frozen=True)
class PairGold:
    """Per pair, in reading order: labels that hold and labels that are judged (bool [n, labels]), and its value [n]."""

    labels: numpy.ndarray
    judged: numpy.ndarray
    values: numpy.ndarray


class PairRelation(Head[PairGold]):
    """See ``make_pair_relation``. Writes the relations that hold; for a regression, every candidate with its value."""

    def __init__(self, *args: Any, candidates: CandidateGetter, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.candidates = candidates

    def n_outputs(self) -> int:
        """A column per label; in ``exclusive`` mode one more, the last, for "none of them". Raises MedmtlError E206 for
        a regression with several labels."""
        if self.cfg["mode"] == "regression" and len(self.labels) > 1:
            raise MedmtlError("E206", name=self.name, received=list(self.labels))
        return len(self.labels) + (self.cfg["mode"] == "exclusive")

    def gold_labels(self, doc: Doc) -> Iterable[str]:
        return [label for pair in read_pairs(doc, key=self.spans_key) for label in pair.labels]

    def unusable(self, example: Example) -> Iterator[str]:
        gold = read_pairs(example.reference, key=self.spans_key)
        for head, tail in self._aligned(example, gold):
            if head is None or tail is None:
                yield "empty"

    def _aligned(self, example: Example, gold: Sequence[JudgedPair]) -> list[tuple[Any, Any]]:
        heads = aligned_bounds(example, [pair.head for pair in gold], mode="expand")
        return list(zip(heads, aligned_bounds(example, [pair.tail for pair in gold], mode="expand")))

    def training_batch(self, examples: Sequence[Example]) -> tuple[list[Reading], PairGold]:
        readings: list[Reading] = []
        gold: list[JudgedPair] = []
        judged: list[numpy.ndarray] = []
        for example in examples:
            pairs: list[Pair] = []
            learnt: list[JudgedPair] = []
            annotated = read_pairs(example.reference, key=self.spans_key)
            own = annotated_labels(example.reference, self.spans_key, self.labels)
            for pair, (head, tail) in zip(annotated, self._aligned(example, annotated)):
                if head is not None and tail is not None and self._gives_loss(pair, own):
                    pairs.append((head, tail))
                    learnt.append(pair)
            readings.append(self._training_reading(example, pairs, learnt))
            gold += learnt
            judged += [self._row(own)] * len(pairs)
        empty = numpy.zeros((0, len(self.labels)), dtype=bool)
        labels = numpy.vstack([empty, *(self._row(pair.labels) for pair in gold)])
        values = numpy.asarray([pair.score for pair in gold])
        # Docs without pairs are read too (they cost nothing), so that warnings number Docs as the caller does
        return readings if gold else [], PairGold(labels, numpy.vstack([empty, *judged]), values)

    def _training_reading(self, example: Example, pairs: list[Pair], gold: Sequence[JudgedPair]) -> Reading:
        if view_of(self.model) not in ENTITY_VIEWS:
            return Reading(example.predicted, pairs=pairs)
        around = surroundings(example.reference, [(pair.head, pair.tail) for pair in gold])
        around_here = aligned_bounds(example, around, mode="expand")
        types = [pair.types for pair in gold]
        return self._entity_reading(example.predicted, pairs, around_here, types, self.spans_key)

    def _entity_reading(
        self, doc: Doc, pairs: list[Pair], around: Sequence[Bounds | None], types: list[tuple[str, str]], key: str
    ) -> Reading:
        """Pairs of entities with the sentences around them.

        Raises MedmtlError E217 where entities are to be blinded and have no type in the group ``key``.
        """
        units = []
        for (start, end), bounds in zip(map(span_of, pairs), around):
            left, right = bounds or (start, end)
            units.append(Unit(min(left, start), start, end, max(right, end)))
        types = [(merged_type(head), merged_type(tail)) for head, tail in types]
        n_untyped = sum(not all(pair) for pair in types)
        if n_untyped and view_of(self.model) == BLINDED:
            raise MedmtlError("E217", name=self.name, key=key, count=n_untyped)
        return Reading(doc, units, pairs, types=types)

    def _gives_loss(self, pair: JudgedPair, own: Sequence[str]) -> bool:
        """Whether a pair is judged for one of our labels: one that is not must not make a step."""
        if self.cfg["mode"] == "exclusive" and pair.labels:
            return bool((self._row(pair.labels) & self._row(own)).any())
        return bool(own)

    def _row(self, labels: Sequence[str]) -> numpy.ndarray:
        row = numpy.zeros(len(self.labels), dtype=bool)
        row[[self.column(label) for label in labels]] = True
        return row

    def loss(self, gold: PairGold, scores: Floats2d) -> tuple[float, Floats2d]:
        if self.cfg["mode"] == "regression":
            return mean_squared_error(scores, gold.values[:, None])
        if self.cfg["mode"] == "multilabel":
            return sigmoid_cross_entropy(scores, gold.labels, gold.judged)
        return softmax_cross_entropy(scores, *_with_none(gold))

    def decided(self, gold: PairGold, scores: Floats2d) -> dict[str, Decisions]:
        """Values of a regression are no probabilities."""
        if self.cfg["mode"] == "regression":
            return {}
        if self.cfg["mode"] == "multilabel":
            return {OUTPUT: independent_decisions(scores, gold.labels, gold.judged)}
        return {OUTPUT: exclusive_decisions(scores, *_with_none(gold))}

    def predict(self, docs: Iterable[Doc]) -> list[tuple[list[Pair], numpy.ndarray]]:
        """Per Doc: its candidate pairs and their probabilities (or values) [n_pairs, n_outputs]."""
        docs = list(docs)
        pairs = [self.candidates(doc) for doc in docs]
        readings = [self._reading(doc, found) for doc, found in zip(docs, pairs)]
        if not any(pairs):
            return [([], numpy.zeros((0, self.n_outputs()))) for _ in docs]
        scores = self.logits(readings)
        if self.cfg["mode"] != "regression":
            scores = scores / self.temperature(OUTPUT)
            scores = sigmoid(scores) if self.cfg["mode"] == "multilabel" else softmax(scores)
        borders = numpy.cumsum([0] + [len(found) for found in pairs])
        return [(found, scores[a:b]) for found, a, b in zip(pairs, borders, borders[1:])]

    def _reading(self, doc: Doc, pairs: list[Pair]) -> Reading:
        if view_of(self.model) not in ENTITY_VIEWS:
            return Reading(doc, pairs=pairs)
        types = self._types(doc, pairs)
        return self._entity_reading(doc, pairs, surroundings(doc, pairs), types, str(self.cfg["entities"]))

    def _types(self, doc: Doc, pairs: Iterable[Pair]) -> list[tuple[str, str]]:
        """Of head and tail, for each pair, as the group says that the candidate getter reads."""
        types = entity_types(doc, self.candidates.spans_key) if isinstance(self.candidates, EntityPairs) else {}
        return [(types.get(head, ""), types.get(tail, "")) for head, tail in pairs]

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]``, one entry per relation that holds."""
        for doc, (pairs, scores) in zip(docs, predictions):
            found = [
                JudgedPair(head, tail, (label,), score, types)
                for (head, tail), types, row in zip(pairs, self._types(doc, pairs), scores)
                for label, score in self._held(row)
            ]
            write_relations(doc, found, key=self.spans_key)

    def _held(self, row: numpy.ndarray) -> list[tuple[str, float]]:
        """(label, probability or value) of what holds for one pair."""
        if self.cfg["mode"] == "regression":
            return [(self.labels[0], float(row[0]))]
        if self.cfg["mode"] == "multilabel":
            return [(self.labels[i], float(row[i])) for i in numpy.flatnonzero(row >= self.cfg["threshold"])]
        best = int(numpy.argmax(row))
        return [(self.labels[best], float(row[best]))] if best < len(self.labels) else []


def _with_none(gold: PairGold) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Of ``exclusive`` pairs: column of what holds, "none of them" being the last [n], and judged [n, labels + 1]."""
    none_of_them = ~gold.labels.any(axis=1, keepdims=True)
    columns = numpy.hstack([gold.labels, none_of_them]).argmax(axis=1)
    return columns, numpy.hstack([gold.judged, numpy.ones_like(none_of_them)])


def judge_pairs(
    nlp: Language, texts: Iterable[tuple[str, str]], *, name: str = "pair_relation", batch_size: int = 64
) -> Iterator[list[tuple[str, float]]]:
    """For each of many (first, second) text pairs, the (label, probability or value) of all that holds.

    Runs only what the component ``name`` needs: itself and the encoder it listens to.
    """
    pipe: PairRelation = nlp.get_pipe(name)  # type: ignore[assignment]
    docs = (pair_doc(nlp, first, second) for first, second in texts)
    for doc in pipe.pipe(docs, batch_size=batch_size):
        yield [(label, pair.score) for pair in read_pairs(doc, key=pipe.spans_key) for label in pair.labels]
