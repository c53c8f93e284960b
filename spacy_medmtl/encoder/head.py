"""What all heads do alike: batches of a stream, one training step, labels, labels' initialisation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer, set_dropout_rate

from ..errors import MedmtlError, warn
from .decisions import Decisions
from .listener import head_batches
from .losses import to_numpy
from .shims import torch_shim
from .task import Task
from .views.requests import Bounds

Gold = TypeVar("Gold")
SAMPLE_SIZE = 10  # examples that models are initialised with


class Head(Task, Generic[Gold]):
    """A task on the shared encoder. A component says what it reads and learns by five methods:

    ``gold_labels(doc)``: the labels that a reference Doc uses; none where it is not annotated. Called once for each
    example that the component is initialised with, so what else has to be known of the data can be noted here.
    ``training_batch(examples)``: the model's input (empty where nothing is annotated) and the gold that goes with it.
    ``loss(gold, scores)``: mean loss and its gradient.
    ``predict(docs)`` and ``set_annotations(docs, predictions)`` as in any spaCy component.

    One that can be calibrated has ``decided(gold, scores)`` as well, and divides logits by ``temperature(output)``.
    """

    def __init__(self, vocab: Vocab, model: Model, name: str, *, scorer: Callable | None, **cfg: Any) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": [], **cfg}

    def gold_labels(self, doc: Doc) -> Iterable[str]:
        raise NotImplementedError

    def training_batch(self, examples: Sequence[Example]) -> tuple[Any, Gold]:
        raise NotImplementedError

    def loss(self, gold: Gold, scores: Any) -> tuple[float, Any]:
        raise NotImplementedError

    def decided(self, gold: Gold, scores: Any) -> dict[str, Decisions]:
        """By output that gives probabilities: what the scores say, beside the gold."""
        return {}

    def n_outputs(self) -> int:
        """Columns of the output layer."""
        return len(self.labels)

    @property
    def spans_key(self) -> str:
        """Where on a Doc this component's annotation is kept."""
        return str(self.cfg["spans_key"])

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the output columns."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> list[str]:
        """What ``spacy init labels`` writes and ``[initialize.components.<name>.labels]`` reads."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add a label before initialisation; 1 if it is new, else 0. Raises MedmtlError E204 afterwards."""
        if label in self.labels:
            return 0
        if self.model.shims and torch_shim(self.model).is_built:
            raise MedmtlError("E204", name=self.name)
        self.cfg["labels"].append(label)
        return 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Collect labels from ``labels`` or the examples, and build the output layer.

        Raises MedmtlError E201 if there is no label anywhere.
        """
        method = f"{type(self).__name__}.initialize"
        found = set(labels or ())
        sample: list[Doc] = []
        lost: dict[str, int] = {}
        for example in read_examples(get_examples, method):
            seen = list(self.gold_labels(example.reference))
            if labels is None:
                found.update(seen)
            for reason in self.unusable(example):
                lost[reason] = lost.get(reason, 0) + 1
            if len(sample) < SAMPLE_SIZE and len(example.predicted):
                sample.append(example.predicted)
        found.update(self.labels)
        if not found:
            raise MedmtlError("E201", name=self.name, key=self.spans_key)
        for reason, count in sorted(lost.items()):
            warn("W201", name=self.name, count=count, key=self.spans_key, reason=reason)
        self.cfg["labels"] = sorted(found) if labels is None else list(dict.fromkeys([*labels, *self.labels]))
        self.cfg.pop("temperatures", None)  # those of other weights
        self.model.set_dim("nO", self.n_outputs(), force=True)
        self.model.initialize(X=sample)

    def unusable(self, example: Example) -> Iterator[str]:
        """A reason for each gold span that training cannot use."""
        spans = example.reference.spans.get(self.spans_key, [])
        yield from ["not on token borders"] * aligned_bounds(example, [(s.start, s.end) for s in spans]).count(None)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream, in step with the encoder's batches (see ``stream``)."""
        error_handler = self.get_error_handler()
        for docs in head_batches(self.model, stream, batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
                yield from docs
            except Exception as error:
                error_handler(self.name, self, docs, error)

    def logits(self, inputs: Any) -> numpy.ndarray:
        """The model's output rows for prediction. Raises MedmtlError E016 if they are no numbers."""
        rows = to_numpy(self.model.predict(inputs))
        if not numpy.isfinite(rows).all():
            raise MedmtlError("E016", name=self.name, where="prediction")
        return rows

    def decisions(self, examples: Sequence[Example]) -> dict[str, Decisions]:
        """By output: what the model says of the annotated units, beside their gold (see ``training.calibration``)."""
        inputs, gold = self.training_batch(examples)
        return self.decided(gold, self.model.predict(inputs)) if inputs else {}

    def temperature(self, output: str) -> float:
        """What the logits of an output are divided by before they become probabilities; 1 unless it was calibrated."""
        return float(self.cfg.get("temperatures", {}).get(output, 1.0))

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from the examples that are annotated for this task; the others do not even reach the model."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        inputs, gold = self.training_batch(examples)
        if not inputs:
            return losses
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update(inputs)
        return self.learn(*self.loss(gold, scores), backprop, sgd, losses)

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Mean loss over the annotated units of ``examples`` and its gradient, without side effects."""
        return self.loss(self.training_batch(list(examples))[1], scores)

    def column(self, label: str) -> int:
        """The output column of a gold label. Raises MedmtlError E202 if it is unknown."""
        try:
            return self.cfg["labels"].index(label)
        except ValueError:
            raise MedmtlError("E202", name=self.name, received=label, expected=list(self.labels)) from None


def read_examples(get_examples: Callable[[], Iterable[Example]], method: str) -> Iterator[Example]:
    """The examples of ``initialize``, checked one by one. spaCy's own check reads a whole corpus before the first use.

    Raises spaCy's TypeError where there is no callable, or it gives nothing or something else than Examples.
    """
    examples = get_examples() if callable(get_examples) else None
    if not examples or not hasattr(examples, "__iter__"):
        validate_get_examples(get_examples, method)
    for example in examples or ():
        if not isinstance(example, Example):
            validate_examples([example], method)
        yield example


def aligned_bounds(example: Example, bounds: Iterable[Bounds], *, mode: str = "strict") -> list[Bounds | None]:
    """Token bounds of the reference Doc as those of the predicted one; None where token borders differ.

    mode: ``strict``, or ``expand`` to take in the tokens that a border cuts.
    """
    same_text = example.reference.text == example.predicted.text
    find = _twin_by_characters if same_text else _twin_by_tokens
    return [find(example, start, end, mode) if end > start else None for start, end in bounds]


def _twin_by_characters(example: Example, start: int, end: int, mode: str) -> Bounds | None:
    span = example.reference[start:end]
    twin = example.predicted.char_span(span.start_char, span.end_char, alignment_mode=mode)
    return None if twin is None else (twin.start, twin.end)


def _twin_by_tokens(example: Example, start: int, end: int, mode: str) -> Bounds | None:
    """Where the two Docs' blanks differ (references made of words alone), characters cannot be compared."""
    tokens = example.alignment.y2x[start:end]
    if not len(tokens):
        return None
    first, last = int(tokens.min()), int(tokens.max()) + 1
    gold, twin = example.reference[start:end], example.predicted[first:last]
    is_equal = "".join(gold.text.split()) == "".join(twin.text.split())
    return (first, last) if mode == "expand" or is_equal else None
