"""The component ``cpncf_assertion``."""

from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations.extensions import install_extensions
from ..annotations.groups import (
    FINDINGS,
    GIVEN,
    GIVEN_SPANS_ONLY,
    annotated_labels,
    group_values,
    is_annotated,
    sentence_bounds,
    write_group,
)
from ..encoder.head import Head, aligned_bounds
from ..encoder.losses import softmax, softmax_cross_entropy
from ..encoder.readings import Bounds, Reading, units_with_context
from ..errors import MedmtlError
from .tags import Finding, TagSet, outermost, status_given

DEFAULT_CONFIG = """
[model]
@architectures = "spacy-medmtl.CpncfAssertion.v1"
lr_scale = 10.0

[model.tok2vec]
@architectures = "spacy-medmtl.RouteListener.v1"
route = "cpncf_assertion"
view = "context"
upstream = "*"
"""
STATUSES = ["positive", "negative", "unknown"]


@Language.factory(
    "cpncf_assertion",
    assigns=["doc.spans", "span._.assertion", "span._.is_negated"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": FINDINGS,
        "statuses": STATUSES,
        "context": 2,
        "given_key": GIVEN,
        "scorer": {"@scorers": "spacy-medmtl.cpncf_assertion_scorer.v1"},
    },
    default_score_weights={
        "cpncf_assertion_f": 1.0,
        "cpncf_assertion_p": None,
        "cpncf_assertion_r": None,
        "cpncf_assertion_macro_f": None,
        "cpncf_assertion_span_f": None,
        "cpncf_assertion_f_per_type": None,
    },
)
def make_cpncf_assertion(
    nlp: Language,
    name: str,
    model: Model,
    spans_key: str,
    statuses: List[str],
    context: int,
    given_key: str,
    scorer: Optional[Callable],
) -> "CpncfAssertion":
    """Find clinical findings and their status, each sentence read with its neighbours.

    spans_key: where findings are written, and read from in training (status in ``attrs["assertion"]``).
    statuses: what a finding can be.
    context: sentences either side that are read along, behind [C] markers.
    given_key: where a Doc has a span group of this key, the status of its spans is decided, and none are searched for.
    """
    install_extensions()
    return CpncfAssertion(
        nlp.vocab,
        model,
        name,
        scorer=scorer,
        component=name,
        spans_key=spans_key,
        statuses=list(statuses),
        context=context,
        given_key=given_key,
    )


@dataclass(frozen=True)
class TagGold:
    """Per token of all readings: tag column, -1 for no loss [n_tokens], and judged tags [n_tokens, n_tags]."""

    columns: numpy.ndarray
    allowed: numpy.ndarray


class CpncfAssertion(Head[TagGold]):
    """See ``make_cpncf_assertion``. Labels are finding types; each Doc gets ``doc.spans[spans_key]`` with one
    ``assertion`` and one probability (``scores``) per finding."""

    @property
    def tags(self) -> TagSet:
        return TagSet(self.labels, self.cfg["statuses"])

    def n_outputs(self) -> int:
        return self.tags.n_tags

    def gold_labels(self, doc: Doc) -> Iterable[str]:
        return [span.label_ for span in doc.spans.get(self.spans_key, [])]

    def unusable(self, example: Example) -> Iterator[str]:
        yield from super().unusable(example)
        if is_annotated(example.reference, self.spans_key):
            findings = self._gold(example)
            yield from ["overlaps another finding"] * outermost(findings)[1]
            units = aligned_bounds(example, sentence_bounds(example.reference), mode="expand")
            for first, last, *_ in findings:
                if not any(unit is not None and unit[0] <= first and last <= unit[1] for unit in units):
                    yield "crosses a sentence border"

    def _gold(self, example: Example) -> List[Tuple[int, int, str, str]]:
        """Gold findings in the tokens of the predicted Doc. Raises MedmtlError E203 on an unknown status, E104 where
        there are findings without."""
        reference, key = example.reference, self.spans_key
        statuses, spans = group_values(reference, key, "assertion"), list(reference.spans[key])
        if len(statuses) != len(spans):
            raise MedmtlError("E104", name="assertion", key=key, received=len(statuses), expected=len(spans))
        found = []
        for bounds, span, status in zip(aligned_bounds(example, [(s.start, s.end) for s in spans]), spans, statuses):
            if status not in self.cfg["statuses"]:
                raise MedmtlError(
                    "E203", setting="assertion", name=self.name, received=status, expected=self.cfg["statuses"]
                )
            if bounds is not None:
                found.append((*bounds, span.label_, str(status)))
        return found

    def _reading(self, doc: Doc, bounds: Sequence[Bounds]) -> Reading:
        return Reading(doc, units_with_context(bounds, self.cfg["context"]), marked=True)

    def training_batch(self, examples: Sequence[Example]) -> Tuple[List[Reading], TagGold]:
        tags = self.tags
        readings: List[Reading] = []
        columns: List[numpy.ndarray] = [numpy.zeros(0, dtype=int)]
        allowed: List[numpy.ndarray] = [numpy.zeros((0, tags.n_tags), dtype=bool)]
        for example in examples:
            reference, doc = example.reference, example.predicted
            own = annotated_labels(reference, self.spans_key, self.labels)
            if not own or not len(doc):
                continue
            aligned = aligned_bounds(example, sentence_bounds(reference), mode="expand")
            units = [bounds for bounds in aligned if bounds is not None]
            gold = self._gold(example)
            for finding in gold:
                self.column(finding[2])  # raises on a type that the component does not know
            labelled = self._columns(tags.encode(outermost(gold)[0], len(doc)), units, reference)
            if (labelled < 0).all():  # a Doc that gives no loss must not make a step
                continue
            readings.append(self._reading(doc, units))
            columns.append(labelled)
            allowed.append(numpy.repeat(tags.allowed(own)[None], len(doc), axis=0))
        return readings, TagGold(numpy.concatenate(columns), numpy.vstack(allowed))

    def _columns(self, columns: numpy.ndarray, units: Sequence[Bounds], reference: Doc) -> numpy.ndarray:
        """Take out of the loss the tokens that no unit reads, and where only given spans were judged all others."""
        read = numpy.zeros(len(columns), dtype=bool)
        for start, end in units:
            read[start:end] = True
        if reference.spans[self.spans_key].attrs.get(GIVEN_SPANS_ONLY):
            read &= columns > 0
        return numpy.where(read, columns, -1)

    def loss(self, gold: TagGold, scores: Floats2d) -> Tuple[float, Floats2d]:
        return softmax_cross_entropy(scores, gold.columns, gold.allowed)

    def predict(self, docs: Iterable[Doc]) -> List[List[Finding]]:
        """Per Doc: its findings, in the order of the text."""
        docs = list(docs)
        units = [sentence_bounds(doc) for doc in docs]
        readings = [self._reading(doc, bounds) for doc, bounds in zip(docs, units) if bounds]
        if not readings:
            return [[] for _ in docs]
        probabilities = softmax(self.logits(readings))
        found: List[List[Finding]] = []
        first = 0
        for doc, bounds in zip(docs, units):
            rows = probabilities[first : first + len(doc)] if bounds else probabilities[:0]
            first += len(rows)
            found.append(self._given(doc, rows) if self.cfg["given_key"] in doc.spans else self._search(rows, bounds))
        return found

    def _search(self, probabilities: numpy.ndarray, bounds: Sequence[Bounds]) -> List[Finding]:
        findings = []
        for start, end in bounds:
            for one in self.tags.decode(probabilities[start:end]):
                findings.append(Finding(one.start + start, one.end + start, one.label, one.status, one.score))
        return findings

    def _given(self, doc: Doc, probabilities: numpy.ndarray) -> List[Finding]:
        """The status of each given span under its own label, whatever that is; blank ones say nothing and are left
        out."""
        findings = []
        for span in doc.spans[self.cfg["given_key"]]:
            if span.text.strip():
                status, score = status_given(self.tags, probabilities[span.start : span.end])
                findings.append(Finding(span.start, span.end, span.label_, status, score))
        return findings

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]`` with ``assertion`` and ``scores`` per finding."""
        for doc, findings in zip(docs, predictions):
            spans = [Span(doc, found.start, found.end, label=found.label) for found in findings]
            write_group(
                doc,
                self.spans_key,
                spans,
                assertion=[found.status for found in findings],
                scores=[found.score for found in findings],
            )
