"""Route listeners: tok2vec layers that *pull* from the shared encoder.

In training a listener runs the encoder for its own Docs, route and view, and its backward pass adds gradients to the
encoder's parameters at once. So there is no "last listener": the encoder learns from exactly the heads that had gold,
in whatever order they stand. Whether the encoder takes part is decided by the encoder pipe: it trains on the Docs that
its own ``update`` was called with (``nlp.update`` copies Docs, so they are those of this very update and no other).

Before a step, gradients are clipped over the encoder and all that listens to it, if the optimizer can do so together:
whoever steps first sees to that (``prepare_step``). Clipped again, what is left for later stays as it is.

``finish_update`` on a listener steps the encoder too, if a gradient is pending. In ``spacy train`` the encoder pipe has
stepped before and nothing is; in ``nlp.update(examples, sgd=optimizer)``, where spaCy finishes pipe after pipe, it is
what keeps the encoder from stepping one update late.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from thinc.api import Model, Optimizer
from thinc.shims import Shim
from thinc.types import Floats2d

from ..errors import MedmtlError
from .readings import ToRead, ViewRequest, doc_of
from .shims import link_of, torch_shim

if TYPE_CHECKING:
    from .pipe import ProgressiveTok2Vec

LISTENER = "medmtl_route_listener"
Listener = Model[list[ToRead], list[Floats2d]]


class EncoderLink(Shim):
    """A listener's reference to its encoder pipe. It is no part of the listener's weights, so it saves nothing."""

    def __init__(self) -> None:
        super().__init__(None)
        self.pipe: ProgressiveTok2Vec | None = None
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
        twin = EncoderLink()
        twin.pipe = self.pipe
        return twin


def build_listener(route: str, view: str, upstream: str, pooling: str) -> Listener:
    """See ``spacy_medmtl.encoder.architectures.route_listener``."""
    attrs = {"route": route, "view": view, "upstream": upstream, "pooling": pooling}
    return Model(LISTENER, forward, dims={"nO": None}, attrs=attrs, shims=[EncoderLink()])


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


def reads_units(tok2vec: Model) -> bool:
    """Whether a tok2vec layer is ours and takes Readings; any other takes Docs."""
    return any(node.name in (LISTENER, "medmtl_private_encoder") for node in tok2vec.walk())


def view_of(model: Model) -> str | None:
    """The view in which a component's model reads an encoder of this package, if it does."""
    return next((str(node.attrs["view"]) for node in model.walk() if "view" in node.attrs), None)


def forward(model: Listener, items: list[ToRead], is_train: bool) -> tuple[list[Floats2d], Callable]:
    attrs, pipe = model.attrs, link_of(model).pipe
    if pipe is None:
        raise MedmtlError("E003", upstream=attrs["upstream"], route=attrs["route"])
    docs = [doc_of(item) for item in items]
    trains = is_train and pipe.trains_on(docs)
    memo = {} if is_train else pipe.memo_for(docs)
    request = ViewRequest(items, attrs["route"], attrs["view"], attrs["pooling"], memo)
    rows, backprop_encoder = pipe.model(request, trains)

    def backprop(d_rows: list[Floats2d]) -> list[ToRead]:
        backprop_encoder(d_rows)
        if pipe.surgery is not None:
            pipe.surgery.keep(model.id, torch_shim(pipe.model).module)
        return []

    return rows, backprop


def build_private_encoder(
    encoder: "Model[ViewRequest, list[Floats2d]]", route: str, view: str, pooling: str
) -> Listener:
    """A tok2vec layer that owns its encoder and reads it along one route."""

    def forward_private(model: Listener, items: list[ToRead], is_train: bool) -> tuple[list[Floats2d], Callable]:
        rows, backprop_encoder = model.layers[0](ViewRequest(items, route, view, pooling), is_train)

        def backprop(d_rows: list[Floats2d]) -> list[ToRead]:
            backprop_encoder(d_rows)
            return []

        return rows, backprop

    width = encoder.get_dim("nO") if encoder.has_dim("nO") else None
    return Model("medmtl_private_encoder", forward_private, layers=[encoder], dims={"nO": width}, attrs={"view": view})


def replace_listener(encoder: Model, listener: Listener, pipe: "ProgressiveTok2Vec") -> Listener:
    """For ``nlp.replace_listeners``: ``encoder`` is a copy of the shared one."""
    return build_private_encoder(encoder, listener.attrs["route"], listener.attrs["view"], listener.attrs["pooling"])


def replace_listener_cfg(encoder_cfg: dict[str, Any], listener_cfg: dict[str, Any]) -> dict[str, Any]:
    """The config block that builds what ``replace_listener`` returns."""
    kept: dict[str, Any] = {name: listener_cfg[name] for name in ("route", "view", "pooling") if name in listener_cfg}
    return {"@architectures": "spacy-medmtl.PrivateEncoder.v1", "encoder": encoder_cfg, **kept}
