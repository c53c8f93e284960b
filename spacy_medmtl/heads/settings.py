"""Settings of a component: arguments of its factory, attributes of the component, entries of the pipeline's config.

The config is the one place where a setting is written down. A ``Setting`` checks what is assigned, whoever assigns it
(the factory, ``head.threshold = 0.4``, ``head.cfg.update(threshold=0.4)``), and passes a later change on to the config
of the pipeline, so that it is saved.
"""

import math
import weakref
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, Protocol

from spacy.language import Language
from thinc.api import Model

from ..encoder.listener import find_link
from ..errors import MedmtlError

VALUES = "_settings"  # where a component keeps the values


class Configured(Protocol):
    """What settings need of the component that has them; every ``Task`` is one."""

    name: str
    model: Model
    learnt_names: ClassVar[Sequence[str]]

    def fits_its_weights(self) -> bool:
        """Whether its settings go with the weights that there are."""

    def note_in_config(self, setting: str, value: Any) -> None:
        """Write a changed setting into the pipeline's config."""


class Setting:
    """A checked attribute of a head.

    is_valid: whether the setting takes a value. expected: what it takes, for the error. Lists become tuples, so that
    nothing can be changed past the check.
    """

    def __init__(self, is_valid: Callable[[Any], bool], expected: str) -> None:
        self.is_valid = is_valid
        self.expected = expected
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, head: Any, owner: type | None = None) -> Any:
        return self if head is None else head.__dict__[VALUES][self.name]

    def __set__(self, head: Configured, value: Any) -> None:
        """Raises MedmtlError E203 for a value that the setting does not take, or that needs an output layer of another
        shape than the trained one."""
        if not self.is_valid(value):
            raise self._error(head, value, self.expected)
        # the descriptor is one for all components of the class, so values stand on the component
        values = head.__dict__.setdefault(VALUES, {})
        before, value = values.get(self.name), _plain(value)
        if before is not None and before == value:  # no change, and nothing to say where it cannot be written down
            return
        values[self.name] = value
        # asked after the change, as the number of columns follows from the settings; undone if it does not fit
        if before is not None and not head.fits_its_weights():
            values[self.name] = before
            raise self._error(head, value, f"{_as_config(before)!r}, with which its output layer was trained")
        if before is not None:
            head.note_in_config(self.name, _as_config(value))

    def _error(self, head: Configured, received: Any, expected: str) -> MedmtlError:
        return MedmtlError("E203", setting=self.name, name=head.name, received=received, expected=expected)


def text_setting(expected: str) -> Setting:
    return Setting(is_name, expected)


def count_setting() -> Setting:
    return Setting(lambda value: type(value) is int and value >= 0, "a whole number from 0 on")


def flag_setting() -> Setting:
    return Setting(lambda value: isinstance(value, bool), "true or false")


def threshold_setting() -> Setting:
    """A probability; above 1 nothing reaches it."""
    return Setting(_is_threshold, "a probability, such as 0.5")


def choice_setting(choices: Sequence[str]) -> Setting:
    return Setting(lambda value: value in choices, f"one of {', '.join(choices)}")


def names_setting(expected: str, *, at_least: int = 0) -> Setting:
    """A list of names, each once."""
    return Setting(lambda value: is_names(value, at_least=at_least), expected)


def share_setting() -> Setting:
    return Setting(lambda value: _is_threshold(value) and value <= 1.0, "a number from 0 to 1")


def is_names(value: Any, *, at_least: int = 0) -> bool:
    """Whether a value is a list of names, each once."""
    is_list = isinstance(value, (list, tuple)) and all(map(is_name, value))
    return is_list and len(set(value)) == len(value) >= at_least


def is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_name_by_name(value: Any) -> bool:
    """Whether a value is a dict of names."""
    return isinstance(value, Mapping) and all(map(is_name, [*value, *value.values()]))


def _is_threshold(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0.0


def _plain(value: Any) -> Any:
    """As it is kept: lists as tuples, NumPy's numbers as Python's; of a dict its values, in a dict of its own."""
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(value)
    return float(value) if isinstance(value, float) else value


def _as_config(value: Any) -> Any:
    """As a config writes it."""
    if isinstance(value, Mapping):
        return {name: _as_config(entry) for name, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


def settings_of(component: type) -> dict[str, Setting]:
    """The settings of a head's class, by name."""
    settings = {}
    # a subclass's setting of the same name comes last, and holds
    for base in reversed(component.__mro__):
        settings.update({name: value for name, value in vars(base).items() if isinstance(value, Setting)})
    return settings


class SettingsView(MutableMapping[str, Any]):
    """``head.cfg``: a head's settings and what it has learnt, by name. To change an entry is to set the attribute."""

    def __init__(self, head: Configured) -> None:
        self._head = head

    def __getitem__(self, name: str) -> Any:
        names = {name: name for name in self._names()}
        return _as_config(getattr(self._head, names[name]))

    def __setitem__(self, name: str, value: Any) -> None:
        """Raises MedmtlError E203 for a value that the setting does not take, E209 for a name that is no setting."""
        settings = settings_of(type(self._head))
        if name not in settings:
            raise MedmtlError("E209", name=self._head.name, received=name, expected=sorted(settings))
        setattr(self._head, name, value)

    def __delitem__(self, name: str) -> None:
        """Raises MedmtlError E209: settings can be changed, and not be taken away."""
        raise MedmtlError("E209", name=self._head.name, received=name, expected=sorted(settings_of(type(self._head))))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return repr(dict(self))

    def _names(self) -> list[str]:
        return [*settings_of(type(self._head)), *self._head.learnt_names]


class PipelineLink:
    """The pipeline that made a component, held weakly, to write changed settings into its config. Nothing of it is
    pickled; a deep copy belongs to the copied pipeline."""

    def __init__(self, nlp: Language | None = None) -> None:
        self._reference = None if nlp is None else weakref.ref(nlp)

    def write(self, component: Configured, setting: str, value: Any) -> bool:
        """Put a setting into the pipeline's config. False where the component is not its own any more: another pipeline
        that sources it sets its name and links it with an encoder, and says nothing else."""
        nlp = None if self._reference is None else self._reference()
        if nlp is None or (component.name, component) not in nlp.components:
            return False
        link = find_link(component.model)
        encoder = link.pipe if link is not None else None
        if encoder is not None and all(pipe is not encoder for _, pipe in nlp.components):
            return False
        nlp.get_pipe_config(component.name)[setting] = value
        return True

    def __deepcopy__(self, memo: dict[int, Any]) -> "PipelineLink":
        nlp = None if self._reference is None else self._reference()
        return PipelineLink(memo.get(id(nlp)))

    def __reduce__(self) -> tuple[Any, ...]:
        return PipelineLink, ()
