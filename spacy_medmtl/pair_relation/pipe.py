"""The component ``pair_relation``."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Config, Model

from ..annotations.extensions import install_extensions
from ..annotations.groups import RELATIONS, Bounds, annotated_labels, entity_types, merged_type, sentence_bounds
from ..annotations.items import Item
from ..annotations.pairs import pair_doc
from ..annotations.relations import JudgedPair, read_pairs, write_relations
from ..annotations.travelling import keep_pairs
from ..encoder.listener import view_of
from ..encoder.views.requests import BLINDED, ENTITY_VIEWS, DocumentReading, Reading, ToRead, Unit
from ..errors import MedmtlError, warn
from ..heads.alignment import aligned_bounds, aligned_sentences
from ..heads.head import Head
from ..heads.outputs import Exclusive, Independent, Output, Regression, UnitLabels
from ..heads.tok2vec import reads_documents
from ..kinds import THRESHOLD, Kind, choice
from ..settings import Setting
from .candidates import CandidateGetter, EntityPairs, Pair, span_of, surroundings
from .scorer import pair_items

OUTPUTS: dict[str, Output] = {
    "multilabel": Independent(),
    "exclusive": Exclusive(with_none=True),
    "regression": Regression(),
}

MANY = 10_000  # pairs of entities of one Doc, each read as a sequence: minutes on a CPU
PORTION = 1_000_000  # tokens between the ends of pairs that are read at once: a text may have more pairs than words

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
CANDIDATES = Kind(callable, "a candidate getter, such as spacy-medmtl.adjacent_pairs.v1")


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
    candidates: which pairs of a Doc are read at prediction. For entities ``spacy-medmtl.entity_pairs.v1``, with the
        view ``marked_pair`` or ``blinded_pair`` of the model's listener.
    Raises MedmtlError E203 for a setting of another kind, E216 for the view ``blinded_pair`` with another getter.
    """
    install_extensions()
    return PairRelation(
        nlp,
        model,
        name,
        scorer=scorer,
        candidates=candidates,
        spans_key=spans_key,
        mode=mode,
        threshold=threshold,
    )


class PairRelation(Head[UnitLabels]):
    """See ``make_pair_relation``. Writes the relations that hold; for a regression, every candidate with its value."""

    output_name: ClassVar[str] = "relations"
    mode = Setting(choice(list(OUTPUTS)))
    threshold = Setting(THRESHOLD)

    def __init__(self, *args: Any, candidates: CandidateGetter, **settings: Any) -> None:
        super().__init__(*args, **settings)
        CANDIDATES.check(self.name, "candidates", candidates)
        if view_of(self.model) == BLINDED and not isinstance(candidates, EntityPairs):
            raise MedmtlError("E216", name=self.name)
        self.candidates = candidates

    @property
    def output(self) -> Output:
        return OUTPUTS[self.mode]

    @property
    def thresholds(self) -> Mapping[str, str]:
        return {self.output_name: "threshold"} if self.mode == "multilabel" else {}

    @property
    def entities_key(self) -> str | None:
        """The span group of the entities that are paired (``ents``: ``doc.ents``), if they are entities."""
        return self.candidates.spans_key if isinstance(self.candidates, EntityPairs) else None

    def n_outputs(self) -> int:
        """A column per label; in ``exclusive`` mode one more, the last, for "none of them". Raises MedmtlError E206 for
        a regression with several labels."""
        if self.mode == "regression" and len(self.labels) > 1:
            raise MedmtlError("E206", name=self.name, received=list(self.labels))
        return self.output.n_columns(len(self.labels))

    def items(self, doc: Doc) -> list[Item] | None:
        return pair_items(doc, self.spans_key)

    def lists_all(self, doc: Doc) -> bool:
        """Pairs that are not listed were not judged."""
        return False

    @property
    def has_given_units(self) -> bool:
        return bool(self.mode != "regression")

    def unusable(self, example: Example) -> Iterator[str]:
        gold = read_pairs(example.reference, key=self.spans_key)
        for head, tail in self._aligned(example, gold):
            if head is None or tail is None:
                yield "empty"

    def _aligned(self, example: Example, gold: Sequence[JudgedPair]) -> list[tuple[Any, Any]]:
        heads = aligned_bounds(example, [pair.head for pair in gold], mode="expand")
        return list(zip(heads, aligned_bounds(example, [pair.tail for pair in gold], mode="expand")))

    def training_batch(self, examples: Sequence[Example]) -> tuple[list[ToRead], UnitLabels]:
        readings: list[ToRead] = []
        gold: list[JudgedPair] = []
        judged: list[numpy.ndarray] = []
        for example in examples:
            pairs: list[Pair] = []
            learnt: list[JudgedPair] = []
            own = self.row_of(annotated_labels(example.reference, self.spans_key, self.labels))
            annotated = read_pairs(example.reference, key=self.spans_key) if own.any() else []
            for pair, (head, tail) in zip(annotated, self._aligned(example, annotated)):
                is_learnt = self.output.learns_from(self.row_of(pair.labels), own)
                if head is not None and tail is not None and is_learnt:
                    pairs.append((head, tail))
                    learnt.append(pair)
            if pairs or not reads_documents(self.model):
                readings.append(self._training_reading(example, pairs, learnt))
            gold += learnt
            judged += [own] * len(pairs)
        empty = numpy.zeros((0, len(self.labels)), dtype=bool)
        labels = numpy.vstack([empty, *(self.row_of(pair.labels) for pair in gold)])
        values = numpy.asarray([pair.score for pair in gold])
        # Docs without pairs are read too (they cost nothing), so that warnings number Docs as the caller does
        return readings if gold else [], UnitLabels(labels, numpy.vstack([empty, *judged]), values)

    def _training_reading(self, example: Example, pairs: list[Pair], gold: Sequence[JudgedPair]) -> ToRead:
        if reads_documents(self.model):
            return document_reading(example.predicted, aligned_sentences(example), pairs)
        if view_of(self.model) not in ENTITY_VIEWS:
            return Reading(example.predicted, pairs=pairs)
        # sentences of the gold, as prediction will have those of the pipeline
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
            # around what stands nowhere in the predicted Doc nothing is known: the pair is read alone
            left, right = bounds or (start, end)
            units.append(Unit(min(left, start), start, end, max(right, end)))
        # a type that is kept apart by corpus reads as what corpora have in common
        types = [(merged_type(head), merged_type(tail)) for head, tail in types]
        n_untyped = sum(not all(pair) for pair in types)
        if n_untyped and view_of(self.model) == BLINDED:
            raise MedmtlError("E217", name=self.name, key=key, count=n_untyped)
        return Reading(doc, units, pairs, types=types)

    def predict(self, docs: Iterable[Doc]) -> list[tuple[list[Pair], numpy.ndarray]]:
        """Per Doc: its candidate pairs and their probabilities (or values) [n_pairs, n_outputs]. Warns (W216) of a Doc
        with so many pairs of entities to read that it takes minutes."""
        docs = list(docs)
        pairs = [self.candidates(doc) for doc in docs]
        if view_of(self.model) in ENTITY_VIEWS:
            counts = [len(doc_pairs) for doc_pairs in pairs]
            if max(counts, default=0) > MANY:
                warn("W216", name=self.name, count=max(counts), doc=counts.index(max(counts)))
        if not any(pairs):
            return [([], numpy.zeros((0, self.n_outputs()))) for _ in docs]
        # [n_pairs of a portion, n_outputs] each; a text has up to as many pairs as the square of its entities
        scores = numpy.concatenate(
            [
                self.probabilities([self._reading(docs[i], some) for i, some in portion])
                for portion in portions_of(pairs, PORTION)
            ]
        )
        # [n_pairs of all Docs, n_outputs], cut at each Doc's last pair
        borders = numpy.cumsum([0] + [len(doc_pairs) for doc_pairs in pairs])
        return [(doc_pairs, scores[a:b]) for doc_pairs, a, b in zip(pairs, borders, borders[1:])]

    def _reading(self, doc: Doc, pairs: list[Pair]) -> ToRead:
        if reads_documents(self.model):
            return document_reading(doc, sentence_bounds(doc), pairs)
        if view_of(self.model) not in ENTITY_VIEWS:
            return Reading(doc, pairs=pairs)
        types = self._types(doc, pairs)
        return self._entity_reading(doc, pairs, surroundings(doc, pairs), types, str(self.entities_key))

    def _types(self, doc: Doc, pairs: Iterable[Pair]) -> list[tuple[str, str]]:
        """Of head and tail, for each pair, as the group says that the candidate getter reads."""
        types = entity_types(doc, self.entities_key) if self.entities_key is not None else {}
        return [(types.get(head, ""), types.get(tail, "")) for head, tail in pairs]

    def set_annotations(self, docs: Iterable[Doc], predictions: Any) -> None:
        """Write ``doc.spans[spans_key]``, one entry per relation that holds."""
        for doc, (pairs, scores) in zip(docs, predictions):
            relations = [
                JudgedPair(head, tail, (label,), score, types)
                for (head, tail), types, row in zip(pairs, self._types(doc, pairs), scores)
                for label, score in self._held(row)
            ]
            write_relations(doc, relations, key=self.spans_key)
            keep_pairs(doc, self.spans_key, [pair.labels for pair in relations], [pair.score for pair in relations])

    def _held(self, row: numpy.ndarray) -> list[tuple[str, float]]:
        """(label, probability or value) of what holds for one pair."""
        return [(self.labels[column], float(row[column])) for column in self.output.chosen(row, self.threshold)]


def portions_of(pairs: Sequence[Sequence[Pair]], n_tokens: int) -> list[list[tuple[int, list[Pair]]]]:
    """The pairs of all Docs, in portions to judge at once: (number of the Doc, some of its pairs). All pairs of a
    portion together go over at most ``n_tokens`` tokens (more only where one does)."""
    portions: list[list[tuple[int, list[Pair]]]] = [[]]
    n_taken = 0
    for number, doc_pairs in enumerate(pairs):
        portions[-1].append((number, []))
        for pair in doc_pairs:
            start, end = span_of(pair)
            if n_taken and n_taken + end - start > n_tokens:
                # the Doc goes on in a portion of its own; rows stay in the order of Docs and pairs
                portions.append([(number, [])])
                n_taken = 0
            portions[-1][-1][1].append(pair)
            n_taken += end - start
    return portions


def document_reading(doc: Doc, sentences: Sequence[Bounds], pairs: Sequence[Pair]) -> DocumentReading:
    """Three rows for each pair: head, tail, and what lies between them."""
    spans: list[Bounds] = []
    for head, tail in pairs:
        # in the order of the text; where nothing lies between the two the third span is empty, and its row zero
        first, second = sorted((head, tail))
        spans += [head, tail, (first[1], max(first[1], second[0]))]
    return DocumentReading(doc, sentences, spans)


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
