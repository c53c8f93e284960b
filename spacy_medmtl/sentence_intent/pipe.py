"""The component ``sentence_intent``."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config, Model

from ..annotations.extensions import install_extensions
from ..annotations.groups import INTENTS, Bounds, annotated_labels, is_annotated, sentence_bounds, trimmed, write_group
from ..annotations.items import Item, judged_by, span_items
from ..annotations.steady import aligned_group
from ..encoder.views.requests import DocumentReading, Reading, ToRead, units_with_context
from ..heads.alignment import aligned_bounds, aligned_sentences
from ..heads.head import Head
from ..heads.outputs import Exclusive, Independent, UnitLabels, stacked
from ..heads.tok2vec import reads_documents
from ..kinds import FLAG, THRESHOLD, text, whole_number
from ..settings import Setting
from .scorer import HOLDS, cat_items, judges_cats

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
    context: units either side that are read along, behind [C] markers (in the view ``document``, all is).
    multi_label: any number of labels per unit (sigmoid) instead of exactly one (softmax). In training, units of an
        annotated Doc that bear no label are examples of none.
    threshold: probability from which a label of the multi-label variant is written.
    Raises MedmtlError E203 for a setting of another kind.
    """
    install_extensions()
    return SentenceIntent(
        nlp,
        model,
        name,
        scorer=scorer,
        spans_key=spans_key,
        units=units,
        context=context,
        multi_label=multi_label,
        threshold=threshold,
    )


class SentenceIntent(Head[UnitLabels]):
    """See ``make_sentence_intent``. Writes spans labelled with their intent, probabilities in ``attrs["scores"]``."""

    output_name: ClassVar[str] = "intents"
    units = Setting(text("'sentence', 'doc' or the key of a span group"))
    context = Setting(whole_number())
    multi_label = Setting(FLAG)
    threshold = Setting(THRESHOLD)

    @property
    def output(self) -> Exclusive | Independent:
        return Independent() if self.multi_label else Exclusive()

    @property
    def thresholds(self) -> Mapping[str, str]:
        return {self.output_name: "threshold"} if self.multi_label else {}

    def items(self, doc: Doc) -> list[Item] | None:
        return cat_items(doc) if self.uses_cats else span_items(doc, self.spans_key)

    def judges(self, doc: Doc) -> Callable[[str], bool]:
        return judges_cats(doc, self.multi_label) if self.uses_cats else judged_by(doc, self.spans_key)

    @property
    def has_given_units(self) -> bool:
        return True

    @property
    def uses_cats(self) -> bool:
        return bool(self.units == "doc")

    def gold_labels(self, doc: Doc) -> list[str]:
        """Categories that do not hold are labels as well."""
        return list(doc.cats) if self.uses_cats else super().gold_labels(doc)

    def unusable(self, example: Example) -> Iterator[str]:
        """Units are widened to whole tokens, so only those of nothing but white space are lost."""
        if not self.uses_cats:
            spans = example.reference.spans.get(self.spans_key, [])
            aligned = aligned_bounds(example, [(span.start, span.end) for span in spans], mode="expand")
            yield from ["empty"] * aligned.count(None)

    def _units(self, doc: Doc) -> list[Bounds]:
        """Units of a Doc at prediction, those of nothing but white space left out."""
        if self.uses_cats:
            bounds = [trimmed(doc, 0, len(doc))]
        elif self.units == "sentence":
            bounds = sentence_bounds(doc)
        else:
            # each place once, however many labels a group has for it
            bounds = sorted({trimmed(doc, span.start, span.end) for span in aligned_group(doc, self.units) or ()})
        return [(start, end) for start, end in bounds if start < end]

    def _reading(
        self, doc: Doc, bounds: Sequence[Bounds], chosen: Container[Bounds], sentences: Sequence[Bounds]
    ) -> ToRead:
        """Read the ``chosen`` of all units ``bounds`` of a Doc; their context may be any."""
        if reads_documents(self.model):
            return DocumentReading(doc, sentences, [unit for unit in bounds if unit in chosen])
        units = [unit for unit in units_with_context(bounds, self.context) if (unit.start, unit.end) in chosen]
        return Reading(doc, units, marked=self.context > 0)

    def training_batch(self, examples: Sequence[Example]) -> tuple[list[ToRead], UnitLabels]:
        readings: list[ToRead] = []
        labels: list[numpy.ndarray] = []
        judged: list[numpy.ndarray] = []
        for example in examples:
            gold = self._gold_units(example)
            # units with gold and their neighbours, in the order of the text: context of one another
            bounds = sorted({*gold, *self._other_units(example, gold)})
            if self.multi_label and not self.uses_cats and is_annotated(example.reference, self.spans_key):
                # any number of labels includes none: a unit without one is an example of that
                gold = {unit: gold.get(unit, self.row_of([])) for unit in bounds}
            own = self._judged(example.reference)
            gold = {unit: row for unit, row in gold.items() if self.output.learns_from(row, own)}
            if gold:  # a Doc that gives no loss must not make a step
                readings.append(self._reading(example.predicted, bounds, gold, aligned_sentences(example)))
                # in the order in which the reading gives rows
                labels += [gold[bounds] for bounds in sorted(gold)]
                judged += [own] * len(gold)
        return readings, stacked(labels, judged, len(self.labels))

    def _gold_units(self, example: Example) -> dict[Bounds, numpy.ndarray]:
        """Annotated units of an example in the tokens of its predicted Doc, with the labels that hold."""
        reference = example.reference
        units: dict[Bounds, numpy.ndarray] = {}
        if self.uses_cats:
            held = [((0, len(reference)), label) for label, value in reference.cats.items() if value >= HOLDS]
            # a Doc of whose categories none holds is an example too
            if reference.cats and self.multi_label:
                units = {unit: self.row_of([]) for unit in self._units(example.predicted)}
        else:
            held = [((span.start, span.end), span.label_) for span in reference.spans.get(self.spans_key, [])]
        aligned = aligned_bounds(example, [bounds for bounds, _ in held], mode="expand")
        for bounds, (_, label) in zip(aligned, held):
            if bounds is not None:
                # one unit may stand in the group once for each of its labels
                units[bounds] = units.get(bounds, self.row_of([])) | self.row_of([label])
        return units

    def _other_units(self, example: Example, gold: dict[Bounds, numpy.ndarray]) -> list[Bounds]:
        """Units of the reference Doc apart from the gold: context of others, and in the multi-label variant, where any
        number of labels is possible, units of which none holds."""
        # a unit that shares a token with gold is that gold, only cut otherwise
        taken = {i for bounds in gold for i in range(*bounds)}
        aligned = aligned_bounds(example, self._units(example.reference), mode="expand")
        return [bounds for bounds in aligned if bounds is not None and taken.isdisjoint(range(*bounds))]

    def _judged(self, reference: Doc) -> numpy.ndarray:
        if self.uses_cats:
            return self.row_of([label for label in reference.cats if self.multi_label] or self.labels)
        return self.row_of(annotated_labels(reference, self.spans_key, self.labels))

    def predict(self, docs: Iterable[Doc]) -> list[tuple[list[Bounds], numpy.ndarray]]:
        """Per Doc: its units and their probabilities [n_units, n_labels]."""
        docs = list(docs)
        units = [self._units(doc) for doc in docs]
        readings = [
            self._reading(doc, bounds, set(bounds), sentence_bounds(doc)) for doc, bounds in zip(docs, units) if bounds
        ]
        if not readings:
            return [([], numpy.zeros((0, len(self.labels)))) for _ in docs]
        probabilities = self.probabilities(readings)
        # [n_units of all Docs, n_labels], cut at each Doc's last unit
        borders = numpy.cumsum([0] + [len(bounds) for bounds in units])
        return [(bounds, probabilities[a:b]) for bounds, a, b in zip(units, borders, borders[1:])]

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]``, or ``doc.cats`` where the units are Docs."""
        for doc, (units, probabilities) in zip(docs, predictions):
            if self.uses_cats:
                for row in probabilities:  # other components' categories stay
                    doc.cats.update((label, float(p)) for label, p in zip(self.labels, row))
                continue
            spans, scores = [], []
            for (start, end), row in zip(units, probabilities):
                for column in self.output.chosen(row, self.threshold):
                    spans.append(Span(doc, start, end, label=self.labels[column]))
                    scores.append(float(row[column]))
            write_group(doc, self.spans_key, spans, scores=scores)
