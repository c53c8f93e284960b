"""The wall between thinc and torch: one shim for every torch module of this package, and one pair of converters.

It differs from thinc's own PyTorchShim in four ways that multi-task training needs:

* after a step the gradient is *removed*, not zeroed: a module or a route that took no part in a batch is left
  bit-identical by later steps, Adam's moments included;
* biases, LayerNorms and mixing coefficients take no weight decay, and each module can scale its learning rate;
* averaged weights (``use_params``) reach torch modules;
* weights are saved as safetensors with the arguments that rebuild the module, so nothing is pickled and a layer can
  be saved before it has weights.
"""

import contextlib
import copy
import gc
import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.context import get_spawning_popen
from typing import Any

import numpy
import srsly
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from thinc.api import Optimizer
from thinc.shims import Shim
from thinc.types import FloatsXd
from thinc.util import get_torch_default_device, torch2xp, xp2torch
from torch import Tensor, nn

from ..errors import MedmtlError

CHECKSUM = "sha256"  # name of its entry beside those of a spec
NO_WEIGHTS = save_safetensors({}, metadata={"spec": "null"})  # not empty: an emptied file must not pass for it
LrScale = Callable[[str], float]
PresentNames = Callable[[Iterable[str]], dict[str, str]]


def to_tensor(array: Any, *, requires_grad: bool = False) -> Tensor:
    """A torch copy of a thinc array, on the device in use. A copy, because several layers may hold the array."""
    # xp2torch shares memory with the array on a CPU
    return xp2torch(array, requires_grad=False).clone().requires_grad_(requires_grad)


def to_array(tensor: Tensor) -> Any:
    """A thinc array of a tensor's values, detached from the graph."""
    return torch2xp(tensor.detach())


def to_arrays(tensor: Tensor, lengths: Sequence[int]) -> list[Any]:
    """The rows of a tensor as one thinc array per item of the given lengths."""
    return split_rows(to_array(tensor), lengths)


def split_rows(array: Any, lengths: Sequence[int]) -> list[Any]:
    """The rows of a thinc array as one array per length."""
    borders = numpy.cumsum([0, *lengths])
    return [array[a:b] for a, b in zip(borders, borders[1:])]


_is_forked = False  # whether this process began as a copy of one that had torch
_is_frozen = False  # whether what it was copied with is out of the garbage collector's reach


def _note_fork() -> None:
    global _is_forked, _is_frozen
    _is_forked, _is_frozen = True, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def settle_fork() -> None:
    """In a forked worker use one torch thread, however many it was told to use: a child that enters a parallel region
    waits, for ever, for OpenMP threads which only its parent has. And share its parent's objects: the garbage collector
    writes on each object that it looks at, so its first full run would copy all memory that has objects."""
    global _is_frozen
    if not _is_forked or multiprocessing.parent_process() is None:
        return
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    if not _is_frozen:
        gc.freeze()
        _is_frozen = True


def limit_threads_of_spawned() -> None:
    """In a worker that was sent a pipeline use one torch thread, unless the environment says how many: several workers
    with all cores each slow one another down."""
    if not {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & set(os.environ):
        torch.set_num_threads(1)


class TorchShim(Shim):
    """Holds one torch module that is built late, from JSON-able arguments.

    build: makes the module from keyword arguments (the ``spec``).
    lr_scale: parameter name -> factor on the optimizer's learning rate.
    present_names: names of saved weights -> the names that they have today, for those that an earlier version saved.
    """

    def __init__(
        self,
        name: str,
        build: Callable[..., nn.Module],
        lr_scale: LrScale | None = None,
        present_names: PresentNames | None = None,
    ) -> None:
        super().__init__(None)
        self.name = name
        self.build = build
        self.lr_scale = lr_scale or _unscaled
        self.present_names = present_names or _unchanged
        self.deferred: Callable[[], None] | None = None
        self.spec: dict[str, Any] | None = None
        self.version = 0  # counts changes of the weights, so that memoised outputs can be told stale

    @property
    def module(self) -> Any:
        """The torch module, of the type that ``build`` makes, its gradients complete. Raises MedmtlError E017 before it
        has weights."""
        self.settle()
        return self.present_module

    @property
    def present_module(self) -> Any:
        """The torch module as it is, for who only reads weights: a backward pass that was deferred stays so."""
        if self._model is None:
            raise MedmtlError("E017", name=self.name)
        settle_fork()
        return self._model

    @property
    def is_built(self) -> bool:
        return self._model is not None

    def defer(self, work: Callable[[], None]) -> None:
        """Leave a backward pass for later: until somebody looks at the module, or it is stepped."""
        if self.deferred != work:  # a bound method is another object each time
            self.settle()
            self.deferred = work

    def settle(self) -> None:
        """Do what was deferred."""
        work, self.deferred = self.deferred, None
        if work is not None:
            work()

    def start(self, spec: dict[str, Any], module: nn.Module | None = None) -> None:
        """Build the module (or take the given one, made with the same ``spec``) and put it on the device in use."""
        self.spec = spec
        # eval: whoever runs a training step puts the module into training mode for that step only
        self._model = (module or self.build(**spec)).to(get_torch_default_device()).eval()
        self.version += 1

    def restart(self, spec: dict[str, Any], module: nn.Module) -> None:
        """Go on with a module of another shape, under a new id: the optimizer's moments have the old shape."""
        Shim.global_id += 1
        self.id = Shim.global_id
        self.start(spec, module)

    def finish_update(self, optimizer: Optimizer) -> None:
        """Step every parameter that has a gradient, then remove the gradient.

        An optimizer that has ``step_module`` (``spacy-medmtl.TorchOptimizer.v1``) steps the module itself.
        """
        if self._model is None:
            return
        self.settle()
        # a method looked for, not a class: that one lives in ``training``, above this room
        if hasattr(optimizer, "step_module"):
            # noted before the step: what had no gradient keeps none, and what had one loses it
            stepped = [parameter for parameter in self._model.parameters() if parameter.grad is not None]
            optimizer.step_module(self.id, self._model, self.lr_scale)
            for parameter in stepped:
                parameter.grad = None
            self.version += len(stepped)
            return
        decay = getattr(optimizer, "L2", 0.0)
        try:
            for name, parameter in self._model.named_parameters():
                if parameter.grad is None:
                    continue
                # thinc's optimizer has one decay for all that it steps; biases, norms and coefficients are to have none
                optimizer.L2 = 0.0 if parameter.ndim < 2 else decay
                weights, _ = optimizer(
                    (self.id, name),
                    to_array(parameter.data),
                    to_array(parameter.grad.contiguous()),
                    lr_scale=self.lr_scale(name),
                )
                # copied, not put in place: each tensor made of an array keeps the array, and that the tensor of old
                parameter.data.copy_(xp2torch(weights, device=parameter.device))
                parameter.grad = None
                self.version += 1
        finally:
            optimizer.L2 = decay

    @contextlib.contextmanager
    def use_params(self, params: dict[Any, FloatsXd]) -> Iterator[None]:
        """Put the optimizer's averages, keyed by (shim id, parameter name), in place for the time of the block."""
        mine = {} if self._model is None else dict(self._model.named_parameters())
        kept: dict[str, Tensor] = {}
        for name, parameter in mine.items():
            if (self.id, name) in params:
                # the data are swapped and the parameter stays: optimizer and graphs hold that object
                kept[name] = parameter.data
                parameter.data = xp2torch(params[(self.id, name)], device=parameter.device)
        self.version += bool(kept)
        try:
            yield
        finally:
            for name, data in kept.items():
                mine[name].data = data
            self.version += bool(kept)

    def to_device(self, device_type: str, device_id: int) -> None:
        if self._model is not None:
            self._model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def to_bytes(self) -> bytes:
        """A safetensors file whose metadata hold the spec and a checksum; without weights yet, one that says so."""
        if self._model is None:
            return NO_WEIGHTS
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self._model.state_dict().items()}
        spec = self.spec or {}
        # One entry, because safetensors writes several in an order that changes from run to run.
        entry = srsly.json_dumps({**spec, CHECKSUM: checksum(spec, tensors)}, sort_keys=True)
        return save_safetensors(tensors, metadata={"spec": entry})

    def from_bytes(self, data: bytes, *, where: str = "") -> "TorchShim":
        """Rebuild the module. where: the file that it comes from, for errors.

        Raises MedmtlError E013 if the weights are of another shape than the module, E018 if they are cut off, damaged
        or not those that were saved.
        """
        if data == NO_WEIGHTS:
            self._model, self.spec = None, None
            return self
        name = where or self.name
        try:
            # safetensors: the size of its header in 8 bytes, the header as JSON, then the tensors
            header_size = int.from_bytes(data[:8], "little")
            header = srsly.json_loads(data[8 : 8 + header_size].decode("utf8"))
            spec: dict[str, Any] = srsly.json_loads(header["__metadata__"]["spec"])
            saved = spec.pop(CHECKSUM, None)  # 0.1.0 wrote none
            tensors = load_safetensors(data)
        except (ValueError, LookupError, TypeError, AttributeError, SafetensorError) as error:
            raise MedmtlError("E018", name=name, size=len(data), problem=type(error).__name__) from error
        if saved is not None and saved != checksum(spec, tensors):
            raise MedmtlError("E018", name=name, size=len(data), problem="their checksum is another than was saved")
        names = self.present_names(tensors)
        # cloned: what safetensors gives are views of one buffer, which would live as long as any of them
        tensors = {names[name]: tensor.clone() for name, tensor in tensors.items() if name in names}
        module = self.build(**spec)
        # compared before loading: torch's own message would list every parameter
        expected = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
        received = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if expected != received:
            raise MedmtlError(
                "E013", received=_difference(received, expected), expected=_difference(expected, received)
            )
        # assigned, not copied: an encoder is built without memory (``model.build_module``)
        module.load_state_dict(tensors, assign=True)
        self.start(spec, module)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, inside of which weights are safetensors too."""
        kept = ("id", "name", "build", "lr_scale", "present_names")
        # only while a process is being started is there a popen
        is_sent = get_spawning_popen() is not None
        return {**{name: getattr(self, name) for name in kept}, "weights": self.to_bytes(), "is_sent": is_sent}

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights = state.pop("weights")
        TorchShim.__init__(self, state["name"], state["build"], state["lr_scale"], state["present_names"])
        self.from_bytes(weights)
        self.id = state["id"]  # not a new one: an optimizer that was pickled along knows its averages by it
        if state["is_sent"]:
            limit_threads_of_spawned()

    def __deepcopy__(self, memo: dict[int, Any]) -> "TorchShim":
        """A copy with an id of its own: two modules must never share an optimizer's moments."""
        twin = TorchShim(self.name, self.build, self.lr_scale, self.present_names)
        if self._model is not None:
            twin.start(copy.deepcopy(self.spec or {}), copy.deepcopy(self._model))
        return twin


def checksum(spec: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of what rebuilds a module and of its weights, names, types and shapes included."""
    digest = hashlib.sha256(srsly.json_dumps(spec, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        # bytes alone would not tell [2, 8] from [4, 4], nor float32 from int32
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        # flat first: torch cannot view a scalar as bytes
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _unscaled(name: str) -> float:
    return 1.0


def _unchanged(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


def _difference(shapes: dict[str, Any], other_shapes: dict[str, Any]) -> str:
    """Up to three entries in which two {name: shape} dicts differ, for an error message."""
    odd = [f"{name} {shape}" for name, shape in shapes.items() if other_shapes.get(name) != shape]
    return f"{', '.join(odd[:3]) or 'none of these'} ({len(odd)} in all)"
