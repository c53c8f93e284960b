"""Route listeners: tok2vec layers that *pull* from the shared encoder.

In training a listener asks for the rows of its own Docs, route and view; its backward pass leaves their gradient with
the encoder, which goes back once for all listeners of an update, before the step. So there is no "last listener": the
encoder learns from exactly the heads that had gold, in whatever order they stand. Whether the encoder takes part is
decided by the encoder pipe: it trains on the Docs that its own ``update`` was called with (``nlp.update`` copies Docs,
so they are those of this very update and no other).

``finish_update`` on a listener steps the encoder too, if a gradient is pending. In ``spacy train`` the encoder pipe has
stepped before and nothing is; in ``nlp.update(examples, sgd=optimizer)``, where spaCy finishes pipe after pipe, it is
what keeps the encoder from stepping one update late.
"""

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from spacy.tokens import Doc
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer
from thinc.shims import Shim

from ..errors import MedmtlError
from ..kinds import Kind, choice, is_name, text
from .batches import CurrentBatch
from .views.requests import HeadInput, ToRead, ViewRequest, doc_of

if TYPE_CHECKING:
    from .encoding import Encoding, GradientSurgery

LISTENER = "medmtl_route_listener"
PRIVATE = "medmtl_private_encoder"
# "" has errors that say more: E001, where the encoder is known, and E334
ROUTE = Kind(lambda value: value == "" or is_name(value), "a route of the encoder")
Listener = Model[HeadInput | Sequence[ToRead], Any]


class EncoderPipe(Protocol):
    """What a listener needs of the pipe that owns the encoder."""

    vocab: Vocab
    model: Model
    batch_tokens: int
    current: CurrentBatch | None
    surgery: "GradientSurgery | None"

    def trains_on(self, docs: Sequence[Doc]) -> bool:
        """Whether the encoder takes part in the update that these Docs belong to."""

    def encoding_for(self, docs: Sequence[Doc], is_train: bool) -> "Encoding":
        """What to read these Docs from."""

    def has_read(self, encoding: "Encoding", listener: Model) -> None:
        """Told by a listener when it has its rows."""

    def gradient_left(self) -> None:
        """Told by a listener when it has back-propagated: there is something to step."""

    def prepare_step(self, optimizer: Optimizer) -> None:
        """Complete and clip the gradients of the encoder and of all that listens to it."""


class EncoderLink(Shim):
    """A listener's reference to its encoder pipe. It is no part of the listener's weights, so it saves nothing."""

    def __init__(self) -> None:
        super().__init__(None)
        self.pipe: EncoderPipe | None = None
        self.owner: Model | None = None  # the model of the component that listens

    def finish_update(self, optimizer: Optimizer) -> None:
        if self.pipe is not None:
            self.pipe.prepare_step(optimizer)
            self.pipe.model.finish_update(optimizer)

    @contextlib.contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        yield  # the encoder pipe does that itself

    def to_device(self, device_type: str, device_id: int) -> None:
        pass  # likewise

    def to_bytes(self) -> bytes:
        return b""

    def from_bytes(self, data: bytes) -> "EncoderLink":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "EncoderLink":
        """Where the pipeline is copied with it, the twin reads the encoder of the copy, else the same one."""
        twin = EncoderLink()
        twin.pipe = self.pipe
        if id(self.pipe) in memo:
            twin.pipe, twin.owner = memo[id(self.pipe)], copy.deepcopy(self.owner, memo)
        return twin


def link_of(listener: Model) -> EncoderLink:
    """What links a route listener with its encoder pipe."""
    link = listener.shims[0]
    assert isinstance(link, EncoderLink)
    return link


def build_listener(route: str, view: str, upstream: str, pooling: str) -> Listener:
    """See ``spacy_medmtl.encoder.architectures.route_listener``. Raises MedmtlError E002, E015, E203."""
    check_reading(view, pooling)
    ROUTE.check("spacy-medmtl.RouteListener.v1", "route", route)
    text("the name of an encoder, or '*'").check("spacy-medmtl.RouteListener.v1", "upstream", upstream)
    attrs = {"route": route, "view": view, "upstream": upstream, "pooling": pooling}
    return Model(LISTENER, forward, dims={"nO": None}, attrs=attrs, shims=[EncoderLink()])


def check_reading(view: str, pooling: str) -> None:
    """Raises MedmtlError E002 for an unknown view, E015 for an unknown pooling."""
    from .pooling import POOLINGS
    from .views.viewer import VIEWS

    if not choice(list(VIEWS)).is_valid(view):
        raise MedmtlError("E002", view=view, views=", ".join(VIEWS))
    if not choice(POOLINGS).is_valid(pooling):
        raise MedmtlError("E015", pooling=pooling, expected=", ".join(POOLINGS))


def find_link(model: Model) -> EncoderLink | None:
    """The link of the first listener in a component's model; None if it listens to no encoder of this package."""
    for node in model.walk():
        if node.name == LISTENER:
            return link_of(node)
    return None


def prepare_step(model: Model, optimizer: Optimizer) -> None:
    """What has to be done with gradients before a component that may listen steps its own."""
    link = find_link(model)
    if link is not None and link.pipe is not None:
        link.pipe.prepare_step(optimizer)
    else:
        clip_gradients(optimizer, [model])


def clip_gradients(optimizer: Optimizer, models: Iterable[Model]) -> None:
    """Clip the gradients of several models together, if the optimizer can (``spacy-medmtl.TorchOptimizer.v1``)."""
    if hasattr(optimizer, "clip_gradients"):
        optimizer.clip_gradients(models)


def gives_rows(tok2vec: Model) -> bool:
    """Whether a tok2vec layer is ours and nothing stands before or behind it: it takes HeadInput and gives Rows."""
    return tok2vec.name in (LISTENER, PRIVATE)


def reads_units(tok2vec: Model) -> bool:
    """Whether a tok2vec layer is ours, or has one of ours in it, and takes Readings; any other takes Docs."""
    return any(gives_rows(node) for node in tok2vec.walk())


def view_of(model: Model) -> str | None:
    """The view in which a component's model reads an encoder of this package, if it does."""
    return next((str(node.attrs["view"]) for node in model.walk() if "view" in node.attrs), None)


def encoder_is_elsewhere(model: Model, docs: Sequence[Doc]) -> bool:
    """Whether a component that listens, by its ``model``, gets Docs of another vocab than its encoder's, which the
    encoder has not seen: it was sourced from another pipeline, and the encoder was not."""
    link = find_link(model)
    if link is None or link.pipe is None or not docs or docs[0].vocab is link.pipe.vocab:
        return False
    return link.pipe.current is None or not link.pipe.current.covers(docs[:1])


def forget_rows(model: Model) -> None:
    """Let go what the encoder that ``model`` listens to keeps of the current batch."""
    link = find_link(model)
    if link is not None and link.pipe is not None and link.pipe.current is not None:
        link.pipe.current.encoding = None


def head_batches(model: Model, stream: Iterable[Doc], batch_size: int) -> Iterator[list[Doc]]:
    """Group a stream as the encoder that ``model`` listens to does. Where a component in between breaks the rhythm, in
    batches of as many Docs and tokens as the encoder's may have; in ``batch_size`` Docs where there is no encoder."""
    link = find_link(model)
    if link is None or link.pipe is None:
        yield from minibatch(stream, size=batch_size)
        return
    batch: list[Doc] = []
    n_tokens = 0
    for doc in stream:
        current = link.pipe.current
        # out of step with the encoder: cut by its own measure, so that no batch here is larger than any of its
        if batch and n_tokens + len(doc) > link.pipe.batch_tokens and not (current and current.covers(batch)):
            yield batch
            batch, n_tokens = [], 0
        batch.append(doc)
        n_tokens += len(doc)
        # in step: exactly the encoder's batch, predicted while its rows are still there
        is_full = current.ends_with(doc) if current and current.covers(batch) else len(batch) >= batch_size
        if is_full:
            yield batch
            batch, n_tokens = [], 0
    if batch:
        yield batch


def forward(
    model: Listener, items: HeadInput | Sequence[ToRead], is_train: bool
) -> tuple[Any, Callable[[Any], Sequence[ToRead]]]:
    """Rows for HeadInput, whose gradient is a tensor too; for a list of items, arrays [n_rows, width] per item.

    Raises MedmtlError E003 where no encoder is linked.
    """
    from .bridge import to_arrays, to_tensor

    attrs, pipe = model.attrs, link_of(model).pipe
    if pipe is None:
        raise MedmtlError("E003", upstream=attrs["upstream"], route=attrs["route"])
    is_head = isinstance(items, HeadInput)
    read: Sequence[ToRead] = items.items if isinstance(items, HeadInput) else items
    # asked for each time: which update or which batch these Docs belong to, only the pipe knows
    encoding = pipe.encoding_for([doc_of(item) for item in read], is_train)
    request = ViewRequest(read, attrs["route"], attrs["view"], attrs["pooling"], encoding)
    rows, _ = pipe.model(request, is_train)
    pipe.has_read(encoding, model)

    def backprop(gradient: Any) -> Sequence[ToRead]:
        if not is_head:
            # one array [n_tokens, width] per Doc to [n_rows, width], in the order of ``rows.tensor``
            stacked = model.ops.xp.vstack(gradient)
            # stock components without gold send zeros, which would let momentum move the encoder
            gradient = to_tensor(stacked) if stacked.any() else None
        # a frozen encoder gives rows, and takes no gradient
        if gradient is not None and encoding.trains:
            encoding.add_gradient(rows, gradient, model.id)
        # also where nothing was left for the encoder: those of the head itself are to be clipped in the next step
        pipe.gradient_left()
        return []

    return rows if is_head else to_arrays(rows.tensor, rows.lengths), backprop


def build_private_encoder(encoder: Model, route: str, view: str, pooling: str) -> Listener:
    """A tok2vec layer that owns its encoder and reads it along one route. Raises MedmtlError E002, E015."""
    check_reading(view, pooling)
    width = encoder.get_dim("nO") if encoder.has_dim("nO") else None
    attrs = {"route": route, "view": view, "pooling": pooling}
    return Model(PRIVATE, forward_private, layers=[encoder], dims={"nO": width}, attrs=attrs)


def forward_private(
    model: Listener, items: HeadInput | Sequence[ToRead], is_train: bool
) -> tuple[Any, Callable[[Any], Sequence[ToRead]]]:
    """As ``forward``, with an encoder that nobody shares."""
    from .bridge import to_arrays, to_tensor

    is_head = isinstance(items, HeadInput)
    read: Sequence[ToRead] = items.items if isinstance(items, HeadInput) else items
    attrs = model.attrs
    rows, backprop_encoder = model.layers[0](
        ViewRequest(read, attrs["route"], attrs["view"], attrs["pooling"]), is_train
    )

    def backprop(gradient: Any) -> Sequence[ToRead]:
        backprop_encoder(gradient if is_head else to_tensor(model.ops.xp.vstack(gradient)))
        return []

    return rows if is_head else to_arrays(rows.tensor, rows.lengths), backprop


def replace_listener(encoder: Model, listener: Listener, pipe: Any) -> Listener:
    """For ``nlp.replace_listeners``: ``encoder`` is a copy of the shared one."""
    return build_private_encoder(encoder, listener.attrs["route"], listener.attrs["view"], listener.attrs["pooling"])


def replace_listener_cfg(encoder_cfg: dict[str, Any], listener_cfg: dict[str, Any]) -> dict[str, Any]:
    """The config block that builds what ``replace_listener`` returns."""
    kept: dict[str, Any] = {name: listener_cfg[name] for name in ("route", "view", "pooling") if name in listener_cfg}
    return {"@architectures": "spacy-medmtl.PrivateEncoder.v1", "encoder": encoder_cfg, **kept}
