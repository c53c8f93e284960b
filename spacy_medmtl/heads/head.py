"""What all heads do alike: batches of a stream, labels, initialisation, one training step, temperatures."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from thinc.api import Model, Optimizer, set_dropout_rate

from ..annotations.items import Item, judged_by, span_items
from ..encoder.failures import is_out_of_memory
from ..encoder.listener import encoder_is_elsewhere, forget_rows, head_batches
from ..encoder.shims import torch_shim
from ..errors import MedmtlError, warn
from ..kinds import SCORER, text
from ..settings import Setting
from .alignment import aligned_bounds
from .gathering import gathered
from .losses import to_numpy
from .outputs import Exclusive, LabelledLogits, Output, UnitLabels
from .task import Task

Gold = TypeVar("Gold")


class Head(Task, Generic[Gold]):
    """A task on the shared encoder. A component says what it reads and learns by three methods and its ``output``:

    ``training_batch(examples)``: the model's input (empty where nothing is annotated) and the gold that goes with it,
    UnitLabels where the head has one output.
    ``predict(docs)`` and ``set_annotations(docs, predictions)`` as in any spaCy component.

    What its factory takes beside the model it declares as attributes, each a ``Setting``. Where its annotation is more
    than labelled spans, ``items(doc)`` describes it: scores, floors, samples and checks of data are made of that. A
    head with several outputs has ``outputs``, ``loss`` and ``labelled_logits`` of its own.

    ``labels`` and ``temperatures`` are learnt, and saved with the weights; settings are not, they are the config's.
    """

    output_name: ClassVar[str] = "labels"
    spans_key = Setting(text("the key of a span group"))
    learnt_names: ClassVar[Sequence[str]] = ("labels", "temperatures")

    def __init__(self, nlp: Language, model: Model, name: str, *, scorer: Callable | None, **settings: Any) -> None:
        """settings: a value for each ``Setting`` of the class. Raises MedmtlError E203 for a value that it does not
        take."""
        SCORER.check(name, "scorer", scorer)
        self.scorer = scorer
        self.temperatures: dict[str, float] = {}
        self._labels: list[str] = []
        super().__init__(nlp, model, name, **settings)

    # What a component has to say

    def training_batch(self, examples: Sequence[Example]) -> tuple[Any, Gold]:
        raise NotImplementedError

    @property
    def output(self) -> Output:
        """What kind of output it has; ``output_name`` is what its temperature is kept under."""
        return Exclusive()

    def outputs(self) -> dict[str, Output]:
        """Its outputs by name."""
        return {self.output_name: self.output}

    def n_outputs(self) -> int:
        """Columns of the output layer."""
        return self.output.n_columns(len(self.labels))

    def loss(self, gold: Gold, scores: Any) -> tuple[float, Any]:
        """Mean loss over the gold units, and its gradient. Raises MedmtlError E211 where the model's rows are not those
        of the gold."""
        labels = cast(UnitLabels, gold)
        if len(scores) != len(labels.held):
            raise MedmtlError("E211", name=self.name, received=len(scores), expected=len(labels.held))
        return self.output.loss(scores, labels)

    def labelled_logits(self, gold: Gold, scores: Any) -> dict[str, LabelledLogits]:
        """By output that gives probabilities: what the scores say, beside the gold."""
        labelled = self.output.labelled(scores, cast(UnitLabels, gold))
        return {} if labelled is None else {self.output_name: labelled}

    def probabilities(self, inputs: Any) -> numpy.ndarray:
        """What the output says of what the model reads [n_units, n_columns], calibrated if it is. Raises MedmtlError
        E016 if that is no numbers."""
        return numpy.asarray(self.output.probabilities(self.logits(inputs), self.temperature(self.output_name)))

    def fits_its_weights(self) -> bool:
        """Whether the output layer, if there is one yet, has the columns that labels and settings ask for."""
        if not self.is_made or not (self.model.shims and torch_shim(self.model).is_built):
            return True
        return bool(self.model.get_dim("nO") == self.n_outputs())

    def take_over(self, saved: Mapping[str, Any]) -> None:
        super().take_over(saved)
        self._labels = list(saved["labels"])
        self.temperatures = {name: float(value) for name, value in saved.get("temperatures", {}).items()}

    # What its annotation is

    def items(self, doc: Doc) -> list[Item] | None:
        """What a Doc, gold or predicted, is annotated with; None where it is not annotated."""
        return span_items(doc, self.spans_key)

    def judges(self, doc: Doc) -> Callable[[str], bool]:
        """Whether a Doc was judged for a label."""
        return judged_by(doc, self.spans_key)

    def lists_all(self, doc: Doc) -> bool:
        """Whether what an annotated Doc does not list is not there; if not, it was not judged."""
        return True

    @property
    def has_given_units(self) -> bool:
        """Whether what is labelled is known beforehand (sentences, pairs), so that a label for all is a system, too."""
        return False

    @property
    def uses_cats(self) -> bool:
        """Whether it learns from, and writes, ``doc.cats``."""
        return False

    def gold_labels(self, doc: Doc) -> list[str]:
        """The labels that a reference Doc uses; none where it is not annotated."""
        return [label for item in self.items(doc) or () for label in item.labels]

    def notes(self, doc: Doc) -> Iterable[str]:
        """What has to be known of a reference Doc at initialisation beside its labels."""
        return ()

    def take_notes(self, notes: set[str]) -> None:
        """Keep what ``notes`` said of all reference Docs, before the output layer is built."""

    @property
    def given_keys(self) -> Sequence[str]:
        """Where it looks for spans that somebody else marked: keys of span groups, or ``ents``."""
        return ()

    @property
    def given_labels(self) -> Mapping[str, Sequence[str]]:
        """Of such places, those where it takes some labels only, with these labels."""
        return {}

    @property
    def entities_key(self) -> str | None:
        """The span group of the entities that it relates to one another (``ents``: ``doc.ents``), if it does."""
        return None

    # Labels

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the output columns."""
        return tuple(self._labels)

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
        self._labels.append(label)
        return 1

    def column(self, label: str) -> int:
        """The output column of a gold label. Raises MedmtlError E202 if it is unknown."""
        try:
            return self._labels.index(label)
        except ValueError:
            raise MedmtlError("E202", name=self.name, received=label, expected=list(self.labels)) from None

    def row_of(self, labels: Iterable[str]) -> numpy.ndarray:
        """Bool [labels]: which labels are among these."""
        row = numpy.zeros(len(self.labels), dtype=bool)
        row[[self.column(label) for label in labels]] = True
        return row

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
        self.belong_to(nlp)
        self.forget_temperatures()  # those of other weights
        others = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, Head)] if nlp else []
        found = gathered(self, others, get_examples)
        # also those that were added by hand, or that a loaded pipeline holds
        known_labels = {*(found.labels if labels is None else labels), *self.labels}
        if not known_labels:
            raise MedmtlError("E201", name=self.name, key=self.spans_key)
        self.take_notes(found.notes)
        for reason, count in sorted(found.lost.items()):
            warn("W201", name=self.name, count=count, key=self.spans_key, reason=reason)
        # sorted, so that columns do not depend on the order in which a corpus is read; a label file has an order of its
        # own
        self._labels = sorted(known_labels) if labels is None else list(dict.fromkeys([*labels, *self.labels]))
        # forced: a pipeline may be initialised again, with other labels
        self.model.set_dim("nO", self.n_outputs(), force=True)
        self.model.initialize(X=found.sample)

    def unusable(self, example: Example) -> Iterator[str]:
        """A reason for each gold span that training cannot use."""
        spans = list(example.reference.spans.get(self.spans_key, []))
        for span, bounds in zip(spans, aligned_bounds(example, [(s.start, s.end) for s in spans])):
            if bounds is None:
                yield "not on token borders" if span.text.strip() else "empty"

    # Prediction

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a Doc. Failures go to the error handler. Warns (W003) where its encoder is not in the pipeline."""
        self._warn_of_missing_encoder([doc])
        self._annotated([doc], 1)
        return doc

    def _warn_of_missing_encoder(self, docs: Sequence[Doc]) -> None:
        if encoder_is_elsewhere(self.model, docs) or self._pipeline.has_lost_encoder(self):
            warn("W003", name=self.name)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate a stream, in step with the encoder's batches (see ``encoder.listener``).

        Docs that cannot be annotated go to the error handler (``nlp.set_error_handler``), one by one; the others of
        their batch come through. Where memory runs out, smaller batches are tried first.
        """
        place = 1
        for docs in head_batches(self.model, stream, batch_size):
            if place == 1:
                self._warn_of_missing_encoder(docs)
            yield from self._annotated(docs, place)
            place += len(docs)

    def _annotated(self, docs: list[Doc], place: int) -> list[Doc]:
        """The Docs of a batch, annotated, without those that cannot be: a batch that fails is halved and tried again,
        and a Doc that fails alone goes to the error handler. place: number of the first Doc in the stream."""
        try:
            self.set_annotations(docs, self.predict(docs))
            return docs
        except Exception as error:
            if is_out_of_memory(error):
                # what the encoder keeps of this batch is the first memory that can be given back
                forget_rows(self.model)
            if len(docs) == 1:
                self._fail(docs, error, place)
                return []
        # not in the block above, where the error holds what it failed with in memory
        half = len(docs) // 2
        return [*self._annotated(docs[:half], place), *self._annotated(docs[half:], place + half)]

    def _fail(self, docs: list[Doc], error: Exception, place: int) -> None:
        """Tell the error handler, which may raise, of one Doc and what happened to it; of memory, E019."""
        handle = self.get_error_handler()
        if isinstance(error, MedmtlError) and error.code == "E017" and not torch_shim(self.model).is_built:
            error = MedmtlError("E210", name=self.name)  # a layer's name tells nobody which component it is of
        if is_out_of_memory(error):
            n_tokens = len(docs[0])
            error = MedmtlError("E019", name=self.name, place=place, n_tokens=n_tokens, kind=type(error).__name__)
        handle(self.name, self, docs, error)

    @contextmanager
    def computing(self, where: str) -> Iterator[None]:
        """A block in which the model may find logits that are no numbers: MedmtlError E016, which names this component;
        its cause names the step."""
        try:
            yield
        except FloatingPointError as error:
            raise MedmtlError("E016", name=self.name, where=where) from error

    def logits(self, inputs: Any) -> numpy.ndarray:
        """The model's output rows for prediction. Raises MedmtlError E016 if they are no numbers."""
        rows = to_numpy(self.model.predict(inputs))
        if not numpy.isfinite(rows).all():
            raise MedmtlError("E016", name=self.name, where="prediction")
        return rows

    def score(self, examples: Iterable[Example], **settings: Any) -> dict[str, Any]:
        """What the scorer says, which gets the settings, the labels and, as ``component``, the present name."""
        if self.scorer is None:
            return {}
        return dict(self.scorer(examples, **{**self.cfg, "component": self.name, **settings}))

    # Calibration

    def decisions(self, examples: Sequence[Example]) -> dict[str, LabelledLogits]:
        """By output: what the model says of the annotated units, beside their gold (see ``training.calibration``).
        Raises MedmtlError E016 where the model finds that to be no numbers."""
        inputs, gold = self.training_batch(examples)
        if not inputs:
            return {}
        with self.computing("calibration"):
            return self.labelled_logits(gold, self.model.predict(inputs))

    def temperature(self, output: str) -> float:
        """What the logits of an output are divided by before they become probabilities; 1 unless it was calibrated."""
        return float(self.temperatures.get(output, 1.0))

    @property
    def thresholds(self) -> Mapping[str, str]:
        """By output, the setting that its probabilities are compared with, if there is one."""
        return {}

    def set_temperature(self, output: str, temperature: float) -> None:
        """Calibrate an output. Its threshold moves along, so that what was found is still found: it becomes the
        probability that the logit at the threshold has now.

        Of several labels that exclude one another, the probability of one also hangs on the logits of the others, and
        no threshold goes with all: it stays as it is, with warning W206.
        """
        moved = temperature / self.temperature(output)
        setting = self.thresholds.get(output, "")
        threshold = self.cfg.get(setting, 0.0)
        if 0.0 < threshold < 1.0 and moved != 1.0:
            fitting = self.outputs()[output].moved_threshold(threshold, moved)
            if fitting is None:
                warn("W206", name=self.name, setting=setting, value=threshold)
            else:
                self.cfg[setting] = fitting
        self.temperatures = {**self.temperatures, output: temperature}

    def forget_temperatures(self) -> None:
        """They were fitted on other weights."""
        for output in list(self.temperatures):
            self.set_temperature(output, 1.0)
        self.temperatures = {}

    # Training

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from the examples that are annotated for this task; the others do not even reach the model. Raises
        MedmtlError E016 where the model finds its output, or the loss, to be no numbers."""
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        if self.temperatures:
            self.forget_temperatures()
        inputs, gold = self.training_batch(examples)
        if not inputs:
            return losses
        # thinc's rate does not reach torch modules; layers of ours read it off their model's attrs
        set_dropout_rate(self.model, drop)
        with self.computing("training"):
            scores, backprop = self.model.begin_update(inputs)
        return self.learn(*self.loss(gold, scores), backprop, sgd, losses)

    def get_loss(self, examples: Iterable[Example], scores: Any) -> tuple[float, Any]:
        """Mean loss over the annotated units of ``examples`` and its gradient, without side effects."""
        return self.loss(self.training_batch(list(examples))[1], scores)
