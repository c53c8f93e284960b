"""A component whose model listens to the shared encoder: its name, its settings, its step, and what it saves."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline.trainable_pipe import TrainablePipe
from spacy.training import Example
from thinc.api import Model, Optimizer

from ..encoder.listener import prepare_step
from ..errors import MedmtlError, warn
from ..kinds import MODEL
from ..settings import Configured, settings_of
from .saving import SETTINGS_FILE, WEIGHTS_FILE, check_route, load_weights, read_saved, with_fingerprints


class Task(Configured, TrainablePipe):
    """A component whose model listens.

    weigh: may be set by training: loss -> factor on its gradient.
    """

    weigh: Callable[[float], float] | None = None

    def __init__(self, nlp: Language, model: Model, name: str, **settings: Any) -> None:
        """settings: a value for each ``Setting`` of the class. Raises MedmtlError E203 for a value that it
        does not take."""
        MODEL.check(name, "model", model)
        self.vocab = nlp.vocab
        self.model = model
        self.name = name
        self.set_up(nlp, settings)

    def learn(
        self, loss: float, gradient: Any, backprop: Callable, sgd: Optimizer | None, losses: dict[str, float]
    ) -> dict[str, float]:
        """Back-propagate, step if there is an optimizer, and add the loss. Raises MedmtlError E016 if it is no number.

        sgd: an optimizer; None or False to leave the step to spaCy.
        """
        if not math.isfinite(loss):
            raise MedmtlError("E016", name=self.name, where="training")
        # the loss is shown as it is; a weight is one on its gradient
        backprop(gradient if self.weigh is None else gradient * self.weigh(loss))
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def finish_update(self, sgd: Optimizer) -> None:
        """Step the parameters that have a gradient."""
        prepare_step(self.model, sgd)
        self.model.finish_update(sgd)

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
        **config: Any,
    ) -> dict[str, float]:
        """Learns nothing, as spaCy's ``spancat``, and warns (W208), so that nobody relies on it. Other components of a
        pipeline, such as ``tagger``, rehearse."""
        warn("W208", name=self.name)
        return {} if losses is None else losses

    # Saving

    def warn_of_what_is_lost(self) -> None:
        """Warns (W203) of settings that no config has as they are now, and (W003) where the encoder was removed."""
        self.warn_of_unwritten()
        if self._pipeline.has_lost_encoder(self):
            warn("W003", name=self.name)

    def learnt(self) -> dict[str, Any]:
        """What is saved beside the weights."""
        return {name: self.cfg[name] for name in self.learnt_names}

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """What was learnt and the weights. Warns as ``warn_of_what_is_lost``.

        exclude: ``cfg``, ``model``, ``vocab``.
        """
        self.warn_of_what_is_lost()
        weights = self.model.to_bytes()
        parts = {
            SETTINGS_FILE: lambda: srsly.json_dumps(with_fingerprints(self.learnt(), self.model, weights)),
            "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
            WEIGHTS_FILE: lambda: weights,
        }
        return bytes(util.to_bytes(parts, exclude))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "Task":
        """Raises MedmtlError E208, E018 where they are damaged or do not belong together."""
        parts: dict[str, Any] = srsly.msgpack_loads(bytes_data)
        if "vocab" in parts and "vocab" not in exclude:
            self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        kept = {name: parts.get(name) for name in (SETTINGS_FILE, WEIGHTS_FILE) if name not in exclude}
        self._restore(kept, "the bytes of the pipeline")
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write ``cfg`` (what was learnt, as JSON) and ``model`` into a folder. Warns as ``to_bytes``."""
        self.warn_of_what_is_lost()
        weights = self.model.to_bytes()
        parts = {
            SETTINGS_FILE: lambda p: srsly.write_json(p, with_fingerprints(self.learnt(), self.model, weights)),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            WEIGHTS_FILE: lambda p: p.write_bytes(weights),
        }
        util.to_disk(path, parts, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "Task":
        """Read what ``to_disk`` wrote, in this version or another.

        Raises MedmtlError E208, E018 where files are missing, damaged or do not belong together.
        """
        path = Path(path)
        if (path / "vocab").exists() and "vocab" not in exclude:
            self.vocab.from_disk(path / "vocab", exclude=exclude)
        wanted = [name for name in (SETTINGS_FILE, WEIGHTS_FILE) if name not in exclude]
        self._restore({n: (path / n).read_bytes() if (path / n).is_file() else None for n in wanted}, str(path))
        return self

    def take_over(self, saved: Mapping[str, Any]) -> None:
        """What was learnt, as it was saved."""

    def _restore(self, parts: Mapping[str, bytes | str | None], where: str) -> None:
        """Take over what was saved: cfg, JSON, and the weights, as far as they are among the ``parts`` (None: they
        should be, and are missing)."""
        saved: dict[str, Any] = {}
        if SETTINGS_FILE in parts:
            place, text = f"{where}/{SETTINGS_FILE}", parts[SETTINGS_FILE]
            if text is None:
                raise MedmtlError("E208", path=place, name=self.name, problem="is not there")
            # labels and route first: their errors say more than that of a shape that does not fit
            saved = read_saved(text, self.learnt_names, name=self.name, where=place)
            check_route(saved, self.model, name=self.name, where=place)
            self._warn_of_old_settings(saved)
            self.take_over(saved)
        if WEIGHTS_FILE in parts:
            place, weights = f"{where}/{WEIGHTS_FILE}", parts[WEIGHTS_FILE]
            if not isinstance(weights, bytes):
                raise MedmtlError("E018", name=place, size=0, problem="they are not there")
            load_weights(self.model, weights, saved, where=place)
            if not self.fits_its_weights():
                problem = (
                    "does not fit the weights: labels and settings ask for an output layer of another size. If "
                    "settings were changed (in config.cfg, or by spacy.load(..., config=...)), take that back"
                )
                raise MedmtlError("E208", path=f"{where}/{SETTINGS_FILE}", name=self.name, problem=problem)

    def _warn_of_old_settings(self, saved: Mapping[str, Any]) -> None:
        """Version 0.1.0 saved settings too, and let them win over the config."""
        for setting in settings_of(type(self)):
            if setting in saved and saved[setting] != self.cfg[setting]:
                warn("W204", name=self.name, setting=setting, saved=saved[setting], config=self.cfg[setting])
