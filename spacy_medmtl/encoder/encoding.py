"""One pass of the encoder over a batch of Docs, for all who read them.

Sequences are encoded once, whoever asks: the trunk for all routes, and above it each route. In prediction, the routes
that were asked for in the batch before are computed together. In training, whoever has read adds the gradient of its
rows, and the encoder is gone through backwards once for all (``backpropagate``): torch's graph joins where rows do.

In prediction the rows of a long Doc come in parts, each computed when it is taken. What is kept between them, and for
who reads next, has a limit; beyond it each reader computes anew, so memory does not grow with the length of a Doc.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy
import torch
from spacy.attrs import ORTH, SPACY
from torch import Tensor

from .module import EncoderModule
from .packing import Pack, pack_sequences, packs_within, padded_length
from .pooling import pool
from .recomputing import HELD, recomputed, recomputed_rows
from .views.layout import Layout
from .views.requests import ENTITY_VIEWS, ToRead, ViewRequest, doc_of
from .views.viewer import lay_out
from .views.wordpieces import DocPieces

PART = 2  # budgets: so many wordpieces are read at once
KEPT_BYTES = 2**28  # of hidden rows: all that four routes need of some 100,000 characters at a width of 384


class GradientSurgery(Protocol):
    """What keeps the gradients of those who read apart until the step (``training/pcgrad.py``)."""

    def keep(self, task: int, module: Any) -> None:
        """Take the gradient that is pending in the encoder's module away, as that of the listener ``task``."""

    def put_back(self, module: Any) -> None:
        """Give the module the gradient of this step."""


@dataclass(frozen=True)
class Rows:
    """Rows of several items, [n_rows, width] in all: ``parts`` that follow one another, some of which may be computed
    only when they are taken; and how many rows each item has."""

    parts: Iterable[Tensor]
    lengths: Sequence[int]

    @property
    def tensor(self) -> Tensor:
        """All rows at once."""
        parts = list(self.parts)
        return parts[0] if len(parts) == 1 else torch.cat(parts)


@dataclass(frozen=True)
class LongReading:
    """Rows that are computed part by part, whenever somebody iterates."""

    encoding: "Encoding"
    request: ViewRequest
    layouts: Sequence[Layout]
    routes: Sequence[str]

    def __iter__(self) -> Iterator[Tensor]:
        for layout in self.layouts:
            yield self.encoding.compute(layout, self.request, self.routes)
            self.encoding.let_go()


@dataclass
class EncodedPack:
    """Sequences that were encoded together.

    keys: what tells the sequences apart. trunk: [1, n_rows, width]. rows: by what a route computes, [n_rows, width].
    known: outputs of FFNs of the first routed layer, by number. recomputes: keep nothing in between for the backward
    pass.
    """

    keys: Sequence[tuple[bytes, bytes]]
    pack: Pack
    trunk: Tensor
    rows: dict[str, Tensor] = field(default_factory=dict)
    known: dict[int, Tensor] = field(default_factory=dict)
    recomputes: bool = False

    @property
    def n_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (self.trunk, *self.rows.values()))


@dataclass(frozen=True)
class Pending:
    """Rows that somebody read, and their gradient. task: who read."""

    rows: Tensor
    gradient: Tensor
    task: int


class Encoding:
    """See the module's docstring.

    route_key: equal for routes that compute the same. budget: wordpieces, padding included, encoded at once.
    trains: whether gradients are wanted. expected: view -> routes that will be asked for in it.
    """

    def __init__(
        self,
        module: EncoderModule,
        route_key: Callable[[str], str],
        budget: int,
        *,
        trains: bool = False,
        expected: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.module = module
        self.route_key = route_key
        self.budget = budget
        self.trains = trains
        self.expected = expected or {}
        self.asked: dict[str, list[str]] = {}  # view -> routes, in the order in which they were asked for
        self.pending: list[Pending] = []
        self._pieces: dict[tuple[int, bytes], DocPieces] = {}
        self._encoded: list[EncodedPack] = []
        self._places: dict[tuple[bytes, bytes], tuple[int, int]] = {}  # sequence -> number of its pack, first row in it

    def __reduce__(self) -> Any:
        """It is about Docs and weights of one moment; a copied or pickled pipe has none."""
        return type(None), ()

    def read(self, request: ViewRequest) -> Rows:
        """The rows that a request wants."""
        asked = self.asked.setdefault(request.view, [])
        if request.route not in asked:
            asked.append(request.route)
        layout = lay_out(self.module.settings, request.view, request.items, self.pieces(request.items))
        routes = [request.route, *self.expected.get(request.view, ())]
        # in training one graph holds all rows; of entity pairs only first rows are kept, so there is nothing to part
        layouts = [layout] if self.trains or request.view in ENTITY_VIEWS else layout.parts(PART * self.budget)
        if len(layouts) == 1:
            return Rows([self.compute(layout, request, routes)], layout.lengths)
        # [layout.n_rows, width] for the trunk, and once more for each route that computes something of its own
        n_bytes = layout.n_rows * self.module.encoder.width * torch.float32.itemsize
        if n_bytes * (1 + len(set(map(self.route_key, routes)))) > KEPT_BYTES:  # who reads next would not find them
            routes = [request.route]
        return Rows(LongReading(self, request, layouts, routes), layout.lengths)

    def compute(self, layout: Layout, request: ViewRequest, routes: Sequence[str]) -> Tensor:
        """The output rows of a layout along the first of ``routes``, [n_out, width]. The others are computed along."""
        if self.trains:  # it goes through all parts of the module
            self.module.train()
        try:
            with torch.set_grad_enabled(self.trains):
                if request.view in ENTITY_VIEWS and (
                    not self.trains or self._recomputes(self._padded_lengths(layout.ids))
                ):
                    return self.first_rows(layout, request.route)
                flat, places = self.encode(layout, routes)
                return pool(flat, places, layout, request.pooling)
        finally:
            if self.trains:
                # the same module predicts between two updates, then without dropout
                self.module.eval()

    def pieces(self, items: Sequence[ToRead]) -> list[DocPieces]:
        """The wordpieces of each item's Doc, remembered by its words: a component in between may have merged some."""
        pieces = []
        for doc in map(doc_of, items):
            # an id may be given to another Doc when this one is gone; its words make that harmless
            key = (id(doc), doc.to_array([ORTH, SPACY]).tobytes())
            if key not in self._pieces:
                self._pieces[key] = self.module.settings.wordpieces.of_doc(doc)
            pieces.append(self._pieces[key])
        return pieces

    def encode(self, layout: Layout, routes: Sequence[str]) -> tuple[Tensor, numpy.ndarray]:
        """Rows along the first of ``routes`` of all wordpieces of the packs that hold the layout's sequences,
        [n_flat, width], and the row of each wordpiece of the layout among them, [layout.n_rows]. The other routes are
        computed along."""
        encoder = self.module.encoder
        if not layout.ids:
            # nothing to read is no special case for heads: rows [0, width], on the device of the others
            return next(encoder.parameters()).new_zeros((0, encoder.width)), numpy.zeros(0, dtype="int64")
        keys = layout.sequence_keys()
        self._encode_trunks(layout, {key: i for i, key in enumerate(keys) if key not in self._places})
        key, used = self.route_key(routes[0]), sorted({self._places[key][0] for key in keys})
        # of each pack in use, where its rows begin when all packs are laid one behind the other
        first_row: dict[int, int] = {}
        n_flat = 0
        for number in used:
            encoded = self._encoded[number]
            first_row[number] = n_flat
            n_flat += encoded.trunk.shape[1]
            self._encode_branches(encoded, routes)
        # [n_rows of a pack, width] each; rows of padding stay, and no place points at them
        parts = [self._encoded[number].rows[key] for number in used]
        flat = parts[0] if len(parts) == 1 else torch.cat(parts)
        # the row of each sequence's first piece [n_sequences]
        starts = [first_row[number] + start for number, start in (self._places[key] for key in keys)]
        lengths = numpy.asarray([len(ids) for ids in layout.ids])
        # in the layout sequences follow one another without padding, so one shift moves all pieces of a sequence
        shifts = numpy.asarray(starts) - (numpy.cumsum(lengths) - lengths)
        return flat, numpy.arange(layout.n_rows) + numpy.repeat(shifts, lengths)

    def _encode_trunks(self, layout: Layout, missing: Mapping[tuple[bytes, bytes], int]) -> None:
        """Packs of sequences, each different one once. missing: by what tells them apart, their numbers."""
        keys, numbers = list(missing), list(missing.values())
        lengths = self._padded_lengths([layout.ids[number] for number in numbers])
        recomputes = self._recomputes(lengths)
        for own in packs_within(lengths, self.budget):
            encoded = self._encode_trunk(
                layout, [numbers[i] for i in own], [lengths[i] for i in own], [keys[i] for i in own], recomputes
            )
            self._places.update(
                (key, (len(self._encoded), start)) for key, start in zip(encoded.keys, encoded.pack.starts)
            )
            self._encoded.append(encoded)

    def _recomputes(self, lengths: Sequence[int]) -> bool:
        """Whether so much is read in training that not all of it can be kept for the backward pass. lengths: padded."""
        return self.trains and sum(lengths) > HELD * self.budget

    def let_go(self) -> None:
        """Keep no more than the limit. Rows along routes go before what all routes have in common, which costs more to
        compute, and the latest packs first."""
        n_bytes = sum(encoded.n_bytes for encoded in self._encoded)
        for encoded in reversed(self._encoded):
            if n_bytes <= KEPT_BYTES:
                return
            n_bytes -= encoded.n_bytes - encoded.trunk.nbytes
            encoded.rows.clear()
        while n_bytes > KEPT_BYTES:
            encoded = self._encoded.pop()
            n_bytes -= encoded.trunk.nbytes
            for key in encoded.keys:
                del self._places[key]

    def _padded_lengths(self, sequences: Sequence[numpy.ndarray]) -> list[int]:
        return [padded_length(len(ids), self.module.encoder.longest) for ids in sequences]

    def _encode_trunk(
        self,
        layout: Layout,
        numbers: Sequence[int],
        lengths: Sequence[int],
        keys: Sequence[tuple[bytes, bytes]],
        recomputes: bool,
    ) -> EncodedPack:
        """One pack. numbers: of its sequences. lengths: of each, padded."""
        encoder, pack = self.module.encoder, self._pack(layout, numbers, lengths)
        inputs = pack.ids, pack.types, pack.groups
        trunk = recomputed(self.module, encoder.trunk, *inputs) if recomputes else encoder.trunk(*inputs)
        return EncodedPack(keys, pack, trunk, recomputes=recomputes)

    def _pack(self, layout: Layout, numbers: Sequence[int], lengths: Sequence[int]) -> Pack:
        ids, types = [layout.ids[i] for i in numbers], [layout.types[i] for i in numbers]
        encoder = self.module.encoder
        return pack_sequences(ids, types, lengths, encoder.pad, next(encoder.parameters()).device)

    def _encode_branches(self, encoded: EncodedPack, routes: Sequence[str]) -> None:
        wanted = {self.route_key(route): route for route in routes}
        missing = {key: route for key, route in wanted.items() if key not in encoded.rows}
        if missing:
            # easy to hard: routes that share an easier FFN then stand side by side, and their rows are a slice, no copy
            order = sorted(missing, key=lambda key: self.module.encoder.routes.index(missing[key]))
            branches = self.module.encoder.branches
            inputs = encoded.trunk, encoded.pack.groups, [missing[key] for key in order]
            if encoded.recomputes:
                rows = recomputed(self.module, branches, *inputs)
            else:
                # outputs of single FFNs are kept in training alone, where routes come one after the other for the same
                # rows
                rows = branches(*inputs, encoded.known if self.trains else None)
            encoded.rows.update(zip(order, rows))

    def first_rows(self, layout: Layout, route: str) -> Tensor:
        """The row of the first piece of each sequence, [n_sequences, width], for the views of pairs of entities.

        A sentence is read once for each pair in it, which may be thousands of times, and nobody else reads the same. So
        one pack goes after the other, and nothing but these rows is kept: in training the backward pass reads anew.
        """
        encoder = self.module.encoder
        lengths = self._padded_lengths(layout.ids)

        def of_pack(numbers: Sequence[int]) -> Tensor:
            pack = self._pack(layout, numbers, [lengths[i] for i in numbers])
            trunk = encoder.trunk(pack.ids, pack.types, pack.groups)
            # [n_sequences of the pack, width], the first piece of each
            return encoder.branches(trunk, pack.groups, [route])[0, pack.starts]

        rows = next(encoder.parameters()).new_zeros((len(layout.ids), encoder.width))
        packs = packs_within(lengths, self.budget)
        if self.trains and packs:
            return recomputed_rows(self.module, of_pack, packs, rows)
        for numbers in packs:
            rows[numbers] = of_pack(numbers)
        return rows

    def add_gradient(self, rows: Rows, gradient: Tensor, task: int) -> None:
        """Take the gradient of rows that ``read`` gave."""
        tensor = rows.tensor
        if tensor.requires_grad:  # it does not where there is nothing to read
            self.pending.append(Pending(tensor, gradient, task))

    def backpropagate(self, surgery: GradientSurgery | None = None) -> None:
        """Add the gradients of all rows to the encoder's parameters, once for all, or task by task for ``surgery``."""
        pending, self.pending = self.pending, []
        if surgery is None:
            if pending:
                torch.autograd.backward(
                    [reading.rows for reading in pending], [reading.gradient for reading in pending]
                )
            return
        for i, reading in enumerate(pending):
            # the graph below is common to all who read, so all walks but the last leave it whole
            reading.rows.backward(reading.gradient, retain_graph=i < len(pending) - 1)
            surgery.keep(reading.task, self.module)
