"""The component ``cpncf_assertion``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, ClassVar

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..annotations.blanks import is_blank
from ..annotations.extensions import ALIASES, install_aliases, install_extensions
from ..annotations.groups import (
    FINDINGS,
    GIVEN,
    GIVEN_SPANS_ONLY,
    annotated_labels,
    entity_spans,
    group_values,
    is_annotated,
    sentence_bounds,
    word_offsets,
    write_group,
)
from ..annotations.items import Item
from ..annotations.travelling import keep_values
from ..encoder.views.requests import Bounds, DocumentReading, Reading, Unit
from ..heads.alignment import aligned_bounds, aligned_sentences
from ..heads.head import Head
from ..heads.outputs import Exclusive, Independent, LabelledLogits, Output, UnitLabels, one_hot
from ..heads.settings import (
    Setting,
    choice_setting,
    count_setting,
    flag_setting,
    is_name_by_name,
    names_setting,
)
from ..heads.tok2vec import reads_documents
from .contexts import KINDS, context_units
from .evidence import annotates, install_evidence
from .gold import FindingGold, GoldFinding, judged_modifiers, read_gold, stacked_gold
from .judgements import Judgement, judge, span_loss
from .model import FindingInput
from .scorer import finding_items
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
EXCLUSIVE, INDEPENDENT = Exclusive(), Independent()
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
    context: neighbours on either side that are read along, behind [C] markers. In the view ``document`` the whole text
        is read, and this, ``context_kind``, ``headings`` and ``speakers`` say only what ``assertion_evidence`` tries.
    context_kind: what a neighbour is: ``sentence``, or ``turn`` (``doc.spans["medmtl_turns"]``, where a Doc has it).
    headings: also read the heading that a sentence stands under ("Family history:").
    speakers: what is read in front of a turn, by its speaker in ``attrs["speakers"]`` of the turns, for example
        {"D": "doctor", "P": "patient"}; empty: speakers are not read.
    mode: ``find`` findings, with the status of their tags as in the paper; ``assert`` the status of given spans;
        ``both``, all judged as spans.
    given: where given spans are looked for: keys of span groups, or "ents" for ``doc.ents``.
    aliases: also offer the names of "negspacy" (``span._.negex``) or "edsnlp" (``span._.negation``, ``hypothesis``,
        ``history``, ``family``), where nobody else has registered them.
    Raises MedmtlError E203 for a setting of another kind.
    """
    install_extensions()
    install_aliases(aliases, name)
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
        speakers=dict(speakers),
        mode=mode,
        given=given,
        aliases=aliases,
    )
    install_evidence()
    annotates(component, nlp.vocab)
    return component


class CpncfAssertion(Head[FindingGold]):
    """See ``make_cpncf_assertion``. Labels are finding types. Each Doc gets ``doc.spans[spans_key]`` with, per finding,
    ``assertion`` (status), ``scores`` (its probability), ``assertion_modifiers`` (names of those that hold) and
    ``assertion_scores`` (probability of every status and modifier).

    The one rule for conflicts: found findings do not overlap one another (``tags`` says how), and the status of each is
    decided over all its tokens. Given spans are judged each by itself, whatever overlaps them, and keep their label. A
    given span with the boundaries and label of a found one is that finding.
    """

    statuses = names_setting("a list of two statuses or more, each once", at_least=2)
    context = count_setting()
    context_kind = choice_setting(KINDS)
    headings = flag_setting()
    speakers = Setting(is_name_by_name, "a name for each speaker, such as {'D': 'doctor'}")
    mode = choice_setting(MODES)
    given = names_setting("a list of keys of span groups, or 'ents', each once")
    aliases = names_setting(f"a list of {' and '.join(ALIASES)}, each once")
    learnt_names: ClassVar[Sequence[str]] = ("labels", "temperatures", "modifiers")

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._modifiers: list[str] = []
        super().__init__(*args, **settings)

    @property
    def given_keys(self) -> Sequence[str]:
        return tuple(self.given)

    @property
    def tags(self) -> TagSet:
        return TagSet(self.labels, self.statuses)

    @property
    def modifiers(self) -> list[str]:
        """Names of what can hold of a finding besides its status, as found in the training data."""
        return list(self._modifiers)

    def outputs(self) -> dict[str, Output]:
        return {TAGS: EXCLUSIVE, STATUS: EXCLUSIVE, HELD: INDEPENDENT}

    def n_outputs(self) -> int:
        return self.tags.n_tags + len(self.statuses) + len(self.modifiers)

    def items(self, doc: Doc) -> list[Item] | None:
        return finding_items(doc, self.spans_key)

    def lists_all(self, doc: Doc) -> bool:
        """Not where a corpus judged given spans only."""
        return not doc.spans[self.spans_key].attrs.get(GIVEN_SPANS_ONLY)

    def collect(self, doc: Doc) -> None:
        """Modifiers are read off the data, as labels are."""
        found = {str(name) for held in group_values(doc, self.spans_key, "assertion_modifiers") for name in held}
        self._modifiers = sorted(found | set(self._modifiers))

    def take_over(self, saved: Mapping[str, Any]) -> None:
        super().take_over(saved)
        self._modifiers = list(saved.get("modifiers", []))

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
        return read_gold(example, self.spans_key, name=self.name, statuses=self.statuses, modifiers=self.modifiers)

    def _reading(
        self, doc: Doc, bounds: Sequence[Bounds], wanted: Sequence[Bounds] | None = None
    ) -> Reading | DocumentReading:
        """What is read of a Doc with the sentences ``bounds``: each with its context, or the whole. wanted: only those
        sentences that share a token with one of these."""
        if reads_documents(self.model):
            return DocumentReading(doc, bounds if wanted is None or wanted else ())
        return Reading(doc, self._context_units(doc, bounds, wanted), marked=True)

    def _context_units(self, doc: Doc, bounds: Sequence[Bounds], wanted: Sequence[Bounds] | None = None) -> list[Unit]:
        units = context_units(
            doc,
            bounds,
            neighbours=self.context,
            kind=self.context_kind,
            headings=self.headings,
            speakers=self.speakers,
        )
        if wanted is not None:
            is_wanted = numpy.zeros(len(doc), dtype=bool)
            for start, end in wanted:
                is_wanted[start:end] = True
            units = [unit for unit in units if is_wanted[unit.start : unit.end].any()]
        return units

    def training_batch(self, examples: Sequence[Example]) -> tuple[FindingInput, FindingGold]:
        tags, n_rows = self.tags, 0
        readings: list[Reading | DocumentReading] = []
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
            units = aligned_sentences(example)
            gold = self._gold(example)
            for finding in gold:
                self.column(finding.label)  # raises on a type that the component does not know
            encoded = tags.encode(outermost([one[:4] for one in gold])[0], len(doc))
            labelled = self._columns(encoded, units, example)
            judged = [one for one in gold if one.label in own]
            if (labelled < 0).all() and not judged:  # a Doc that gives no loss must not make a step
                continue
            readings.append(self._reading(doc, units))
            columns.append(labelled)
            allowed.append(numpy.repeat(tags.allowed(own)[None], len(doc), axis=0))
            rows += [n_rows + word_offsets(doc, one.start, one.end) for one in judged]
            spans += judged
            known += [judged_modifiers(reference, self.spans_key, self.modifiers)] * len(judged)
            n_rows += len(doc)
        gold_tags = UnitLabels(one_hot(numpy.concatenate(columns), tags.n_tags), numpy.vstack(allowed))
        return FindingInput(readings, rows), stacked_gold(gold_tags, spans, known, self.statuses, len(self.modifiers))

    def _columns(self, columns: numpy.ndarray, units: Sequence[Bounds], example: Example) -> numpy.ndarray:
        """Take out of the loss of tags the tokens that no unit reads, and white space; and all, where no findings are
        searched for or the corpus only judged given spans."""
        read = numpy.zeros(len(columns), dtype=bool)
        for start, end in units:
            read[word_offsets(example.predicted, start, end)] = True
        if example.reference.spans[self.spans_key].attrs.get(GIVEN_SPANS_ONLY) or self.mode == "assert":
            read[:] = False
        return numpy.where(read, columns, -1)

    def loss(self, gold: FindingGold, scores: Floats2d) -> tuple[float, Floats2d]:
        """Mean cross-entropy of the tags, plus that of statuses and modifiers (``span_loss``)."""
        n_tokens, n_tags = len(gold.tags.held), self.tags.n_tags
        gradient = scores * 0.0
        loss, gradient[:n_tokens, :n_tags] = EXCLUSIVE.loss(scores[:n_tokens, :n_tags], gold.tags)
        of_spans, gradient[n_tokens:, n_tags:] = span_loss(scores[n_tokens:, n_tags:], gold)
        return loss + of_spans, gradient

    def labelled_logits(self, gold: FindingGold, scores: Floats2d) -> dict[str, LabelledLogits]:
        n_tokens, n_tags, n_statuses = len(gold.tags.held), self.tags.n_tags, len(self.statuses)
        of_tokens, of_spans = scores[:n_tokens, :n_tags], scores[n_tokens:, n_tags:]
        return {
            TAGS: EXCLUSIVE.labelled(of_tokens, gold.tags),
            STATUS: EXCLUSIVE.labelled(of_spans[:, :n_statuses], gold.statuses),
            HELD: INDEPENDENT.labelled(of_spans[:, n_statuses:], gold.modifiers),
        }

    def predict(self, docs: Iterable[Doc]) -> list[list[tuple[Finding, Judgement]]]:
        """Per Doc: what was found, in the order of the text, then what was given and is not among it."""
        docs = list(docs)
        given = [self._given(doc) for doc in docs]
        readings = [self.reading(doc, spans) for doc, spans in zip(docs, given)]
        read = [i for i, reading in enumerate(readings) if reading.bounds]
        found: list[list[tuple[Finding, Judgement]]] = [[] for _ in docs]
        if not read:
            return found
        logits, firsts = self._read([readings[i] for i in read])
        judged: list[tuple[int, Finding]] = []
        for n, i in enumerate(read):
            tag_logits = logits[firsts[n] : firsts[n + 1], : self.tags.n_tags]
            findings = self._search(docs[i], tag_logits, readings[i].bounds)
            known = {(one.start, one.end, one.label) for one in findings}
            others = [one for one in given[i] if (one.start, one.end, one.label) not in known]
            judged += [(n, one) for one in [*findings, *others]]
        rows = [firsts[n] + word_offsets(docs[read[n]], one.start, one.end) for n, one in judged]
        for (n, one), judgement in zip(judged, self._judge(logits, rows)):
            found[read[n]].append((one, judgement))
        return found

    def reading(self, doc: Doc, given: Sequence[Finding]) -> Reading | DocumentReading:
        """What prediction reads of a Doc: all of its sentences, or where nothing is searched for those with a given
        span."""
        wanted = [(one.start, one.end) for one in given] if self.mode == "assert" else None
        return self._reading(doc, sentence_bounds(doc), wanted)

    def _read(self, readings: Sequence[Reading | DocumentReading]) -> tuple[numpy.ndarray, list[int]]:
        """Logits of all tokens of what is read, and the row of each Doc's first token, with the end behind. Of tokens
        that are not read they mean nothing."""
        lengths = [len(reading.doc) for reading in readings]
        return self.logits(FindingInput(readings)), [0, *accumulate(lengths)]

    def _judge(self, logits: numpy.ndarray, spans: Sequence[numpy.ndarray]) -> list[Judgement]:
        """Judgements of spans, each given by the rows of its words. The layer is linear: its output for a mean row is
        the mean of its outputs."""
        means = [logits[rows, self.tags.n_tags :].mean(axis=0) for rows in spans]
        temperatures = self.temperature(STATUS), self.temperature(HELD)
        return judge(numpy.stack(means), self.statuses, self.modifiers, temperatures) if means else []

    def judge_spans(self, docs: Sequence[Doc], places: Sequence[Bounds]) -> list[Judgement]:
        """The judgement of one span [start, end) of each Doc, which must not be blank. Nothing is written."""
        readings = [self._reading(doc, sentence_bounds(doc), [place]) for doc, place in zip(docs, places)]
        logits, firsts = self._read(readings)
        words = [word_offsets(doc, start, end) for doc, (start, end) in zip(docs, places)]
        return self._judge(logits, [first + own for first, own in zip(firsts, words)])

    def words_read_for(self, span: Span) -> list[int]:
        """The words that are read along with a span: of its sentences and their context, without its own."""
        units = self._context_units(span.doc, sentence_bounds(span.doc))
        around = [unit for unit in units if unit.start < span.end and span.start < unit.end]
        words = {i for unit in around for i in (*range(unit.left, unit.right), *range(*(unit.heading or (0, 0))))}
        doc = span.doc
        return [i for i in sorted(words) if not (span.start <= i < span.end or is_blank(doc[i]) or doc[i].is_punct)]

    def _search(self, doc: Doc, logits: numpy.ndarray, sentences: Sequence[Bounds]) -> list[Finding]:
        """Findings in sentences of a Doc, from the logits of its tokens' tags; none where only given spans are judged.
        Only words are tagged: a finding goes on over white space, and never begins or ends with it."""
        if self.mode == "assert":
            return []
        findings = []
        probabilities = EXCLUSIVE.probabilities(logits)
        calibrated = EXCLUSIVE.probabilities(logits, self.temperature(TAGS))
        for bounds in sentences:
            words = word_offsets(doc, *bounds)
            for one in self.tags.decode(probabilities[words], calibrated[words]):
                first, last = int(words[one.start]), int(words[one.end - 1])
                findings.append(Finding(first, last + 1, one.label, one.status, one.score))
        return findings

    def _given(self, doc: Doc) -> list[Finding]:
        """Given spans, each once, without white space at their ends. Blank ones say nothing and are left out."""
        if self.mode == "find":
            return []
        places = dict.fromkeys(place for source in self.given for place in entity_spans(doc, source))
        return [Finding(*place, status="", score=0.0) for place in places]

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]`` with values per finding."""
        for doc, findings in zip(docs, predictions):
            spans, values = [], []
            for one, judgement in findings:
                spans.append(Span(doc, one.start, one.end, label=one.label))
                values.append(_values(one, judgement, by_tags=self.mode == "find"))
            names = ("assertion", "scores", "assertion_modifiers", "assertion_scores")
            columns: dict[str, list[Any]] = {name: [value[name] for value in values] for name in names}
            write_group(doc, self.spans_key, spans, **columns)
            keep_values(doc, self.spans_key, names)
            annotates(self, doc.vocab)


def _values(finding: Finding, judgement: Judgement, *, by_tags: bool) -> dict[str, Any]:
    """What is written of one finding. by_tags: its status is that of its tags."""
    return {
        "assertion": finding.status if by_tags else judgement.status,
        "scores": finding.score if by_tags else judgement.score,
        "assertion_modifiers": list(judgement.modifiers),
        "assertion_scores": judgement.scores,
    }
