"""Settings that a user may give to a converter, each with its default, its values and a line of help."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import MedmtlError

STATUSES = ("positive", "negative", "unknown")
MODIFIERS = ("uncertain", "hypothetical", "historical", "family")
Meanings = dict[tuple[str, str], tuple[str, ...]]  # (attribute, value), lower case -> a status and modifiers


@dataclass(frozen=True)
class Option:
    """One setting. ``parse`` turns the text of ``--set KEY=TEXT`` into a value and raises ValueError for another."""

    help: str
    default: str
    parse: Callable[[str], Any]
    expected: str


def read_settings(options: Mapping[str, Option], given: Mapping[str, str]) -> dict[str, Any]:
    """The values of all options, as given or by default. Raises MedmtlError E410 for a setting that the converter does
    not have, E411 for a value that it does not take."""
    for key in given:
        if key not in options:
            raise MedmtlError("E410", received=key, expected=", ".join(options) or "no settings")
    values = {}
    for key, option in options.items():
        try:
            values[key] = option.parse(given.get(key, option.default))
        except ValueError:
            raise MedmtlError("E411", key=key, received=given.get(key), expected=option.expected) from None
    return values


def read_pairs_of(texts: Iterable[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping. Raises MedmtlError E404 for another text, or a second value of one key."""
    given: dict[str, str] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or key in given:
            raise MedmtlError("E404", option="--set", received=text, expected="KEY=VALUE, each KEY once")
        given[key] = value
    return given


def choice(help: str, *values: str) -> Option:
    """One of ``values``; the first is the default."""

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError
        return text

    return Option(help, values[0], parse, " or ".join(values))


def name(help: str, default: str) -> Option:
    """A name, for example of a column."""

    def parse(text: str) -> str:
        if not text:
            raise ValueError
        return text

    return Option(help, default, parse, "a name")


def names(help: str, default: str = "") -> Option:
    """Names parted by commas; none by default."""

    def parse(text: str) -> tuple[str, ...]:
        parts = tuple(part.strip() for part in text.split(",")) if text else ()
        if not all(parts) or len(set(parts)) < len(parts):
            raise ValueError
        return parts

    return Option(help, default, parse, "different names, parted by commas")


def columns(help: str, default: str) -> Option:
    """Numbers of columns parted by commas: from 1, or from the end by -1."""

    def parse(text: str) -> tuple[int, ...]:
        numbers = tuple(int(part) for part in text.split(","))
        if 0 in numbers or len(set(numbers)) < len(numbers) or max(map(abs, numbers)) > 1000:
            raise ValueError
        return tuple(number - 1 if number > 0 else number for number in numbers)

    return Option(help, default, parse, "numbers of columns parted by commas: 1 is the first one, -1 the last")


def meanings(help: str, default: str) -> Option:
    """``NAME=MEANING`` or ``NAME:VALUE=MEANING`` parted by commas; a meaning is statuses and modifiers joined by +."""

    def parse(text: str) -> Meanings:
        found: Meanings = {}
        for part in text.split(",") if text else ():
            attribute, sign, meaning = part.strip().rpartition("=")
            key, _, value = attribute.lower().partition(":")
            targets = tuple(meaning.split("+"))
            if not (sign and key) or not set(targets) <= {*STATUSES, *MODIFIERS} or (key, value) in found:
                raise ValueError
            if len(set(targets) & set(STATUSES)) > 1:
                raise ValueError
            found[key, value] = targets
        return found

    values = ", ".join((*STATUSES, *MODIFIERS))
    return Option(help, default, parse, f"NAME=MEANING or NAME:VALUE=MEANING parted by commas, a MEANING of {values}")
