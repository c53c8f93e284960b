"""The component ``sentence_intent``."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations.extensions import install_extensions
from ..annotations.groups import INTENTS, annotated_labels, is_annotated, sentence_bounds, trimmed, write_group
from ..encoder.decisions import Decisions, exclusive_decisions, independent_decisions
from ..encoder.head import Head, aligned_bounds
from ..encoder.losses import sigmoid, sigmoid_cross_entropy, softmax, softmax_cross_entropy
from ..encoder.views.requests import Bounds, Reading, units_with_context

DEFAULT_CONFIG = """
[model]
@architectures = "spacy-medmtl.SentenceIntent.v1"
lr_scale = 10.0

[model.tok2vec]
@architectures = "spacy-medmtl.RouteListener.v1"
route = "sentence_intent"
view = "sentence"
upstream = "*"
"""
OUTPUT = "intents"  # name of the output, for its temperature


@Language.factory(
    "sentence_intent",
    assigns=["doc.spans", "doc.cats", "span._.intent"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": INTENTS,
        "units": "sentence",
        "context": 0,
        "multi_label": False,
        "threshold": 0.5,
        "scorer": {"@scorers": "spacy-medmtl.sentence_intent_scorer.v1"},
    },
    default_score_weights={
        "sentence_intent_f": 1.0,
        "sentence_intent_p": None,
        "sentence_intent_r": None,
        "sentence_intent_macro_f": None,
        "sentence_intent_f_per_type": None,
    },
)
def make_sentence_intent(
    nlp: Language,
    name: str,
    model: Model,
    spans_key: str,
    units: str,
    context: int,
    multi_label: bool,
    threshold: float,
    scorer: Callable | None,
) -> "SentenceIntent":
    """Classify sentences, the spans of a group, or whole Docs.

    spans_key: where units with their labels are written, and read from in training.
    units: ``sentence``, ``doc`` (labels go to ``doc.cats``), or the key of a span group whose spans are the units.
    context: units either side that are read along, behind [C] markers.
    multi_label: any number of labels per unit (sigmoid) instead of exactly one (softmax). In training, units of an
        annotated Doc that bear no label are examples of none.
    threshold: probability from which a label of the multi-label variant is written.
    """
    install_extensions()
    return SentenceIntent(
        nlp.vocab,
        model,
        name,
        scorer=scorer,
        component=name,
        spans_key=spans_key,
        units=units,
        context=context,
        multi_label=multi_label,
        threshold=threshold,
    )


@dataclass(frozen=True)
class IntentGold:
    """Per unit, in reading order: which labels hold and which are judged at all. Both bool [n_units, n_labels]."""

    labels: numpy.ndarray
    judged: numpy.ndarray

    @property
    def columns(self) -> numpy.ndarray:
        """The one label of each unit, -1 where it has none."""
        return numpy.where(self.labels.any(axis=1), self.labels.argmax(axis=1), -1)


class SentenceIntent(Head[IntentGold]):
    """See ``make_sentence_intent``. Writes spans labelled with their intent, probabilities in ``attrs["scores"]``."""

    @property
    def units(self) -> str:
        """``sentence``, ``doc`` or the key of a span group."""
        return str(self.cfg["units"])

    def gold_labels(self, doc: Doc) -> Iterable[str]:
        if self.units == "doc":
            return list(doc.cats)
        return [span.label_ for span in doc.spans.get(self.spans_key, [])]

    def unusable(self, example: Example) -> Iterator[str]:
        """Units are widened to whole tokens, so only those of nothing but white space are lost."""
        if self.units != "doc":
            spans = example.reference.spans.get(self.spans_key, [])
            aligned = aligned_bounds(example, [(span.start, span.end) for span in spans], mode="expand")
            for bounds in aligned:
                if bounds is None or not example.predicted[slice(*bounds)].text.strip():
                    yield "empty"

    def _units(self, doc: Doc) -> list[Bounds]:
        """Units of a Doc at prediction, those of nothing but white space left out."""
        if self.units == "doc":
            bounds = [trimmed(doc, 0, len(doc))]
        elif self.units == "sentence":
            bounds = sentence_bounds(doc)
        else:
            bounds = sorted({trimmed(doc, span.start, span.end) for span in doc.spans.get(self.units, [])})
        return [(start, end) for start, end in bounds if start < end]

    def _reading(self, doc: Doc, bounds: Sequence[Bounds], chosen: Container[Bounds]) -> Reading:
        """Read the ``chosen`` of all units of a Doc; their context may be any."""
        context = self.cfg["context"]
        units = [unit for unit in units_with_context(bounds, context) if (unit.start, unit.end) in chosen]
        return Reading(doc, units, marked=context > 0)

    def training_batch(self, examples: Sequence[Example]) -> tuple[list[Reading], IntentGold]:
        readings: list[Reading] = []
        labels: list[numpy.ndarray] = []
        judged: list[numpy.ndarray] = []
        for example in examples:
            gold = self._gold_units(example)
            bounds = sorted({*gold, *self._other_units(example, gold)})
            if self.cfg["multi_label"] and self.units != "doc" and is_annotated(example.reference, self.spans_key):
                gold = {unit: gold.get(unit, self._row([])) for unit in bounds}
            own = self._judged(example.reference)
            if self.cfg["multi_label"]:
                gold = gold if own.any() else {}
            else:
                gold = {unit: row for unit, row in gold.items() if (row & own).any()}
            if gold:  # a Doc that gives no loss must not make a step
                readings.append(self._reading(example.predicted, bounds, gold))
                labels += [gold[bounds] for bounds in sorted(gold)]
                judged += [own] * len(gold)
        empty = numpy.zeros((0, len(self.labels)), dtype=bool)
        return readings, IntentGold(numpy.vstack([empty, *labels]), numpy.vstack([empty, *judged]))

    def _gold_units(self, example: Example) -> dict[Bounds, numpy.ndarray]:
        """Annotated units of an example in the tokens of its predicted Doc, with the labels that hold."""
        reference = example.reference
        found: dict[Bounds, numpy.ndarray] = {}
        if self.units == "doc":
            held = [((0, len(reference)), label) for label, value in reference.cats.items() if value >= 0.5]
            if reference.cats and self.cfg["multi_label"]:
                found = {unit: self._row([]) for unit in self._units(example.predicted)}
        else:
            held = [((span.start, span.end), span.label_) for span in reference.spans.get(self.spans_key, [])]
        aligned = aligned_bounds(example, [bounds for bounds, _ in held], mode="expand")
        for bounds, (_, label) in zip(aligned, held):
            bounds = None if bounds is None else trimmed(example.predicted, *bounds)
            if bounds is not None and bounds[0] < bounds[1]:
                found[bounds] = found.get(bounds, self._row([])) | self._row([label])
        return found

    def _other_units(self, example: Example, gold: dict[Bounds, numpy.ndarray]) -> list[Bounds]:
        """Units of the reference Doc apart from the gold: context of others, and in the multi-label variant, where any
        number of labels is possible, units of which none holds."""
        taken = {i for bounds in gold for i in range(*bounds)}
        aligned = aligned_bounds(example, self._units(example.reference), mode="expand")
        return [bounds for bounds in aligned if bounds is not None and taken.isdisjoint(range(*bounds))]

    def _row(self, labels: Sequence[str]) -> numpy.ndarray:
        row = numpy.zeros(len(self.labels), dtype=bool)
        row[[self.column(label) for label in labels]] = True
        return row

    def _judged(self, reference: Doc) -> numpy.ndarray:
        if self.units == "doc":
            return self._row([label for label in reference.cats if self.cfg["multi_label"]] or self.labels)
        return self._row(annotated_labels(reference, self.spans_key, self.labels))

    def loss(self, gold: IntentGold, scores: Floats2d) -> tuple[float, Floats2d]:
        if self.cfg["multi_label"]:
            return sigmoid_cross_entropy(scores, gold.labels, gold.judged)
        return softmax_cross_entropy(scores, gold.columns, gold.judged)

    def decided(self, gold: IntentGold, scores: Floats2d) -> dict[str, Decisions]:
        if self.cfg["multi_label"]:
            return {OUTPUT: independent_decisions(scores, gold.labels, gold.judged)}
        return {OUTPUT: exclusive_decisions(scores, gold.columns, gold.judged)}

    def predict(self, docs: Iterable[Doc]) -> list[tuple[list[Bounds], numpy.ndarray]]:
        """Per Doc: its units and their probabilities [n_units, n_labels]."""
        docs = list(docs)
        units = [self._units(doc) for doc in docs]
        readings = [self._reading(doc, bounds, bounds) for doc, bounds in zip(docs, units) if bounds]
        if not readings:
            return [([], numpy.zeros((0, len(self.labels)))) for _ in docs]
        logits = self.logits(readings) / self.temperature(OUTPUT)
        probabilities = sigmoid(logits) if self.cfg["multi_label"] else softmax(logits)
        borders = numpy.cumsum([0] + [len(bounds) for bounds in units])
        return [(bounds, probabilities[a:b]) for bounds, a, b in zip(units, borders, borders[1:])]

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]``, or ``doc.cats`` where the units are Docs."""
        for doc, (units, probabilities) in zip(docs, predictions):
            if self.units == "doc":
                for row in probabilities:  # other components' categories stay
                    doc.cats.update((label, float(p)) for label, p in zip(self.labels, row))
                continue
            spans, scores = [], []
            for (start, end), row in zip(units, probabilities):
                chosen = numpy.flatnonzero(row >= self.cfg["threshold"]) if self.cfg["multi_label"] else [row.argmax()]
                for column in chosen:
                    spans.append(Span(doc, start, end, label=self.labels[column]))
                    scores.append(float(row[column]))
            write_group(doc, self.spans_key, spans, scores=scores)
