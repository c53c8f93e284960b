"""The component ``sru_nested_ner``."""

from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans
from thinc.api import Config, Model

from ..annotations.groups import ENTITIES, annotated_labels, is_annotated, sentence_bounds, write_group
from ..encoder.head import Head, aligned_bounds
from ..encoder.losses import sigmoid_cross_entropy
from ..encoder.readings import Bounds
from .model import ActionScores, Sentence, SruInput
from .transitions import ScoredSpan, decode, foreign_actions, inexpressible, n_actions, oracle

DEFAULT_CONFIG = """
[model]
@architectures = "spacy-medmtl.SruNestedNer.v1"
lr_scale = 10.0
latents_per_action = 2
half_context = 150

[model.tok2vec]
@architectures = "spacy-medmtl.RouteListener.v1"
route = "sru_nested_ner"
view = "tokens"
upstream = "*"
pooling = "max"
"""
LabelledBounds = Tuple[int, int, str]


@Language.factory(
    "sru_nested_ner",
    assigns=["doc.spans", "doc.ents"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": ENTITIES,
        "threshold": 0.5,
        "set_ents": True,
        "scorer": {"@scorers": "spacy-medmtl.sru_nested_ner_scorer.v1"},
    },
    default_score_weights={
        "sru_nested_ner_f": 1.0,
        "sru_nested_ner_p": None,
        "sru_nested_ner_r": None,
        "sru_nested_ner_macro_f": None,
        "sru_nested_ner_nested_f": None,
        "sru_nested_ner_f_per_type": None,
    },
)
def make_sru_nested_ner(
    nlp: Language,
    name: str,
    model: Model,
    spans_key: str,
    threshold: float,
    set_ents: bool,
    scorer: Optional[Callable],
) -> "SruNestedNer":
    """Nested and overlapping entities.

    spans_key: where entities are written, and read from in training.
    threshold: probability above which an action opens or closes a span.
    set_ents: also put the outermost spans into ``doc.ents``, beside those that are there and do not overlap them.
    """
    return SruNestedNer(
        nlp.vocab,
        model,
        name,
        scorer=scorer,
        component=name,
        spans_key=spans_key,
        threshold=threshold,
        set_ents=set_ents,
    )


class SruNestedNer(Head[List[Example]]):
    """See ``make_sru_nested_ner``. Writes labelled spans, and in ``attrs["scores"]`` the geometric mean of the
    probabilities of the two actions that opened and closed each."""

    def n_outputs(self) -> int:
        return n_actions(len(self.labels))

    def gold_labels(self, doc: Doc) -> Iterable[str]:
        return [span.label_ for span in doc.spans.get(self.spans_key, [])]

    def unusable(self, example: Example) -> Iterator[str]:
        yield from super().unusable(example)
        if not is_annotated(example.reference, self.spans_key):
            return
        spans = self._gold(example)
        inside: List[LabelledBounds] = []
        for start, end in self._training_bounds(example):
            members = [span for span in spans if start <= span[0] and span[1] <= end]
            inside += members
            names = sorted({label for _, _, label in members})
            counts = inexpressible((a - start, b - start, names.index(label)) for a, b, label in members)
            yield from ["repeated"] * counts.duplicates
            yield from ["crosses another of its label"] * counts.crossing
        yield from ["crosses a sentence border"] * (len(spans) - len(inside))

    def _gold(self, example: Example) -> List[LabelledBounds]:
        """Gold spans in the tokens of the predicted Doc; those off its token borders are left out."""
        spans = list(example.reference.spans.get(self.spans_key, []))
        aligned = aligned_bounds(example, [(span.start, span.end) for span in spans])
        return [(*bounds, span.label_) for bounds, span in zip(aligned, spans) if bounds is not None]

    def _training_bounds(self, example: Example) -> List[Bounds]:
        aligned = aligned_bounds(example, sentence_bounds(example.reference), mode="expand")
        return [bounds for bounds in aligned if bounds is not None]

    def training_batch(self, examples: Sequence[Example]) -> Tuple[SruInput, List[Example]]:
        """Sentences with their gold, which the model walks along."""
        docs: List[Doc] = []
        sentences: List[Sentence] = []
        for example in examples:
            own = {self.column(label) for label in annotated_labels(example.reference, self.spans_key, self.labels)}
            if not own or not len(example.predicted):
                continue
            gold = self._gold(example)
            for start, end in self._training_bounds(example):
                words = _words(example.predicted, start, end)
                if len(words):
                    sentences.append(self._sentence(len(docs), words, gold, own))
            docs.append(example.predicted)
        return SruInput(docs, sentences), list(examples)

    def _sentence(self, item: int, words: numpy.ndarray, gold: List[LabelledBounds], own: Set[int]) -> Sentence:
        """Oracle rows of a sentence. A gold span counts if all of it lies in the sentence; its bounds become words."""
        spans = []
        for start, end, label in gold:
            if words[0] <= start and end <= words[-1] + 1 and self.column(label) in own:
                first, last = numpy.searchsorted(words, [start, end])
                if first < last:
                    spans.append((int(first), int(last), self.column(label)))
        rows = oracle(spans, len(words), len(self.labels))
        return Sentence(item, words, rows, foreign_actions(own, len(self.labels)))

    def loss(self, gold: List[Example], scores: ActionScores) -> Tuple[float, ActionScores]:
        """Binary cross-entropy, summed over the actions that the corpora annotate, mean over steps (targets ride in
        ``scores``).

        The authors take the mean over actions too. With one task that is the same up to a factor; beside tasks whose
        loss is per token, a factor of 1 / n_actions would leave the shared encoder to the others.
        """
        loss, gradient = sigmoid_cross_entropy(scores.logits, scores.targets, scores.mask)
        actions_per_step = float(scores.mask.sum()) / max(1, int(scores.mask.any(axis=1).sum()))
        return loss * actions_per_step, ActionScores(gradient * actions_per_step, scores.targets, scores.mask)

    def predict(self, docs: Iterable[Doc]) -> List[List[ScoredSpan]]:
        """Per Doc: (start token, end token, label column, score) of its entities."""
        docs = list(docs)
        sentences = [
            Sentence(i, words)
            for i, doc in enumerate(docs)
            for words in (_words(doc, start, end) for start, end in sentence_bounds(doc))
            if len(words)
        ]
        found: List[List[ScoredSpan]] = [[] for _ in docs]
        if not sentences:
            return found
        probabilities = self.model.predict(SruInput(docs, sentences))
        for sentence, rows in zip(sentences, probabilities):
            for start, end, label, score in decode(rows, len(sentence.words), threshold=self.cfg["threshold"]):
                first, last = int(sentence.words[start]), int(sentence.words[end - 1]) + 1
                found[sentence.item].append((first, last, label, score))
        return found

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]`` with ``scores``, and ``doc.ents`` if so set."""
        for doc, entities in zip(docs, predictions):
            spans = [Span(doc, start, end, label=self.labels[label]) for start, end, label, _ in entities]
            write_group(doc, self.spans_key, spans, scores=[score for *_, score in entities])
            if self.cfg["set_ents"]:
                taken = {i for ent in doc.ents for i in range(ent.start, ent.end)}
                free = [span for span in spans if taken.isdisjoint(range(span.start, span.end))]
                doc.ents = [*doc.ents, *filter_spans(free)]


def _words(doc: Doc, start: int, end: int) -> numpy.ndarray:
    """Offsets of the tokens that are words: white space is none."""
    return numpy.asarray([i for i in range(start, end) if not doc[i].is_space], dtype="int64")
