"""The component ``sru_nested_ner``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans
from thinc.api import Config, Model

from ..annotations.groups import (
    ENTITIES,
    Bounds,
    annotated_labels,
    is_annotated,
    joined_bounds,
    merged_type,
    sentence_bounds,
    within,
    word_offsets,
    write_group,
)
from ..encoder.shims import torch_shim
from ..encoder.views.requests import DocumentReading, ToRead
from ..encoder.views.windows import window_spans
from ..heads.alignment import aligned_bounds, aligned_sentences
from ..heads.head import Head
from ..heads.losses import sigmoid, to_numpy
from ..heads.outputs import Independent, LabelledLogits, Output, UnitLabels, joined_logits
from ..heads.tok2vec import reads_documents
from ..kinds import FLAG, THRESHOLD, whole_number
from ..settings import Setting
from .inputs import ActionScores, SruInput, WordSequence
from .span_units import found_entities, span_labels
from .transitions import SHIFT, ScoredSpan, flushed, foreign_actions, inexpressible, n_actions, oracle

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
LabelledBounds = tuple[int, int, str]
OUTPUT = "actions"  # name of the output, for its temperature
ACTIONS = Independent()
IOB_INSIDE, IOB_BEGIN = 1, 3  # spaCy's numbers for "I" and "B" (``Token.ent_iob``)
# Words. The memory of a step and the steps both grow with a sentence, so one that is longer, such as a text without
# sentence boundaries, is walked in windows that overlap, in prediction as in training.
LONGEST, OVERLAP = 1024, 128


@Language.factory(
    "sru_nested_ner",
    assigns=["doc.spans", "doc.ents"],
    default_config={
        "model": Config().from_str(DEFAULT_CONFIG)["model"],
        "spans_key": ENTITIES,
        "threshold": 0.4,  # F1 is best at half of what it is then (Lipton et al. 2014); the authors have 0.5
        "set_ents": True,
        "merge_types": False,
        "sequence_tokens": 0,
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
    merge_types: bool,
    sequence_tokens: int,
    scorer: Callable | None,
) -> "SruNestedNer":
    """Nested and overlapping entities.

    spans_key: where entities are written, and read from in training.
    threshold: score above which a span is an entity, and probability above which an action opens or closes one that is
        longer than the model's ``longest_span``.
    set_ents: also put the outermost spans into ``doc.ents``, beside those that are there and do not overlap them.
    merge_types: where labels were kept apart by corpus (``type_prefix`` of the corpus reader: "bc5cdr$Disease"), write
        and score what they have in common ("Disease").
    sequence_tokens: walk through neighbouring sentences as one sequence while it has no more tokens than this, so that
        what was found in one is known in the next, and entities may cross their border; 0: each sentence on its own.
        (The authors join up to 405 wordpieces for GENIA and CoNLL.)
    Raises MedmtlError E203 for a setting of another kind.
    """
    return SruNestedNer(
        nlp,
        model,
        name,
        scorer=scorer,
        spans_key=spans_key,
        threshold=threshold,
        set_ents=set_ents,
        merge_types=merge_types,
        sequence_tokens=sequence_tokens,
    )


class SruNestedNer(Head[list[WordSequence]]):
    """See ``make_sru_nested_ner``. Writes labelled spans, and in ``attrs["scores"]`` what ``found_entities`` says of
    each."""

    threshold = Setting(THRESHOLD)
    set_ents = Setting(FLAG)
    merge_types = Setting(FLAG)
    sequence_tokens = Setting(whole_number())

    def outputs(self) -> dict[str, Output]:
        return {OUTPUT: ACTIONS}

    @property
    def thresholds(self) -> Mapping[str, str]:
        return {OUTPUT: "threshold"}

    @property
    def paper_compat(self) -> bool:
        """Whether the model repeats the authors' code; see ``sru_nested_ner_model``."""
        return bool(self.model.attrs.get("paper_compat", False))

    def add_label(self, label: str) -> int:
        """Add a label, also to a trained component: the old ones stay as they are, the new one is to be learnt. 1 if it
        is new, else 0."""
        if label in self.labels or not (self.model.shims and torch_shim(self.model).is_built):
            return super().add_label(label)
        from .thinc_layer import resize

        self._labels.append(label)
        resize(self.model, self.n_outputs())
        return 1

    def n_outputs(self) -> int:
        return n_actions(len(self.labels))

    def unusable(self, example: Example) -> Iterator[str]:
        yield from super().unusable(example)
        if not is_annotated(example.reference, self.spans_key):
            return
        spans = self._gold(example)
        n_inside, places = 0, self._training_bounds(example)
        for (start, _), members in zip(places, within(places, spans)):
            n_inside += len(members)
            names = sorted({label for _, _, label in members})
            counts = inexpressible((a - start, b - start, names.index(label)) for a, b, label in members)
            yield from ["repeated"] * counts.duplicates
            yield from ["crosses another of its label"] * counts.crossing
        walked = {place for _, members in self._walked_gold(example, spans) for place in members}
        n_walked = sum(span in walked for span in spans)
        yield from [f"in no window of a sentence of more than {LONGEST} words"] * (n_inside - n_walked)
        yield from ["crosses a sentence border"] * (len(spans) - n_inside)

    def _gold(self, example: Example) -> list[LabelledBounds]:
        """Gold spans in the tokens of the predicted Doc; those off its token borders are left out."""
        spans = list(example.reference.spans.get(self.spans_key, []))
        aligned = aligned_bounds(example, [(span.start, span.end) for span in spans])
        return [(*bounds, span.label_) for bounds, span in zip(aligned, spans) if bounds is not None]

    def _training_bounds(self, example: Example) -> list[Bounds]:
        return joined_bounds(aligned_sentences(example), self.sequence_tokens)

    def _walked_gold(
        self, example: Example, spans: Sequence[LabelledBounds]
    ) -> Iterator[tuple[numpy.ndarray, list[LabelledBounds]]]:
        """The words of each sequence that is walked in training, and the gold spans of which all lies in it."""
        walks = [words for words, _ in walked_words(example.predicted, self._training_bounds(example)) if len(words)]
        yield from zip(walks, within([(int(words[0]), int(words[-1]) + 1) for words in walks], spans))

    def training_batch(self, examples: Sequence[Example]) -> tuple[SruInput, list[WordSequence]]:
        """Sentences with their gold, which the model walks along."""
        items: list[ToRead] = []
        sentences: list[WordSequence] = []
        for example in examples:
            own = {self.column(label) for label in annotated_labels(example.reference, self.spans_key, self.labels)}
            if not own or not len(example.predicted):
                continue
            for words, gold in self._walked_gold(example, self._gold(example)):
                sentences.append(self._sentence(len(items), words, gold, own))
            items.append(self._item(example.predicted, aligned_sentences(example)))
        return SruInput(items, sentences), sentences

    def _item(self, doc: Doc, sentences: Sequence[Bounds]) -> ToRead:
        """What is read of a Doc."""
        return DocumentReading(doc, sentences) if reads_documents(self.model) else doc

    def _sentence(self, item: int, words: numpy.ndarray, gold: list[LabelledBounds], own: set[int]) -> WordSequence:
        """Oracle rows of a sentence, of the gold spans of which all lies in it. Their bounds become words."""
        spans = []
        for start, end, label in gold:
            if self.column(label) in own:
                # token bounds to numbers of words, blank tokens left out
                first, last = numpy.searchsorted(words, [start, end])
                if first < last:
                    spans.append((int(first), int(last), self.column(label)))
        if self.paper_compat:
            spans = flushed(spans, len(words))
        rows = oracle(spans, len(words), len(self.labels))
        return WordSequence(item, words, rows, foreign_actions(own, len(self.labels)), spans)

    def loss(self, gold: list[WordSequence], scores: ActionScores) -> tuple[float, ActionScores]:
        """Binary cross-entropy, summed over the actions that the corpora annotate, mean over steps; and, where spans
        have scores, summed over spans and labels, mean over words.

        The authors take the mean over actions too. With one task that is the same up to a factor; beside tasks whose
        loss is per token, a factor of 1 / n_actions would leave the shared encoder to the others. paper_compat: their
        mean; and the target of a postponed SHIFT, its own probability, has a gradient as well.
        """
        targets, mask = self._targets(gold, scores)
        loss, gradient = ACTIONS.loss(scores.logits, UnitLabels(targets, mask))
        if self.paper_compat:
            probability = sigmoid(scores.logits[:, SHIFT])
            # a target between 0 and 1 is the model's own probability of a SHIFT that waits
            postponed = mask[:, SHIFT] & (targets[:, SHIFT] > 0) & (targets[:, SHIFT] < 1)
            pull = scores.logits[:, SHIFT] * probability * (1 - probability) / max(1, int(mask.sum()))
            gradient[:, SHIFT] -= pull * postponed
            return loss, replace(scores, logits=gradient)
        # from the mean over entries to a sum over actions, mean over steps that bear a loss
        actions_per_step = float(mask.sum()) / max(1, int(mask.any(axis=1).sum()))
        loss, gradient = loss * actions_per_step, gradient * actions_per_step
        if scores.spans is None:
            return loss, replace(scores, logits=gradient)
        labels = span_labels(gold, scores.longest)
        of_spans, d_spans = ACTIONS.loss(scores.spans, labels)
        labels_per_word = float(labels.judged.sum()) / sum(len(sentence.words) for sentence in gold)
        return loss + of_spans * labels_per_word, replace(scores, logits=gradient, spans=d_spans * labels_per_word)

    def _targets(self, gold: list[WordSequence], scores: ActionScores) -> tuple[Any, Any]:
        from .thinc_layer import gold_targets

        return gold_targets(gold, scores, paper_compat=self.paper_compat)

    def labelled_logits(self, gold: list[WordSequence], scores: ActionScores) -> dict[str, LabelledLogits]:
        """Actions along the gold path, and spans, which share a temperature as they share a score. A postponed SHIFT,
        whose target is its own probability, is none."""
        targets, mask = map(to_numpy, self._targets(gold, scores))
        judged = mask & ((targets == 0) | (targets == 1))
        actions = ACTIONS.labelled(scores.logits, UnitLabels(targets == 1, judged))
        if scores.spans is None:
            return {OUTPUT: actions}
        spans = ACTIONS.labelled(scores.spans, span_labels(gold, scores.longest))
        # as wide as rows of actions, of which there are more columns; what is added was not judged
        more = ((0, 0), (0, actions.logits.shape[1] - spans.logits.shape[1]))
        wide = [numpy.pad(part, more) for part in (spans.logits, spans.gold, spans.judged)]
        return {OUTPUT: joined_logits([actions, LabelledLogits(wide[0], wide[1], wide[2], exclusive=False)])}

    def predict(self, docs: Iterable[Doc]) -> list[list[ScoredSpan]]:
        """Per Doc: (start token, end token, label column, score) of its entities."""
        docs = list(docs)
        sentences: list[WordSequence] = []
        counted: list[Bounds] = []  # of each, the words with which an entity may begin there
        for i, doc in enumerate(docs):
            for words, own in walked_words(doc, joined_bounds(sentence_bounds(doc), self.sequence_tokens)):
                sentences.append(WordSequence(i, words))
                counted.append(own)
        found: list[list[ScoredSpan]] = [[] for _ in docs]
        if not sentences:
            return found
        inputs = SruInput([self._item(doc, sentence_bounds(doc)) for doc in docs], sentences)
        with self.computing("prediction"):
            predicted = self.model.predict(inputs)
        for sentence, (first, after), part in zip(sentences, counted, predicted):
            of_sentence = found_entities(
                part, len(sentence.words), threshold=self.threshold, temperature=self.temperature(OUTPUT),
                paper_compat=self.paper_compat,
            )  # fmt: skip
            for start, end, label, score in of_sentence:
                # of windows that overlap, each entity counts in the one that its first word belongs to
                if first <= start < after:
                    bounds = int(sentence.words[start]), int(sentence.words[end - 1]) + 1
                    found[sentence.item].append((*bounds, label, score))
        return found

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]`` with ``scores``, and ``doc.ents`` if so set."""
        names = [merged_type(label) if self.merge_types else label for label in self.labels]
        for doc, entities in zip(docs, predictions):
            best: dict[LabelledBounds, float] = {}
            for start, end, label, score in entities:
                entity = (start, end, names[label])
                # merged types may give one entity several times: its best score stands
                best[entity] = max(score, best.get(entity, 0.0))
            spans = [Span(doc, start, end, label=name) for start, end, name in best]
            write_group(doc, self.spans_key, spans, scores=list(best.values()))
            if self.set_ents:
                # doc.ents allows no overlap, and what other components found, or blocked, stays
                taken = set(numpy.flatnonzero(numpy.isin(doc.to_array("ENT_IOB"), (IOB_INSIDE, IOB_BEGIN))).tolist())
                blocked = taken - {i for ent in doc.ents for i in range(ent.start, ent.end)}
                free = [span for span in spans if taken.isdisjoint(range(span.start, span.end))]
                doc.set_ents([*doc.ents, *filter_spans(free)], blocked=[doc[i : i + 1] for i in sorted(blocked)])


def walked_words(doc: Doc, places: Iterable[Bounds]) -> Iterator[tuple[numpy.ndarray, Bounds]]:
    """The offsets of the words that are walked together, in the places [start, end) of a Doc, and those among them,
    counted from the first, that an entity may begin with there: longer places are walked in windows."""
    for place in places:
        words = word_offsets(doc, *place)
        for start, end, first, after in window_spans(len(words), LONGEST, LONGEST - OVERLAP):
            yield words[start:end], (first - start, after - start)
