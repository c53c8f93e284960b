"""The component ``cpncf_assertion``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations.extensions import install_aliases, install_extensions
from ..annotations.groups import (
    ENTS,
    FINDINGS,
    GIVEN,
    GIVEN_SPANS_ONLY,
    annotated_labels,
    group_values,
    is_annotated,
    sentence_bounds,
    write_group,
)
from ..encoder.decisions import Decisions, exclusive_decisions, independent_decisions
from ..encoder.head import Head, aligned_bounds
from ..encoder.losses import softmax, softmax_cross_entropy
from ..encoder.views.requests import Bounds, Reading, Unit
from ..errors import MedmtlError
from .contexts import KINDS, context_units
from .evidence import register
from .gold import FindingGold, GoldFinding, judged_modifiers, read_gold, stack_spans
from .judging import Judgement, judge, span_loss
from .model import FindingInput
from .tags import Finding, TagSet, outermost

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
MODES = ("find", "assert", "both")
TAGS, STATUS, HELD = "tags", "status", "modifiers"  # names of the outputs, for their temperatures


@Language.factory(
    "cpncf_assertion",
    assigns=["doc.spans", "span._.assertion", "span._.assertion_scores", "span._.is_negated"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": FINDINGS,
        "statuses": STATUSES,
        "context": 2,
        "context_kind": "sentence",
        "headings": False,
        "speakers": {},
        "mode": "both",
        "given": [GIVEN],
        "aliases": [],
        "scorer": {"@scorers": "spacy-medmtl.cpncf_assertion_scorer.v1"},
    },
    default_score_weights={
        "cpncf_assertion_f": 1.0,
        "cpncf_assertion_p": None,
        "cpncf_assertion_r": None,
        "cpncf_assertion_macro_f": None,
        "cpncf_assertion_span_f": None,
        "cpncf_assertion_f_per_type": None,
        "cpncf_assertion_f_per_modifier": None,
    },
)
def make_cpncf_assertion(
    nlp: Language,
    name: str,
    model: Model,
    spans_key: str,
    statuses: list[str],
    context: int,
    context_kind: str,
    headings: bool,
    speakers: dict[str, str],
    mode: str,
    given: list[str],
    aliases: list[str],
    scorer: Callable | None,
) -> "CpncfAssertion":
    """Find clinical findings, and decide the status and modifiers of these and of spans that are already there.

    spans_key: where findings are written, and read from in training: status in ``attrs["assertion"]``, names of what
        else holds (uncertain, hypothetical, historical, family, ...) in ``attrs["assertion_modifiers"]``.
    statuses: what a finding can be.
    context: neighbours on either side that are read along, behind [C] markers.
    context_kind: what a neighbour is: ``sentence``, or ``turn`` (``doc.spans["medmtl_turns"]``, where a Doc has it).
    headings: also read the heading that a sentence stands under ("Family history:").
    speakers: what is read in front of a turn, by its speaker in ``attrs["speakers"]`` of the turns, for example
        {"D": "doctor", "P": "patient"}; empty: speakers are not read.
    mode: ``find`` findings, with the status of their tags as in the paper; ``assert`` the status of given spans;
        ``both``, all judged as spans.
    given: where given spans are looked for: keys of span groups, or "ents" for ``doc.ents``.
    aliases: also offer the names of "negspacy" (``span._.negex``) or "edsnlp" (``span._.negation``, ``hypothesis``,
        ``history``, ``family``), where nobody else has registered them.
    """
    install_extensions()
    install_aliases(aliases, name)
    for setting, received, expected in (("mode", mode, MODES), ("context_kind", context_kind, KINDS)):
        if received not in expected:
            raise MedmtlError("E203", setting=setting, name=name, received=received, expected=expected)
    component = CpncfAssertion(
        nlp.vocab,
        model,
        name,
        scorer=scorer,
        component=name,
        spans_key=spans_key,
        statuses=list(statuses),
        context=context,
        context_kind=context_kind,
        headings=headings,
        speakers=dict(speakers),
        mode=mode,
        given=list(given),
        modifiers=[],
    )
    register(component)
    return component


class CpncfAssertion(Head[FindingGold]):
    """See ``make_cpncf_assertion``. Labels are finding types. Each Doc gets ``doc.spans[spans_key]`` with, per finding,
    ``assertion`` (status), ``scores`` (its probability), ``assertion_modifiers`` (names of those that hold) and
    ``assertion_scores`` (probability of every status and modifier).

    The one rule for conflicts: found findings do not overlap one another (``tags`` says how), and the status of each is
    decided over all its tokens. Given spans are judged each by itself, whatever overlaps them, and keep their label. A
    given span with the boundaries and label of a found one is that finding.
    """

    @property
    def tags(self) -> TagSet:
        return TagSet(self.labels, self.cfg["statuses"])

    @property
    def modifiers(self) -> list[str]:
        """Names of what can hold of a finding besides its status, as found in the training data."""
        return list(self.cfg["modifiers"])

    def n_outputs(self) -> int:
        return self.tags.n_tags + len(self.cfg["statuses"]) + len(self.modifiers)

    def gold_labels(self, doc: Doc) -> Iterable[str]:
        found = {str(name) for held in group_values(doc, self.spans_key, "assertion_modifiers") for name in held}
        self.cfg["modifiers"] = sorted(found | set(self.modifiers))
        return [span.label_ for span in doc.spans.get(self.spans_key, [])]

    def unusable(self, example: Example) -> Iterator[str]:
        yield from super().unusable(example)
        if is_annotated(example.reference, self.spans_key):
            findings = self._gold(example)
            yield from ["overlaps another finding"] * outermost([found[:4] for found in findings])[1]
            units = aligned_bounds(example, sentence_bounds(example.reference), mode="expand")
            for first, last, *_ in findings:
                if not any(unit is not None and unit[0] <= first and last <= unit[1] for unit in units):
                    yield "crosses a sentence border"

    def _gold(self, example: Example) -> list[GoldFinding]:
        settings = {"statuses": self.cfg["statuses"], "modifiers": self.modifiers}
        return read_gold(example, self.spans_key, name=self.name, **settings)

    def _reading(self, doc: Doc, bounds: Sequence[Bounds], wanted: Sequence[Bounds] | None = None) -> Reading:
        """What is read of a Doc with the sentences ``bounds``: each with its context. wanted: only those sentences that
        share a token with one of these."""
        names = {"neighbours": "context", "kind": "context_kind", "headings": "headings", "speakers": "speakers"}
        settings = {name: self.cfg[setting] for name, setting in names.items()}
        units = context_units(doc, bounds, **settings)
        if wanted is not None:
            is_wanted = numpy.zeros(len(doc), dtype=bool)
            for start, end in wanted:
                is_wanted[start:end] = True
            units = [unit for unit in units if is_wanted[unit.start : unit.end].any()]
        return Reading(doc, units, marked=True)

    def training_batch(self, examples: Sequence[Example]) -> tuple[FindingInput, FindingGold]:
        tags, n_rows = self.tags, 0
        readings: list[Reading] = []
        columns: list[numpy.ndarray] = [numpy.zeros(0, dtype=int)]
        allowed: list[numpy.ndarray] = [numpy.zeros((0, tags.n_tags), dtype=bool)]
        rows: list[numpy.ndarray] = []
        spans: list[GoldFinding] = []
        known: list[list[bool]] = []  # modifiers that are judged, of each of the spans
        for example in examples:
            reference, doc = example.reference, example.predicted
            own = annotated_labels(reference, self.spans_key, self.labels)
            if not own or not len(doc):
                continue
            aligned = aligned_bounds(example, sentence_bounds(reference), mode="expand")
            units = [bounds for bounds in aligned if bounds is not None]
            gold = self._gold(example)
            for finding in gold:
                self.column(finding.label)  # raises on a type that the component does not know
            labelled = self._columns(tags.encode(outermost([one[:4] for one in gold])[0], len(doc)), units, reference)
            judged = [one for one in gold if one.label in own and doc[one.start : one.end].text.strip()]
            if (labelled < 0).all() and not judged:  # a Doc that gives no loss must not make a step
                continue
            readings.append(self._reading(doc, units))
            columns.append(labelled)
            allowed.append(numpy.repeat(tags.allowed(own)[None], len(doc), axis=0))
            rows += [numpy.arange(n_rows + one.start, n_rows + one.end) for one in judged]
            spans += judged
            known += [judged_modifiers(reference, self.spans_key, self.modifiers)] * len(judged)
            n_rows += len(doc)
        statuses = [self.cfg["statuses"].index(one.status) for one in spans]
        span_gold = stack_spans(statuses, [one.modifiers for one in spans], known, len(self.modifiers))
        return FindingInput(readings, rows), FindingGold(numpy.concatenate(columns), numpy.vstack(allowed), span_gold)

    def _columns(self, columns: numpy.ndarray, units: Sequence[Bounds], reference: Doc) -> numpy.ndarray:
        """Take out of the loss of tags the tokens that no unit reads; and all, where no findings are searched for or
        the corpus only judged given spans."""
        read = numpy.zeros(len(columns), dtype=bool)
        for start, end in units:
            read[start:end] = True
        if reference.spans[self.spans_key].attrs.get(GIVEN_SPANS_ONLY) or self.cfg["mode"] == "assert":
            read[:] = False
        return numpy.where(read, columns, -1)

    def loss(self, gold: FindingGold, scores: Floats2d) -> tuple[float, Floats2d]:
        """Mean cross-entropy of the tags, plus that of statuses and modifiers (``span_loss``)."""
        n_tokens, n_tags = len(gold.columns), self.tags.n_tags
        gradient = scores * 0.0
        loss, gradient[:n_tokens, :n_tags] = softmax_cross_entropy(
            scores[:n_tokens, :n_tags], gold.columns, gold.allowed
        )
        of_spans, gradient[n_tokens:, n_tags:] = span_loss(scores[n_tokens:, n_tags:], gold.spans)
        return loss + of_spans, gradient

    def decided(self, gold: FindingGold, scores: Floats2d) -> dict[str, Decisions]:
        n_tokens, n_tags = len(gold.columns), self.tags.n_tags
        of_tokens, of_spans = scores[:n_tokens, :n_tags], scores[n_tokens:, n_tags:]
        n_statuses, spans = len(self.cfg["statuses"]), gold.spans
        any_status = numpy.ones((len(of_spans), n_statuses), dtype=bool)
        return {
            TAGS: exclusive_decisions(of_tokens, gold.columns, gold.allowed),
            STATUS: exclusive_decisions(of_spans[:, :n_statuses], spans.statuses, any_status),
            HELD: independent_decisions(of_spans[:, n_statuses:], spans.modifiers, spans.judged),
        }

    def predict(self, docs: Iterable[Doc]) -> list[list[tuple[Finding, Judgement]]]:
        """Per Doc: what was found, in the order of the text, then what was given and is not among it."""
        docs = list(docs)
        given = [self._given(doc) for doc in docs]
        readings = [self.reading(doc, spans) for doc, spans in zip(docs, given)]
        read = [i for i, reading in enumerate(readings) if reading.units]
        found: list[list[tuple[Finding, Judgement]]] = [[] for _ in docs]
        if not read:
            return found
        logits, firsts = self._read([readings[i] for i in read])
        judged: list[tuple[int, Finding]] = []
        for n, i in enumerate(read):
            findings = self._search(logits[firsts[n] : firsts[n + 1], : self.tags.n_tags], readings[i].units)
            known = {(one.start, one.end, one.label) for one in findings}
            others = [one for one in given[i] if (one.start, one.end, one.label) not in known]
            judged += [(n, one) for one in [*findings, *others]]
        places = [(firsts[n] + one.start, firsts[n] + one.end) for n, one in judged]
        for (n, one), judgement in zip(judged, self._judge(logits, places)):
            found[read[n]].append((one, judgement))
        return found

    def reading(self, doc: Doc, given: Sequence[Finding]) -> Reading:
        """What prediction reads of a Doc: all of its sentences, or where nothing is searched for those with a given
        span."""
        wanted = [(one.start, one.end) for one in given] if self.cfg["mode"] == "assert" else None
        return self._reading(doc, sentence_bounds(doc), wanted)

    def _read(self, readings: Sequence[Reading]) -> tuple[numpy.ndarray, list[int]]:
        """Logits of all tokens of what is read, and the row of each Doc's first token, with the end behind. Of tokens
        that are not read they mean nothing."""
        lengths = [len(reading.doc) for reading in readings]
        return self.logits(FindingInput(readings)), [0, *accumulate(lengths)]

    def _judge(self, logits: numpy.ndarray, places: Sequence[Bounds]) -> list[Judgement]:
        """Judgements of spans of rows. The layer is linear: its output for a mean row is the mean of its outputs."""
        means = [logits[start:end, self.tags.n_tags :].mean(axis=0) for start, end in places]
        temperatures = self.temperature(STATUS), self.temperature(HELD)
        return judge(numpy.stack(means), self.cfg["statuses"], self.modifiers, temperatures) if means else []

    def judge_spans(self, docs: Sequence[Doc], places: Sequence[Bounds]) -> list[Judgement]:
        """The judgement of one span [start, end) of each Doc, which must not be blank."""
        readings = [self._reading(doc, sentence_bounds(doc), [place]) for doc, place in zip(docs, places)]
        logits, firsts = self._read(readings)
        return self._judge(logits, [(first + start, first + end) for first, (start, end) in zip(firsts, places)])

    def words_read_for(self, span: Span) -> list[int]:
        """The words that are read along with a span: of its sentences and their context, without its own."""
        units = self._reading(span.doc, sentence_bounds(span.doc)).units
        around = [unit for unit in units if unit.start < span.end and span.start < unit.end]
        words = {i for unit in around for i in (*range(unit.left, unit.right), *range(*(unit.heading or (0, 0))))}
        doc = span.doc
        return [i for i in sorted(words) if not (span.start <= i < span.end or doc[i].is_space or doc[i].is_punct)]

    def _search(self, logits: numpy.ndarray, units: Sequence[Unit]) -> list[Finding]:
        """Findings in units of a Doc, from the logits of its tokens' tags; none where only given spans are judged."""
        if self.cfg["mode"] == "assert":
            return []
        findings = []
        probabilities, calibrated = softmax(logits), softmax(logits / self.temperature(TAGS))
        for unit in units:
            start, end = unit.start, unit.end
            for one in self.tags.decode(probabilities[start:end], calibrated[start:end]):
                findings.append(Finding(one.start + start, one.end + start, one.label, one.status, one.score))
        return findings

    def _given(self, doc: Doc) -> list[Finding]:
        """Given spans, each once. Blank ones say nothing and are left out."""
        if self.cfg["mode"] == "find":
            return []
        found: dict[tuple[int, int, str], Finding] = {}
        for source in self.cfg["given"]:
            for span in doc.ents if source == ENTS else doc.spans.get(source, []):
                place = (span.start, span.end, span.label_)
                if place not in found and span.text.strip():
                    found[place] = Finding(*place, status="", score=0.0)
        return list(found.values())

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]`` with values per finding."""
        for doc, findings in zip(docs, predictions):
            spans, values = [], []
            for one, judgement in findings:
                spans.append(Span(doc, one.start, one.end, label=one.label))
                values.append(_values(one, judgement, by_tags=self.cfg["mode"] == "find"))
            names = ("assertion", "scores", "assertion_modifiers", "assertion_scores")
            columns: dict[str, list[Any]] = {name: [value[name] for value in values] for name in names}
            write_group(doc, self.spans_key, spans, **columns)


def _values(finding: Finding, judgement: Judgement, *, by_tags: bool) -> dict[str, Any]:
    """What is written of one finding. by_tags: its status is that of its tags."""
    return {
        "assertion": finding.status if by_tags else judgement.status,
        "scores": finding.score if by_tags else judgement.score,
        "assertion_modifiers": list(judgement.modifiers),
        "assertion_scores": judgement.scores,
    }
