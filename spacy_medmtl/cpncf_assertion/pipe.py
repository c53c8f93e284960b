"""The component ``cpncf_assertion``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations.extensions import ALIASES, STATUSES, install_aliases, install_extensions
from ..annotations.groups import (
    FINDINGS,
    GIVEN,
    GIVEN_SPANS_ONLY,
    Bounds,
    annotated_labels,
    group_values,
    is_annotated,
    sentence_bounds,
    word_offsets,
    write_group,
)
from ..annotations.items import Item
from ..annotations.travelling import keep_values
from ..encoder.views.requests import DocumentReading, Reading, Unit
from ..heads.alignment import aligned_sentences
from ..heads.head import Head
from ..heads.outputs import Exclusive, Independent, LabelledLogits, Output, joined_logits
from ..heads.tok2vec import reads_documents
from ..kinds import FLAG, SHARE, SPEAKERS, THRESHOLD, Kind, choice, is_names, names, whole_number
from ..settings import Setting
from .contexts import KINDS, context_units, touching
from .detection import believed, detect, labelled_detections
from .evidence import annotates, install_evidence
from .given import CONFLICTS, KEEP, Sources, given_spans, is_given, settled, sources_of
from .gold import FindingGold, GoldFinding, read_gold, unusable_findings
from .gold_batch import GoldBatch
from .inputs import FindingInput
from .judgements import Judgement, judge, span_loss, with_tags
from .scorer import finding_items
from .tags import Finding, TagSet

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
EXCLUSIVE, INDEPENDENT = Exclusive(), Independent()
MODES = ("find", "assert", "both")
OTHER_TOOLS = Kind(
    lambda value: is_names(value) and set(value) <= set(ALIASES), f"a list of {' and '.join(ALIASES)}, each once"
)
GIVEN_SPANS = Kind(is_given, "keys of span groups, or 'ents', each once, or a dict of these with lists of labels")
DETECTION, STATUS, HELD = "detection", "status", "modifiers"  # names of the outputs, for their temperatures


@Language.factory(
    "cpncf_assertion",
    assigns=["doc.spans", "span._.assertion", "span._.assertion_scores", "span._.is_negated"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": FINDINGS,
        "statuses": list(STATUSES),
        "context": 2,
        "context_kind": "sentence",
        "headings": False,
        "speakers": {},
        "mode": "both",
        "given": [GIVEN],
        "conflicts": KEEP,
        "detection_threshold": 0.0,
        "status_threshold": 0.0,
        "tag_weight": 0.0,
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
    given: list[str] | dict[str, list[str] | None],
    conflicts: str,
    detection_threshold: float,
    status_threshold: float,
    tag_weight: float,
    aliases: list[str],
    scorer: Callable | None,
) -> "CpncfAssertion":
    """Find clinical findings, and decide the status and modifiers of these and of spans that are already there.

    spans_key: where findings are written, and read from in training: status in ``attrs["assertion"]``, names of what
        else holds (uncertain, hypothetical, historical, family, ...) in ``attrs["assertion_modifiers"]``.
    statuses: what a finding can be.
    context: neighbours on either side that are read along, behind [C] markers. In the view ``document`` the whole text
        is read, and this, ``context_kind``, ``headings`` and ``speakers`` say only what ``assertion_evidence`` tries.
    context_kind: what a neighbour is: ``sentence``, or ``turn`` (``doc.spans["medmtl_turns"]``, where a Doc has it).
    headings: also read the heading that a sentence stands under ("Family history:").
    speakers: what is read in front of a turn, by its speaker in ``attrs["speakers"]`` of the turns, for example
        {"D": "doctor", "P": "patient"}; empty: speakers are not read.
    mode: ``find`` findings and judge them; ``assert`` the status of given spans; ``both``.
    given: where given spans are looked for: keys of span groups, or "ents" for ``doc.ents``; or a dict of these with
        the labels that are given, as {"medmtl_ner": ["Problem"]} (null: all).
    conflicts: where a found finding and a given span overlap: ``keep`` both, or the ``found`` or the ``given`` one.
    detection_threshold: a found finding is written if it is a finding with at least this probability.
    status_threshold: where no status has at least this probability, ``unknown`` is written.
    tag_weight: the say of a found finding's tags in its status, from 0 to 1 (as in the paper; ``judgements.pooled``).
    aliases: also offer the names of "negspacy" (``span._.negex``) or "edsnlp" (``span._.negation``, ``hypothesis``,
        ``history``, ``family``), where nobody else has registered them.
    Raises MedmtlError E203 for a setting of another kind.
    """
    install_extensions()
    component = CpncfAssertion(
        nlp,
        model,
        name,
        scorer=scorer,
        spans_key=spans_key,
        statuses=statuses,
        context=context,
        context_kind=context_kind,
        headings=headings,
        speakers=speakers,
        mode=mode,
        given=given,
        conflicts=conflicts,
        detection_threshold=detection_threshold,
        status_threshold=status_threshold,
        tag_weight=tag_weight,
        aliases=aliases,
    )
    install_aliases(aliases)
    install_evidence()
    annotates(component, nlp.vocab)
    return component


class CpncfAssertion(Head[FindingGold]):
    """See ``make_cpncf_assertion``. Labels are finding types. Each Doc gets ``doc.spans[spans_key]`` with, per finding,
    ``assertion`` (status), ``scores`` (its probability), ``assertion_modifiers`` (names of those that hold),
    ``assertion_scores`` (probability of every status and modifier) and ``detection_scores`` (the probability that it is
    a finding; None of a given span).

    Found findings do not overlap one another (``tags`` says how). Given spans get a status each by itself, whatever
    overlaps them, and keep their label. A given span with the boundaries and label of a found one is that finding.
    """

    statuses = Setting(names("a list of two statuses or more, each once", at_least=2))
    context = Setting(whole_number())
    context_kind = Setting(choice(KINDS))
    headings = Setting(FLAG)
    speakers = Setting(SPEAKERS)
    mode = Setting(choice(MODES))
    given = Setting(GIVEN_SPANS)
    conflicts = Setting(choice(CONFLICTS))
    detection_threshold = Setting(THRESHOLD)
    status_threshold = Setting(THRESHOLD)
    tag_weight = Setting(SHARE)
    aliases = Setting(OTHER_TOOLS)
    learnt_names: ClassVar[Sequence[str]] = ("labels", "temperatures", "modifiers")

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._modifiers: list[str] = []
        super().__init__(*args, **settings)

    @property
    def given_keys(self) -> Sequence[str]:
        return tuple(self.sources)

    @property
    def given_labels(self) -> Mapping[str, Sequence[str]]:
        return {key: labels for key, labels in self.sources.items() if labels is not None}

    @property
    def sources(self) -> Sources:
        """Where given spans are looked for, and which labels are given."""
        return sources_of(self.given)

    @property
    def tags(self) -> TagSet:
        return TagSet(self.labels, self.statuses)

    @property
    def modifiers(self) -> list[str]:
        """Names of what can hold of a finding besides its status, as found in the training data."""
        return list(self._modifiers)

    def outputs(self) -> dict[str, Output]:
        return {DETECTION: INDEPENDENT, STATUS: EXCLUSIVE, HELD: INDEPENDENT}

    @property
    def thresholds(self) -> Mapping[str, str]:
        return {DETECTION: "detection_threshold", STATUS: "status_threshold"}

    def n_outputs(self) -> int:
        return self.tags.n_tags + len(self.statuses) + len(self.modifiers)

    def items(self, doc: Doc) -> list[Item] | None:
        return finding_items(doc, self.spans_key)

    def lists_all(self, doc: Doc) -> bool:
        """Not where a corpus judged given spans only."""
        return not doc.spans[self.spans_key].attrs.get(GIVEN_SPANS_ONLY)

    def notes(self, doc: Doc) -> Iterable[str]:
        """Modifiers are read off the data, as labels are."""
        return {str(name) for held in group_values(doc, self.spans_key, "assertion_modifiers") for name in held}

    def take_notes(self, notes: set[str]) -> None:
        # sorted for the same reason as labels: columns must not depend on the order of a corpus
        self._modifiers = sorted(notes | set(self._modifiers))

    def take_over(self, saved: Mapping[str, Any]) -> None:
        super().take_over(saved)
        self._modifiers = list(saved.get("modifiers", []))

    def unusable(self, example: Example) -> Iterator[str]:
        yield from super().unusable(example)
        if is_annotated(example.reference, self.spans_key):
            yield from unusable_findings(example, self._gold(example))

    def _gold(self, example: Example) -> list[GoldFinding]:
        return read_gold(example, self.spans_key, name=self.name, statuses=self.statuses, modifiers=self.modifiers)

    def _reading(
        self, doc: Doc, bounds: Sequence[Bounds], wanted: Sequence[Bounds] | None = None
    ) -> Reading | DocumentReading:
        """What is read of a Doc with the sentences ``bounds``: each with its context, or the whole. wanted: only those
        sentences that share a token with one of these."""
        if reads_documents(self.model):
            return DocumentReading(doc, bounds if wanted is None or wanted else ())
        return Reading(doc, self.context_units(doc, bounds, wanted), marked=True)

    def context_units(self, doc: Doc, bounds: Sequence[Bounds], wanted: Sequence[Bounds] | None = None) -> list[Unit]:
        """The sentences ``bounds``, each with what is read around it; with ``wanted``, those that share a token with
        one of these."""
        settings = {"kind": self.context_kind, "headings": self.headings, "speakers": self.speakers}
        units = context_units(doc, bounds, neighbours=self.context, **settings)
        return units if wanted is None else touching(units, wanted)

    def training_batch(self, examples: Sequence[Example]) -> tuple[FindingInput, FindingGold]:
        batch = GoldBatch(self.tags, self.modifiers, key=self.spans_key, tags_are_learnt=self.mode != "assert")
        for example in examples:
            own = annotated_labels(example.reference, self.spans_key, self.labels)
            if not own or not len(example.predicted):
                continue
            gold = self._gold(example)
            for finding in gold:
                self.column(finding.label)  # raises on a type that the component does not know
            sentences = aligned_sentences(example)
            batch.add(example, self._reading(example.predicted, sentences), sentences, gold, own)
        return batch.inputs(), batch.gold(self.statuses)

    def loss(self, gold: FindingGold, scores: Floats2d) -> tuple[float, Floats2d]:
        """Mean cross-entropy of the tags, plus that of statuses and modifiers (``span_loss``)."""
        n_tokens, n_tags = len(gold.tags.held), self.tags.n_tags
        gradient = scores * 0.0
        # token rows answer for tags, span rows for statuses and modifiers; the other two quarters bear no loss
        loss, gradient[:n_tokens, :n_tags] = EXCLUSIVE.loss(scores[:n_tokens, :n_tags], gold.tags)
        of_spans, gradient[n_tokens:, n_tags:] = span_loss(scores[n_tokens:, n_tags:], gold)
        return loss + of_spans, gradient

    def decisions(self, examples: Sequence[Example]) -> dict[str, LabelledLogits]:
        """By output: statuses and modifiers of the gold spans; and of each finding that it finds, whether it is one."""
        inputs, gold = self.training_batch(examples)
        if not inputs:
            return {}
        scores, n_tokens, n_statuses = self.logits(inputs), len(gold.tags.held), len(self.statuses)
        tag_logits = scores[:n_tokens, : self.tags.n_tags]
        of_tokens = [tag_logits[rows] for rows in inputs.spans]
        of_spans = with_tags(scores[n_tokens:, self.tags.n_tags :], of_tokens, self.tags, self._tag_weight)
        decided = {
            STATUS: EXCLUSIVE.labelled(of_spans[:, :n_statuses], gold.statuses),
            HELD: INDEPENDENT.labelled(of_spans[:, n_statuses:], gold.modifiers),
        }
        references, detected = {id(example.predicted): example for example in examples}, []
        for reading, first in zip(inputs.readings, inputs.first_rows()):
            example = references[id(reading.doc)]
            # elsewhere a finding that is not in the gold may be one all the same
            if self.lists_all(example.reference) and self.mode != "assert":
                own = tag_logits[first : first + len(reading.doc)]
                findings = detect(reading.doc, self.tags, own, reading.bounds)
                types = annotated_labels(example.reference, self.spans_key, self.labels)
                detected.append(labelled_detections(findings, self._gold(example), types))
        return {**decided, DETECTION: joined_logits(detected)} if detected else decided

    def predict(self, docs: Iterable[Doc]) -> list[list[tuple[Finding, Judgement]]]:
        """Per Doc: what was found, in the order of the text, then what was given and is not among it (``settled``)."""
        docs = list(docs)
        given = [self._given(doc) for doc in docs]
        readings = [self.reading(doc, spans) for doc, spans in zip(docs, given)]
        # blank Docs, and in mode "assert" those without given spans, do not reach the model
        read = [i for i, reading in enumerate(readings) if reading.bounds]
        predictions: list[list[tuple[Finding, Judgement]]] = [[] for _ in docs]
        if not read:
            return predictions
        inputs = FindingInput([readings[i] for i in read])
        logits, firsts = self.logits(inputs), inputs.first_rows()
        written: list[tuple[int, Finding]] = []  # number of the Doc among those that are read
        for n, i in enumerate(read):
            tag_logits = logits[firsts[n] : firsts[n + 1], : self.tags.n_tags]
            detected = [] if self.mode == "assert" else detect(docs[i], self.tags, tag_logits, readings[i].bounds)
            detected = believed(detected, self.temperature(DETECTION), self.detection_threshold)
            written += [(n, finding) for finding in settled(docs[i], detected, given[i], self.sources, self.conflicts)]
        # rows of each span's words among those of all Docs
        rows = [firsts[n] + word_offsets(docs[read[n]], finding.start, finding.end) for n, finding in written]
        is_found = [finding.detection is not None for _, finding in written]
        for (n, finding), judgement in zip(written, self._judge(logits, rows, is_found)):
            predictions[read[n]].append((finding, judgement))
        return predictions

    def reading(self, doc: Doc, given: Sequence[Finding]) -> Reading | DocumentReading:
        """What prediction reads of a Doc: all of its sentences, or where nothing is searched for those with a given
        span."""
        wanted = [(finding.start, finding.end) for finding in given] if self.mode == "assert" else None
        return self._reading(doc, sentence_bounds(doc), wanted)

    def _judge(
        self, logits: numpy.ndarray, spans: Sequence[numpy.ndarray], is_found: Sequence[bool] = ()
    ) -> list[Judgement]:
        """Judgements of spans, each given by the rows of its words in ``logits`` [n_tokens, n_outputs]. is_found: of
        which spans the tags have a say; of none unless given."""
        if not spans:
            return []
        n_tags = self.tags.n_tags
        # the layer is linear, so its output for the mean row of a span is the mean of its outputs: [n_spans, statuses
        # and modifiers]; no span needs a reading of its own
        means = numpy.stack([logits[rows, n_tags:].mean(axis=0) for rows in spans])
        of_tokens = [logits[rows, :n_tags] if has_tags else None for rows, has_tags in zip_longest(spans, is_found)]
        of_spans = with_tags(means, of_tokens, self.tags, self._tag_weight)
        temperatures = self.temperature(STATUS), self.temperature(HELD)
        return judge(of_spans, self.statuses, self.modifiers, temperatures, self.status_threshold)

    @property
    def _tag_weight(self) -> float:
        """The say of tags in a status: none where they have learnt nothing."""
        return 0.0 if self.mode == "assert" else self.tag_weight

    def judge_spans(self, docs: Sequence[Doc], places: Sequence[Bounds]) -> list[Judgement]:
        """The judgement of one span [start, end) of each Doc, which must not be blank. Nothing is written."""
        inputs = FindingInput([self._reading(doc, sentence_bounds(doc), [place]) for doc, place in zip(docs, places)])
        words = [word_offsets(doc, start, end) for doc, (start, end) in zip(docs, places)]
        return self._judge(self.logits(inputs), [first + own for first, own in zip(inputs.first_rows(), words)])

    def _given(self, doc: Doc) -> list[Finding]:
        return [] if self.mode == "find" else given_spans(doc, self.sources)

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]`` with values per finding."""
        for doc, findings in zip(docs, predictions):
            spans = [Span(doc, finding.start, finding.end, label=finding.label) for finding, _ in findings]
            columns: dict[str, list[Any]] = {
                "assertion": [judgement.status for _, judgement in findings],
                "scores": [judgement.score for _, judgement in findings],
                "assertion_modifiers": [list(judgement.modifiers) for _, judgement in findings],
                "assertion_scores": [judgement.scores for _, judgement in findings],
                "detection_scores": [finding.detection for finding, _ in findings],
            }
            write_group(doc, self.spans_key, spans, **columns)
            keep_values(doc, self.spans_key, list(columns))
            annotates(self, doc.vocab)
