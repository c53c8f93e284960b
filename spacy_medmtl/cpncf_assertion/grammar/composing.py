"""From a grammar and findings to texts whose findings have a known place and status."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .marks import MODIFIERS, STATUS
from .reading import SLOT, Grammar

ESCAPES = {"\\n": "\n", "\\t": "\t", "\\s": " "}
UPPER, LOWER = 0.06, 0.15  # how many texts are written in one case throughout
CAPITAL, FULL_STOP = 0.85, 0.8  # how many statements begin with a capital, keep their last full stop
WRAPPED, WIDTHS = 0.15, (40, 80)  # how many statements have their lines broken, and after how many characters
FEWEST, MOST = 1, 6  # statements in a text


@dataclass(frozen=True)
class Fact:
    """A finding in a text: characters [start, end), its label, status and the modifiers that hold."""

    start: int
    end: int
    label: str
    status: str
    modifiers: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A text and its findings, in reading order."""

    text: str
    facts: tuple[Fact, ...] = ()


Take = Callable[[], tuple[str, str]]  # the words and label of a finding


def compose_text(grammar: Grammar, take: Take, draw: random.Random, fits: Callable[[Text], bool]) -> Text | None:
    """A few statements of random phenomena. fits: whether a statement can be used; None if none that does was found."""
    chance = draw.random()
    case = str.upper if chance < UPPER else str.lower if chance < UPPER + LOWER else str
    text: Text | None = None
    for _ in range(draw.randint(FEWEST, MOST)):
        statement = compose_statement(grammar, take, draw)
        if fits(statement):
            text = statement if text is None else _joined(text, statement, draw)
    return text and in_case(text, case)


def compose_statement(grammar: Grammar, take: Take, draw: random.Random) -> Text:
    """One template of a random phenomenon, with findings in its slots."""
    phenomenon = draw.choice([lines for lines in grammar.phenomena.values() if lines])
    return fill(grammar, draw.choice(phenomenon).text, take, draw)


def fill(grammar: Grammar, template: str, take: Take, draw: random.Random) -> Text:
    """A template with entries drawn for its references and findings for its slots."""
    form = tidy(grammar.expand(template, draw))
    if form.endswith(".") and draw.random() > FULL_STOP:
        form = form[:-1]
    pieces: list[str] = []
    facts: list[Fact] = []
    at = last = 0
    for slot in SLOT.finditer(form):
        words, label = take()
        pieces += [form[last : slot.start()], words]
        start = at + len(pieces[-2])
        at, last = start + len(words), slot.end()
        modifiers = tuple(MODIFIERS[letter] for letter in slot[1][1:])
        facts.append(Fact(start, at, label, STATUS[slot[1][0]], modifiers))
    text = Text("".join([*pieces, form[last:]]), tuple(facts))
    if draw.random() < CAPITAL:
        text = in_case(text, lambda whole: whole[:1].upper() + whole[1:])
    if draw.random() < WRAPPED:
        text = _wrapped(text, draw.randint(*WIDTHS))
    return text


def tidy(form: str) -> str:
    """Blanks that empty entries left are taken out, escapes resolved."""
    form = re.sub(" +", " ", form).strip()
    form = re.sub(r" (?=[,;.](?:\s|\\|$))|(?<=\\n) ", "", form)
    for escape, character in ESCAPES.items():
        form = form.replace(escape, character)
    return form


def in_case(text: Text, case: Callable[[str], str]) -> Text:
    """The text in another case; as it is where that would change its length, and so move findings."""
    changed = case(text.text)
    return replace(text, text=changed) if len(changed) == len(text.text) else text


def _joined(first: Text, second: Text, draw: random.Random) -> Text:
    """Two texts, on one line where the first one ends a sentence. After a heading, and after a form, a blank line: what
    comes next does not stand under it."""
    if ":" in first.text.rpartition("\n\n")[2]:
        gap = "\n\n"
    else:
        gap = draw.choice([" ", " ", "\n", "\n\n"]) if first.text[-1] in ".!?" else draw.choice(["\n", "\n\n"])
    return Text(first.text + gap + second.text, (*first.facts, *_moved(second, len(first.text) + len(gap))))


def _moved(text: Text, by: int) -> Iterator[Fact]:
    for fact in text.facts:
        yield replace(fact, start=fact.start + by, end=fact.end + by)


def _wrapped(text: Text, width: int) -> Text:
    """Break lines at blanks outside of findings, as notes do that were printed to a width."""
    inside = {i for fact in text.facts for i in range(fact.start, fact.end)}
    characters, begin = list(text.text), 0
    for i, character in enumerate(characters):
        if character == "\n":
            begin = i + 1
        elif character == " " and i - begin > width and i not in inside:
            characters[i], begin = "\n", i + 1
    return replace(text, text="".join(characters))
