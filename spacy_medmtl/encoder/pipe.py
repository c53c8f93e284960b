"""The pipe of the shared encoder, ``medmtl_progressive_tok2vec``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import srsly
from spacy.language import Language
from spacy.pipeline.trainable_pipe import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Config, Model, Optimizer
from thinc.types import Floats2d

from ..errors import MedmtlError, warn
from ..kinds import MODEL, whole_number
from ..settings import Configured, Setting
from .batches import CurrentBatch, token_batches
from .listener import LISTENER, clip_gradients, link_of, replace_listener, replace_listener_cfg
from .shims import torch_shim
from .views.requests import ViewRequest

if TYPE_CHECKING:
    from .encoding import Encoding, GradientSurgery

DEFAULT_CONFIG = """
[model]
@architectures = "spacy-medmtl.ProgressiveTransformer.v1"
layers = null
window = 256
stride = 192
batch_pieces = 8192
mixed_precision = false
speakers = {}

[model.sharing]
@misc = "spacy-medmtl.progressive_rule.v1"
init = "mean"
trainable = true
coefficient_lr_scale = 200.0
"""
DEFAULT_MODEL = Config().from_str(DEFAULT_CONFIG)["model"]
WEIGHTS_FILE = "encoder.safetensors"
Loader = Callable[[], Any]


@Language.factory(
    "medmtl_progressive_tok2vec",
    default_config={"model": DEFAULT_MODEL, "batch_tokens": 4000},
    default_score_weights={},
)
def make_progressive_tok2vec(nlp: Language, name: str, model: Model, batch_tokens: int) -> "ProgressiveTok2Vec":
    """The shared encoder. model: ``spacy-medmtl.ProgressiveTransformer.v1``. batch_tokens: tokens that ``nlp.pipe``
    keeps in the shared prediction batch. Raises MedmtlError E203 for a setting of another kind."""
    return ProgressiveTok2Vec(nlp, model, name, batch_tokens=batch_tokens)


class ProgressiveTok2Vec(Configured, TrainablePipe):
    """Owns the encoder, decides on which Docs it trains, and keeps the current prediction batch.

    It writes nothing on a Doc and has no loss of its own; heads pull from it through ``spacy-medmtl.RouteListener.v1``.
    """

    batch_tokens = Setting(whole_number(1))

    def __init__(self, nlp: Language, model: Model, name: str, **settings: Any) -> None:
        """settings: a value for each ``Setting`` of the class."""
        MODEL.check(name, "model", model)
        self.vocab = nlp.vocab
        self.model = model
        self.name = name
        self.set_up(nlp, settings)
        self.listener_map: dict[str, list[Model]] = {}
        self.current: CurrentBatch | None = None
        self.surgery: GradientSurgery | None = None  # training may set it
        self._training_examples: list[Example] = []
        self._update_encoding: Encoding | None = None  # that of the update which is going on
        self._is_prepared = False  # whether the gradients of the next step are complete and clipped
        self._usual_readers: set[int] = set()  # of the batch before the current one
        self._usual_routes: dict[str, list[str]] = {}
        model.attrs["replace_listener"] = replace_listener
        model.attrs["replace_listener_cfg"] = replace_listener_cfg

    # Listeners: the protocol of spacy.ty.ListenedToComponent

    @property
    def listeners(self) -> list[Model]:
        """All layers that read this encoder."""
        return [listener for listeners in self.listener_map.values() for listener in listeners]

    @property
    def listening_components(self) -> list[str]:
        """Names of the components that read this encoder."""
        return list(self.listener_map)

    def add_listener(self, listener: Model, component_name: str) -> None:
        """Link a listener. Raises MedmtlError E001 if it wants a route that this encoder has not."""
        route, routes = listener.attrs["route"], self.model.attrs["routes"]
        if route not in routes:
            raise MedmtlError("E001", route=route, routes=routes)
        link_of(listener).pipe = self
        if listener.has_dim("nO") is None and self.model.has_dim("nO"):
            listener.set_dim("nO", self.model.get_dim("nO"))
        listeners = self.listener_map.setdefault(component_name, [])
        if listener not in listeners:
            listeners.append(listener)

    def remove_listener(self, listener: Model, component_name: str) -> bool:
        """Unlink a listener; whether it was linked."""
        listeners = self.listener_map.get(component_name, [])
        if listener not in listeners:
            return False
        listeners.remove(listener)
        link_of(listener).pipe = link_of(listener).owner = None
        if not listeners:
            del self.listener_map[component_name]
        return True

    def find_listeners(self, component: Any) -> None:
        """Link every listener in a component whose ``upstream`` names this encoder or is ``*``."""
        model = getattr(component, "model", None)
        if not isinstance(model, Model):
            return
        for node in model.walk():
            if node.name == LISTENER and node.attrs["upstream"] in ("*", self.name):
                self.add_listener(node, component.name)
                link_of(node).owner = model

    # Prediction

    def __call__(self, doc: Doc) -> Doc:
        self._make_current([doc])
        keep_until_collected(doc)
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Pass Docs through, making each batch current while its Docs go down the pipeline."""
        try:
            for docs in token_batches(stream, max_docs=batch_size, max_tokens=self.batch_tokens):
                self._make_current(docs)
                yield from docs
        finally:
            last, self.current = self.current, None
            if last is not None and last.readers > self._usual_readers:  # it may be all of its stream
                self._expect_as_of(last)

    def _make_current(self, docs: Sequence[Doc]) -> None:
        before = self.current  # in another thread it may go meanwhile
        if before is not None and before.readers:
            self._expect_as_of(before)
        self.current = CurrentBatch(docs, self._version)

    def _expect_as_of(self, batch: CurrentBatch) -> None:
        """Expect of the next batch what was read of this one."""
        self._usual_readers, self._usual_routes = batch.readers, batch.asked

    def predict(self, docs: Iterable[Doc]) -> list[Floats2d]:
        """Token rows of the first route, for inspection. Heads do not call this."""
        from .bridge import to_arrays

        docs = list(docs)
        encoding = self.encoding_for(docs, False)
        rows = self.model.predict(ViewRequest(docs, self.model.attrs["routes"][0], "tokens", encoding=encoding))
        return to_arrays(rows.tensor, rows.lengths)

    def set_annotations(self, docs: Iterable[Doc], scores: Any) -> None:
        """Nothing is left on Docs."""

    def encoding_for(self, docs: Sequence[Doc], is_train: bool) -> "Encoding":
        """What to read these Docs from: that of this update, or of the current batch, if it is about them and by the
        present weights; otherwise one that nobody shares."""
        from .model import new_encoding

        if is_train and self.trains_on(docs):
            if self._update_encoding is None:
                self._update_encoding = new_encoding(self.model, trains=True)
            return self._update_encoding
        current = self.current
        if is_train or current is None or current.version != self._version or not current.covers(docs):
            return new_encoding(self.model, trains=False)
        if current.encoding is None:
            # copied first: in another thread, a head may be adding to it
            expected = {view: tuple(routes) for view, routes in dict(self._usual_routes).items()}
            current.encoding = new_encoding(self.model, trains=False, expected=expected)
            current.encoding.asked = current.asked
        return current.encoding

    def has_read(self, encoding: "Encoding", listener: Model) -> None:
        """Let the rows of the current batch go when those who usually read have read them."""
        current = self.current
        if current is not None and current.encoding is encoding:
            current.readers.add(listener.id)
            # before there was any batch, all who listen may want to read
            usual = self._usual_readers or {reader.id for reader in self.listeners}
            if usual <= current.readers:
                current.encoding = None

    @property
    def _version(self) -> int:
        return torch_shim(self.model).version

    # Training

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Take part in this update: listeners that read these very Docs will train the encoder.

        ``nlp.update`` does not call this for a frozen encoder, and copies Docs each time, so that no listener can take
        an earlier update's word for it. The encoder's dropout is that of its Hugging Face config, not ``drop``. Its
        loss is 0.0: spaCy's own loggers want one of each trainable component.
        """
        examples = list(examples)
        validate_examples(examples, "ProgressiveTok2Vec.update")
        self.backpropagate()
        self.current = None  # the weights are about to change
        self._training_examples = examples
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        return losses

    def gradient_left(self) -> None:
        """See ``EncoderPipe``. The encoder's backward pass waits until all listeners of the update have left theirs."""
        self._is_prepared = False
        if self._update_encoding is not None and self._update_encoding.pending:
            torch_shim(self.model).defer(self.backpropagate)

    def backpropagate(self) -> None:
        """Go back through the encoder, once for all rows that listeners have read and given gradients for."""
        encoding, self._update_encoding = self._update_encoding, None
        if encoding is not None:
            encoding.backpropagate(self.surgery)

    def finish_update(self, sgd: Optimizer) -> None:
        """Step the parameters that have a gradient."""
        self.prepare_step(sgd)
        self.model.finish_update(sgd)

    def prepare_step(self, optimizer: Optimizer) -> None:
        """Before any of them moves: complete the encoder's gradient, make one of those that were kept apart, and clip
        it, once a step, together with those of the components that listen."""
        shim = torch_shim(self.model)
        # a backward pass that was put off is part of the gradient that is clipped
        shim.settle()
        if self._is_prepared:
            return
        # all listeners ask for this, and the first one does it for all
        self._is_prepared = True
        if self.surgery is not None:
            self.surgery.put_back(shim.module)
        # each component once, though it may hold several listeners
        owners = [link_of(listener).owner for listener in self.listeners]
        clip_gradients(optimizer, {id(m): m for m in (self.model, *owners) if m is not None}.values())

    def trains_on(self, docs: Sequence[Doc]) -> bool:
        """Whether the encoder takes part in the update that these Docs belong to.

        Looked up anew each time, because an annotating component may have given an example another Doc since.
        """
        ours = {id(example.predicted) for example in self._training_examples}
        return all(id(doc) in ours for doc in docs)

    def get_loss(self, examples: Iterable[Example], scores: Any) -> None:
        """The encoder has no loss of its own."""

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        loader: Loader | None = None,
    ) -> None:
        """Load pretrained weights.

        loader: e.g. ``spacy-medmtl.local_encoder.v1``. Without one, or where it finds nothing, weights that the pipe
        holds already (of a loaded pipeline) are kept: the latter with warning W001, so that a packaged pipeline
        initialises again on a machine that never had the folder. Raises MedmtlError E004 if there are none at all.
        Raises MedmtlError E028 for routes that no listener reads.
        """
        if not callable(get_examples):  # which is all that the encoder wants to know of them
            validate_get_examples(get_examples, "ProgressiveTok2Vec.initialize")
        self.current = None
        unread = self.unread_routes()
        if unread:
            raise MedmtlError("E028", name=self.name, routes=unread)
        is_built = torch_shim(self.model).is_built
        if loader is None and not is_built:
            raise MedmtlError("E004", name=self.name)
        if loader is not None:
            self._load(loader, is_built)
        for listener in self.listeners:
            # heads that are initialised after this one ask their listener how wide rows are
            listener.set_dim("nO", self.model.get_dim("nO"), force=True)

    def unread_routes(self) -> list[str]:
        """The routes that no listener reads; none where there is no listener: such an encoder is being tried out."""
        used = {listener.attrs["route"] for listener in self.listeners}
        return [route for route in self.model.attrs["routes"] if used and route not in used]

    def _load(self, loader: Loader, is_built: bool) -> None:
        from .model import start_encoder

        try:
            pretrained, tokenizer = loader()
        except MedmtlError as error:
            if not is_built:
                raise
            warn("W001", reason=str(error))
            return
        start_encoder(self.model, pretrained, tokenizer)

    # Weights: a plain safetensors file, so that any tool can read it

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write ``encoder.safetensors`` into a folder. Warns (W203) of settings that no config has as they are now."""
        self.warn_of_unwritten()
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        (path / WEIGHTS_FILE).write_bytes(torch_shim(self.model).to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "ProgressiveTok2Vec":
        """Read what ``to_disk`` wrote.

        Raises MedmtlError E013 if the weights do not fit the config, E018 if they are missing or damaged.
        """
        file_ = Path(path) / WEIGHTS_FILE
        if not file_.is_file():
            raise MedmtlError("E018", name=str(file_), size=0, problem="they are not there")
        return self._load_weights(file_.read_bytes(), str(file_))

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        self.warn_of_unwritten()
        return srsly.msgpack_dumps({"weights": torch_shim(self.model).to_bytes()})

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "ProgressiveTok2Vec":
        data: dict[str, Any] = srsly.msgpack_loads(bytes_data)
        return self._load_weights(data["weights"], self.name)

    def _load_weights(self, weights: bytes, where: str) -> "ProgressiveTok2Vec":
        shim = torch_shim(self.model)
        shim.from_bytes(weights, where=where)
        if shim.is_built:
            self.model.set_dim("nO", shim.module.encoder.width, force=True)
        return self


def keep_until_collected(doc: Doc) -> None:
    """Let a Doc live until the garbage collector runs next, and no longer.

    spaCy's span groups cannot be read once their Doc is gone, so without that ``nlp(text).spans[key]`` in one
    expression would end in spaCy's E865.
    """
    cycle: list[Any] = [doc]
    cycle.append(cycle)
