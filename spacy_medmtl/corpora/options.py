"""Settings that a user may give to a reader, each with its default, its values and a line of help."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..annotations.extensions import MODIFIERS, STATUSES
from ..annotations.groups import INTENTS
from ..errors import MedmtlError
from .record import is_offset

IGNORE = "ignore"  # as a meaning: the attribute is not to be read, and that is no loss
Meanings = dict[tuple[str, str], tuple[str, ...]]  # (attribute, value), lower case -> a status and modifiers
Value = TypeVar("Value")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Option:
    """One setting. ``parse`` turns the text of ``--set KEY=TEXT`` into a value and raises ValueError for another."""

    help: str
    default: str
    parse: Callable[[str], Any]
    expected: str


def read_settings(options: Mapping[str, Option], given: Mapping[str, str]) -> dict[str, Any]:
    """The values of all options, as given or by default. Raises MedmtlError E410 for a setting that the reader does not
    have, E411 for a value that it does not take."""
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


def _checked(value: Value, is_valid: bool) -> Value:
    if not is_valid:
        raise ValueError
    return value


def choice(help: str, *values: str) -> Option:
    """One of ``values``; the first is the default."""
    return Option(help, values[0], lambda text: values[values.index(text)], " or ".join(values))


def name(help: str, default: str) -> Option:
    """A name, for example of a column."""
    return Option(help, default, lambda text: _checked(text, bool(text)), "a name")


def names(help: str, default: str = "") -> Option:
    """Names parted by commas; none by default."""

    def parse(text: str) -> tuple[str, ...]:
        parts = tuple(part.strip() for part in text.split(",")) if text else ()
        return _checked(parts, all(parts) and len(set(parts)) == len(parts))

    return Option(help, default, parse, "different names, parted by commas")


def kinds_of_pairs(help: str) -> Option:
    """``HEAD:TAIL`` parted by commas, the labels of two mentions; none by default."""

    def parse(text: str) -> tuple[tuple[str, str], ...]:
        parts = [tuple(label.strip() for label in part.split(":")) for part in text.split(",")] if text else []
        pairs = tuple((part[0], part[-1]) for part in parts)
        return _checked(pairs, all(len(part) == 2 and all(part) for part in parts) and len(set(pairs)) == len(pairs))

    return Option(help, "", parse, "HEAD:TAIL, the labels of two mentions, different ones parted by commas")


def count(help: str, default: str) -> Option:
    """A whole number from 0 on, of up to nine digits."""

    def parse(text: str) -> int:
        return int(_checked(text, is_offset(text)))

    return Option(help, default, parse, "a whole number from 0 on")


def columns(help: str, default: str) -> Option:
    """Numbers of columns parted by commas: from 1, or from the end by -1."""

    def parse(text: str) -> tuple[int, ...]:
        numbers = tuple(int(part) for part in text.split(","))
        _checked(numbers, 0 not in numbers and len(set(numbers)) == len(numbers) and max(map(abs, numbers)) <= 1000)
        return tuple(number - 1 if number > 0 else number for number in numbers)

    return Option(help, default, parse, "numbers of columns parted by commas: 1 is the first one, -1 the last")


def meanings(help: str, default: str) -> Option:
    """``NAME=MEANING`` or ``NAME:VALUE=MEANING`` parted by commas; a meaning is statuses and modifiers joined by +, or
    ``ignore``. ``default`` holds beside what is given, unless that says otherwise."""

    def read(text: str) -> Meanings:
        by_attribute: Meanings = {}
        for part in text.split(",") if text else ():
            attribute, sign, meaning = part.strip().rpartition("=")
            key, _, value = attribute.lower().partition(":")
            targets = () if meaning == IGNORE else tuple(meaning.split("+"))
            are_names = all(map(_NAME.fullmatch, targets)) and len(set(targets) & set(STATUSES)) < 2
            _checked(part, bool(sign and key) and are_names and (key, value) not in by_attribute)
            by_attribute[key, value] = targets
        return by_attribute

    def parse(text: str) -> Meanings:
        given = read(text)
        said = {key for key, _ in given}
        return {**{key: targets for key, targets in read(default).items() if key[0] not in said}, **given}

    values = ", ".join((*STATUSES, *MODIFIERS))
    expected = f"NAME=MEANING or NAME:VALUE=MEANING parted by commas, a MEANING of {values}, {IGNORE}"
    return Option(help, "", parse, f"{expected}, or a modifier that 'modifiers' names or the attribute is called")


DEFAULT_STATUSES = (
    "assertion:positive=positive,assertion:negative=negative,assertion:unknown=unknown,negation=negative,"
    "negated=negative,uncertain=uncertain,hypothetical=hypothetical,historical=historical,family=family"
)
SPANS: dict[str, Option] = {
    "group": choice(
        "where mentions go: ner (medmtl_ner), both (there, and findings with a status to medmtl_findings), findings "
        "(findings only)",
        *("ner", "both", "findings"),
    ),
    "labels": names(
        "with ner: the labels that were annotated, used or not, by default those that occur in the input; with both or "
        "findings: the labels whose mentions are findings, by default those of which any has an attribute of meaning"
    ),
    "statuses": meanings("what attributes say of a finding, beside what is known of old", DEFAULT_STATUSES),
    "default_status": choice("of a finding of which no attribute gives one", *STATUSES),
    "modifiers": names("the modifiers that were judged, found or not; by default those whose attributes occur"),
}
KINDS = {
    "kinds": kinds_of_pairs(
        "pairs of mentions, as HEAD:TAIL, that were judged, and hold no relation where none is stated; by default only "
        "related pairs are, and training sees no pair without a relation"
    ),
    "reach": count("how many sentences apart the mentions of such a pair may stand", "0"),
}
DISCONTINUOUS = {
    "discontinuous": choice(
        "what becomes of a mention of several stretches: cover (one span from the first to the last), first (only the "
        "first stretch), drop (a loss)",
        *("cover", "first", "drop"),
    )
}
UNIT = {
    "unit": choice(
        "what a class of a text belongs to: sentence (an intent of the whole text, as one unit), doc (doc.cats)",
        *("sentence", "doc"),
    )
}
DELIMITER = {"delimiter": choice("between the columns", "auto", "comma", "tab", "semicolon", "pipe")}
SPANS_KEY = {"spans_key": name("the span group, for a second task of sentences", INTENTS)}
DEFAULT_MEANINGS: Meanings = SPANS["statuses"].parse("")
