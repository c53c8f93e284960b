"""The syntax of brat: rows of an ``.ann`` file, and the ``annotation.conf`` that lists what they may name."""

from collections.abc import Iterable, Mapping, Sequence

_ARGUMENTS = "Arg1:<ENTITY>, Arg2:<ENTITY>"


def mention_row(identifier: str, label: str, stretches: Iterable[tuple[int, int]], words: str) -> str:
    """A span of one or more stretches of characters. words: what stands there, on one line."""
    return f"{identifier}\t{label} {';'.join(f'{start} {end}' for start, end in stretches)}\t{words}"


def attribute_row(number: int, name: str, identifier: str, value: str = "") -> str:
    """An attribute of a mention; without a value it holds by being there."""
    return f"A{number}\t{name.capitalize()} {identifier}" + f" {value}" * bool(value)


def relation_row(number: int, label: str, head: str, tail: str) -> str:
    """A relation between two mentions, by their identifiers."""
    return f"R{number}\t{label} Arg1:{head} Arg2:{tail}"


def configuration(entities: Iterable[str], relations: Iterable[str], attributes: Mapping[str, Sequence[str]]) -> str:
    """The text of an ``annotation.conf``. attributes: the values of each, none where it holds by being there."""
    values = {name.capitalize(): "|".join(choices) for name, choices in attributes.items()}
    sections = {
        "entities": sorted(entities),
        "relations": [f"{label} {_ARGUMENTS}" for label in sorted(relations)],
        "events": [],
        "attributes": [
            f"{name} Arg:<ENTITY>" + f", Value:{choices}" * bool(choices) for name, choices in values.items()
        ],
    }
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())
