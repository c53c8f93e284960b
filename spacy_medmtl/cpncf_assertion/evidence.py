"""Why a finding has its status: the words without which it would be least certain.

Each word that was read for the decision is left out in turn, and the probability of the status is computed again
(leave-one-out, "representation erasure": Li, Monroe and Jurafsky, 2016). It takes one reading per word, so it is done
only when somebody asks for ``span._.assertion_evidence``.
"""

from collections.abc import Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..annotations.blanks import is_blank
from ..annotations.extensions import finding_value
from ..annotations.groups import FINDINGS, TURNS, Bounds, sentence_bounds, write_group
from ..encoder.views.requests import Unit
from .judgements import Judgement

AT_LEAST = 0.02  # a word counts if without it the probability is lower by this much
MOST = 5  # words
# Words that are left out in turn, those nearest to the finding: a text without sentence ends would be read again, all
# of it, for each that it has.
TRIED = 200

# Components that are alive, with the vocab of the Docs that they annotate: that of the pipeline that made them and
# then, as they may be sourced by another, of those that they see.
_ANNOTATORS: WeakKeyDictionary["SpanJudge", Vocab] = WeakKeyDictionary()


class SpanJudge(Protocol):
    """What evidence needs of a component that decides the status of spans."""

    spans_key: str

    def judge_spans(self, docs: Sequence[Doc], places: Sequence[Bounds]) -> list[Judgement]:
        """The judgement of one span [start, end) of each Doc."""

    def context_units(self, doc: Doc, bounds: Sequence[Bounds]) -> list[Unit]:
        """The sentences ``bounds`` of a Doc, each with what is read around it."""


def install_evidence() -> None:
    """Register ``span._.assertion_evidence``, unless somebody has."""
    if not Span.has_extension("assertion_evidence"):
        Span.set_extension("assertion_evidence", getter=get_assertion_evidence)


def annotates(component: SpanJudge, vocab: Vocab) -> None:
    """Let ``span._.assertion_evidence`` ask this component about Docs of a vocab."""
    _ANNOTATORS[component] = vocab


def get_assertion_evidence(span: Span) -> list[Span] | None:
    """The words that speak most for the status of the finding with these boundaries, strongest first, neighbours as
    one span; empty if no single word does. None where there is no finding, or the pipeline that found it is gone."""
    status = finding_value(span, "assertion")
    for component, vocab in list(_ANNOTATORS.items()):
        if status is not None and vocab is span.doc.vocab and component.spans_key == FINDINGS:
            return find_evidence(component, span, str(status))
    return None


def find_evidence(component: SpanJudge, span: Span, status: str) -> list[Span]:
    """See ``get_assertion_evidence``."""
    doc, words = span.doc, words_read_for(component, span)
    if not words:
        return []
    docs, places = [doc.copy()], [(span.start, span.end)]
    for i in words:
        docs.append(without(doc, i))
        places.append((span.start - (i < span.start), span.end - (i < span.start)))
    # all Docs in one call, so that they share batches of the encoder
    whole, *rest = (judgement.scores.get(status, 0.0) for judgement in component.judge_spans(docs, places))
    drops = [(whole - probability, i) for probability, i in zip(rest, words)]
    strongest = sorted((pair for pair in drops if pair[0] >= AT_LEAST), reverse=True)[:MOST]
    evidence: list[tuple[float, int, int]] = []  # largest drop, start, end
    for drop, i in sorted(strongest, key=lambda pair: pair[1]):  # in the order of the text, so that neighbours meet
        if evidence and evidence[-1][2] == i:
            evidence[-1] = (max(drop, evidence[-1][0]), evidence[-1][1], i + 1)
        else:
            evidence.append((drop, i, i + 1))
    return [doc[start:end] for _, start, end in sorted(evidence, reverse=True)]


def words_read_for(component: SpanJudge, span: Span) -> list[int]:
    """The words that are read along with a span: of its sentences and their context, without its own; of more than
    TRIED, the nearest."""
    doc = span.doc
    units = component.context_units(doc, sentence_bounds(doc))
    around = [unit for unit in units if unit.start < span.end and span.start < unit.end]
    words = {i for unit in around for i in (*range(unit.left, unit.right), *range(*(unit.heading or (0, 0))))}
    words = {i for i in words if not (span.start <= i < span.end or is_blank(doc[i]) or doc[i].is_punct)}
    # by how many tokens a word is away; of equally near ones the earlier
    return sorted(sorted(words, key=lambda i: (max(span.start - i, i - span.end + 1), i))[:TRIED])


def without(doc: Doc, i: int) -> Doc:
    """The Doc without a token, its sentences and turns as they were."""
    kept = [token for token in doc if token.i != i]
    starts: list[bool | int | None] = [bool(token.is_sent_start) for token in kept]
    # the next token begins the sentence now
    if doc[i].is_sent_start and i < len(kept) and i + 1 < len(doc):
        starts[i] = True
    words, spaces = [token.text for token in kept], [bool(token.whitespace_) for token in kept]
    sent_starts = starts if doc.has_annotation("SENT_START") else None
    shorter = Doc(doc.vocab, words=words, spaces=spaces, sent_starts=sent_starts)
    if TURNS in doc.spans:
        turns = [shorter[turn.start - (i < turn.start) : turn.end - (i < turn.end)] for turn in doc.spans[TURNS]]
        write_group(shorter, TURNS, turns).attrs.update(doc.spans[TURNS].attrs)
    return shorter
