"""What settings take: of components, of models, of sharing rules. One kind, one sentence for the error."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from thinc.api import Model

from .errors import MedmtlError

LARGEST = 2**31 - 1  # of numbers; far larger ones cannot be written into a config


@dataclass(frozen=True)
class Kind:
    """is_valid: whether a setting takes a value. expected: what it takes, for the error."""

    is_valid: Callable[[Any], bool]
    expected: str

    def check(self, owner: str, setting: str, value: Any) -> None:
        """Raises MedmtlError E203 for a value that the setting does not take. owner: whose setting it is."""
        if not self.is_valid(value):
            raise MedmtlError("E203", setting=setting, name=owner, received=value, expected=self.expected)


def whole_number(least: int = 0) -> Kind:
    return Kind(lambda value: type(value) is int and least <= value <= LARGEST, f"a whole number from {least} on")


def number(least: float = 0.0) -> Kind:
    return Kind(lambda value: is_number(value) and least <= value <= LARGEST, f"a number from {least:g} on")


def choice(choices: Sequence[str]) -> Kind:
    return Kind(lambda value: isinstance(value, str) and value in choices, f"one of {', '.join(choices)}")


def names(expected: str, *, at_least: int = 0) -> Kind:
    """A list of names, each once."""
    return Kind(lambda value: is_names(value, at_least=at_least), expected)


def numbers_once(expected: str) -> Kind:
    """A list of whole numbers from 0, each once, and at least one."""
    return Kind(
        lambda value: (
            isinstance(value, (list, tuple))
            and all(map(whole_number().is_valid, value))
            and len(set(value)) == len(value) >= 1
        ),
        expected,
    )


def text(expected: str) -> Kind:
    return Kind(is_name, expected)


def or_null(kind: Kind) -> Kind:
    return Kind(lambda value: value is None or kind.is_valid(value), f"null or {kind.expected}")


def is_number(value: Any) -> bool:
    """Whether a value is a number that a float can hold; Python's whole numbers may be larger."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_names(value: Any, *, at_least: int = 0) -> bool:
    """Whether a value is a list of names, each once."""
    is_list = isinstance(value, (list, tuple)) and all(map(is_name, value))
    return is_list and len(set(value)) == len(value) >= at_least


def is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_name_by_name(value: Any) -> bool:
    """Whether a value is a dict of names."""
    return isinstance(value, Mapping) and all(map(is_name, [*value, *value.values()]))


FLAG = Kind(lambda value: isinstance(value, bool), "true or false")
# above 1 nothing reaches it
THRESHOLD = Kind(number().is_valid, "a probability, such as 0.5")
SHARE = Kind(lambda value: is_number(value) and 0.0 <= value <= 1.0, "a number from 0 to 1")
SPEAKERS = Kind(is_name_by_name, "a name for each speaker, such as {'D': 'doctor'}")
MODEL = Kind(lambda value: isinstance(value, Model), "a registered architecture")
SCORER = or_null(Kind(callable, "a registered scorer"))
