"""Settings of a component: arguments of its factory, attributes of the component, entries of the pipeline's config.

The config is the one place where a setting is written down. A ``Setting`` checks what is assigned, whoever assigns it
(the factory, ``head.threshold = 0.4``, ``head.cfg.update(threshold=0.4)``), and passes a later change on to the config
of the pipeline, so that it is saved.
"""

import weakref
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

from spacy.language import Language

from .encoder.listener import find_link
from .errors import MedmtlError, warn
from .kinds import Kind

VALUES = "_settings"  # where a component keeps the values


class Setting:
    """A checked attribute of a component. Lists become tuples, so that nothing can be changed past the check."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, head: Any, owner: type | None = None) -> Any:
        return self if head is None else head.__dict__[VALUES][self.name]

    def __set__(self, head: "Configured", value: Any) -> None:
        """Raises MedmtlError E203 for a value that the setting does not take, or that needs an output layer of another
        shape than the trained one."""
        self.kind.check(head.name, self.name, value)
        # the descriptor is one for all components of the class, so values stand on the component
        values = head.__dict__.setdefault(VALUES, {})
        before, value = values.get(self.name), _plain(value)
        if before is not None and before == value:  # no change, and nothing to say where it cannot be written down
            return
        values[self.name] = value
        # asked after the change, as the number of columns follows from the settings; undone if it does not fit
        if before is not None and not head.fits_its_weights():
            values[self.name] = before
            expected = f"{_as_config(before)!r}, with which its output layer was trained"
            raise MedmtlError("E203", setting=self.name, name=head.name, received=value, expected=expected)
        if before is not None:
            head.note_in_config(self.name, _as_config(value))


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
    """The settings of a component's class, by name."""
    settings = {}
    # a subclass's setting of the same name comes last, and holds
    for base in reversed(component.__mro__):
        settings.update({name: value for name, value in vars(base).items() if isinstance(value, Setting)})
    return settings


class SettingsView(MutableMapping[str, Any]):
    """``head.cfg``: settings of a component and what it has learnt, by name. To change an entry sets the attribute."""

    def __init__(self, head: "Configured") -> None:
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

    def write(self, component: "Configured", setting: str, value: Any) -> bool:
        """Put a setting into the pipeline's config. False where the component is not its own any more: another pipeline
        that sources it sets its name and links it with an encoder, and says nothing else."""
        nlp = self._pipeline_with(component)
        if nlp is None or _encoder_is_gone(component, nlp):
            return False
        nlp.get_pipe_config(component.name)[setting] = value
        return True

    def has_lost_encoder(self, component: "Configured") -> bool:
        """Whether the component still stands in its pipeline, and the encoder of that, which it reads, does not."""
        nlp = self._pipeline_with(component)
        if nlp is None or not _encoder_is_gone(component, nlp):
            return False
        # if not of this pipeline, it is the one that the component listens to in another, which sourced it
        encoder: Any = _encoder_of(component)
        return bool(encoder._pipeline._reference() is nlp)

    def _pipeline_with(self, component: "Configured") -> Language | None:
        nlp = None if self._reference is None else self._reference()
        return nlp if nlp is not None and (component.name, component) in nlp.components else None

    def __deepcopy__(self, memo: dict[int, Any]) -> "PipelineLink":
        nlp = None if self._reference is None else self._reference()
        return PipelineLink(memo.get(id(nlp)))

    def __reduce__(self) -> tuple[Any, ...]:
        return PipelineLink, ()


def _encoder_is_gone(component: Any, nlp: Language) -> bool:
    """Whether a component listens to an encoder that is none of the pipeline's components, disabled ones included."""
    encoder = _encoder_of(component)
    return encoder is not None and all(pipe is not encoder for _, pipe in nlp.components)


def _encoder_of(component: Any) -> Any:
    """The encoder pipe to which a component listens, or None."""
    link = find_link(component.model) if hasattr(component, "model") else None
    return link.pipe if link is not None else None


class Configured:
    """A component with settings. What its factory takes beside the model it declares as attributes, each a ``Setting``.
    Settings are the config's and are not saved; what was learnt is."""

    name: str
    learnt_names: ClassVar[Sequence[str]] = ()  # the attributes that are saved
    is_made: bool = False  # whether all settings have a value

    def set_up(self, nlp: Language, settings: Mapping[str, Any]) -> None:
        """Give each ``Setting`` of the class its value. Raises MedmtlError E203 for one that it does not take."""
        self._unwritten: set[str] = set()  # settings that were changed and stand in no config as they are now
        for setting, value in settings.items():
            setattr(self, setting, value)
        self.is_made = True
        self.belong_to(nlp)

    def belong_to(self, nlp: Language | None) -> None:
        """Write changed settings into the config of this pipeline: from now on, and those that were changed while it
        was not known (of a component that was sourced or unpickled)."""
        if nlp is not None:
            self._pipeline = PipelineLink(nlp)
            for setting in sorted(self._unwritten):
                self.note_in_config(setting, self.cfg[setting])

    @property
    def cfg(self) -> SettingsView:
        """Settings, and what was learnt, by name."""
        return SettingsView(self)

    @cfg.setter
    def cfg(self, values: Mapping[str, Any]) -> None:
        """Take over the settings of a mapping (``spacy find-threshold`` assigns one)."""
        for setting in settings_of(type(self)):
            if setting in values and values[setting] != self.cfg[setting]:
                self.cfg[setting] = values[setting]

    def fits_its_weights(self) -> bool:
        """Whether the settings go with the weights that there are."""
        return True

    def note_in_config(self, setting: str, value: Any) -> None:
        """Write a changed setting into the pipeline's config, so that it is saved."""
        if not self.is_made:
            return
        if self._pipeline.write(self, setting, value):
            self._unwritten.discard(setting)
        else:  # no warning yet: a pipeline that is thrown away, as by 'spacy find-threshold', loses nothing
            self._unwritten.add(setting)

    def warn_of_unwritten(self) -> None:
        """What is lost in saving: spaCy does not tell a sourced or unpickled component which pipeline it is in."""
        for setting in sorted(self._unwritten):
            warn("W203", name=self.name, setting=setting)
