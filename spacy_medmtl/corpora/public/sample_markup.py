"""The inline markup of the bundled sample corpus (``assets/sample/GUIDE.md``), parsed without spaCy."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..audit import Place
from ..record import Attributes, Entity, asserted

INTENTS = ("ask", "complaint", "history", "result", "assessment", "plan", "advice", "social", "heading")
ENTITY_LABELS = ("Problem", "Anatomy", "Drug", "Test", "Procedure")
STATUS = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"h": "historical", "u": "uncertain", "y": "hypothetical", "f": "family"}

ESCAPES = {"[": "[", "]": "]", "|": "|", "\\": "\\", "n": "\n"}

_LINE = re.compile(r"(?:(?P<speaker>[DNPC]) )?(?P<same_line>~)?(?P<answers>\^)?<(?P<intent>[a-z]+)> (?P<text>\S.*)")
_PIECE = re.compile(r"(?P<words>[^][|\\]+)|\\(?P<escaped>.?)|\|(?P<tag>[^]]*)\]|[][|]", re.DOTALL)
_LABEL = re.compile(r"(?P<label>[A-Z][a-z]+)(?:(?P<status>[-+?])(?P<modifiers>[a-z]*))?")


@dataclass(frozen=True)
class MarkedSentence:
    """One line of the corpus: plain text, its intent and its entities (outer before inner, left to right; what is said
    of findings as attributes).

    ``same_line``: a blank, not a line break, stands between it and the sentence before it. ``follows``: that sentence
    is the line above, no line was lost between.
    """

    text: str
    intent: str
    entities: tuple[Entity, ...]
    place: Place
    speaker: str | None = None
    answers_previous: bool = False
    same_line: bool = False
    follows: bool = False


class MarkupError(ValueError):
    """A line that does not follow the guide. The message says what is wrong and what was expected, never the text."""


def parse_text(marked: str, place: Place) -> tuple[str, tuple[Entity, ...]]:
    """Split ``No [[chest|Anatomy] pain|Problem-]`` into its plain text and entities.

    A backslash makes the bracket, bar or backslash behind it plain text, and an ``n`` a line break.

    Raises MarkupError on unbalanced brackets, empty spans, unknown labels and escapes, and where a status is missing
    (outermost Problem) or misplaced (anything else).
    """
    plain = ""
    opened: list[tuple[int, int]] = []  # (start offset, position in `slots`) of each open bracket
    slots: list[Entity | None] = []
    for piece in _PIECE.finditer(marked):
        column = piece.start() + 1
        if piece["words"] is not None:
            plain += piece["words"]
        elif piece["escaped"] is not None:
            if piece["escaped"] not in ESCAPES:
                expected = f"expected one of {', '.join(ESCAPES)} behind the backslash"
                raise MarkupError(f"an unknown escape at column {column}: {expected}")
            plain += ESCAPES[piece["escaped"]]
        elif piece[0] == "[":
            opened.append((len(plain), len(slots)))
            slots.append(None)
        elif piece["tag"] is not None and opened:
            start, slot = opened.pop()
            label, said = _tag(plain[start:], piece["tag"], f"the entity that ends at column {column}")
            slots[slot] = Entity(label, ((start, len(plain)),), place, said)
        elif piece[0] == "]":
            raise MarkupError(f"']' at column {column} without a label: expected [words|Label]")
        else:
            raise MarkupError(f"'|' at column {column} closes no entity: expected [words|Label]")
    if opened:
        raise MarkupError(f"{len(opened)} bracket(s) never closed: expected [words|Label]")
    entities = tuple(entity for entity in slots if entity is not None)
    _check_status(entities)
    return plain, entities


def _tag(words: str, tag: str, where: str) -> tuple[str, Attributes]:
    """The label of an entity, and its status and modifiers if it has any."""
    match = _LABEL.fullmatch(tag)
    if match is None or match["label"] not in ENTITY_LABELS:
        expected = f"{', '.join(ENTITY_LABELS)}, Problem with + - or ? and h u y f"
        raise MarkupError(f"{where} has an unknown label: expected one of {expected}")
    if not words or words != words.strip():
        raise MarkupError(f"{where} is empty or has blanks at its edge")
    letters = match["modifiers"] or ""
    if not set(letters) <= set(MODIFIERS):
        raise MarkupError(f"{where} has unknown modifiers: expected some of {', '.join(MODIFIERS)}")
    said = asserted(STATUS[match["status"]], [MODIFIERS[letter] for letter in letters]) if match["status"] else ()
    return match["label"], said


def _check_status(entities: tuple[Entity, ...]) -> None:
    """Exactly the outermost Problems are findings and carry a status (guide, section 4)."""
    for i, inner in enumerate(entities):
        start, end = inner.bounds
        outer = [other.bounds for other in entities[:i] if other.label == "Problem"]
        is_finding = inner.label == "Problem" and not any(first <= start and end <= last for first, last in outer)
        if is_finding and not inner.attributes:
            raise MarkupError(f"the outermost Problem at {start}-{end} has no status: expected + - or ?")
        if inner.attributes and not is_finding:
            raise MarkupError(f"{inner.label} at {start}-{end} is no finding, so it takes no status")


def parse_line(line: str, place: Place) -> MarkedSentence:
    """Parse one sentence line. Raises MarkupError."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise MarkupError("expected '[speaker] [~][^]<intent> text'")
    if match["intent"] not in INTENTS:
        raise MarkupError(f"an unknown intent: expected one of {', '.join(INTENTS)}")
    text, entities = parse_text(match["text"], place)
    flags = {"answers_previous": bool(match["answers"]), "same_line": bool(match["same_line"])}
    return MarkedSentence(text, match["intent"], entities, place, match["speaker"], **flags)


def parse_lines(lines: Iterable[tuple[Place, str]]) -> Iterator[tuple[Place, MarkedSentence | MarkupError | None]]:
    """Yield for each line that says something its place, and None for the head of a document (``# doc NAME``), a
    sentence of the last one, or what is wrong with the line."""
    previous: MarkedSentence | None = None
    is_open = False
    for place, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("//"):
            continue
        if stripped.startswith("# doc "):
            is_open, previous = True, None
            yield place, None
            continue
        try:
            if not is_open:
                raise MarkupError("a sentence before the first '# doc NAME' line")
            sentence = replace(parse_line(stripped, place), follows=previous is not None)
            if sentence.answers_previous and (previous is None or previous.intent != "ask"):
                raise MarkupError("'^' answers the line directly above, which must be an <ask>")
            if sentence.same_line and previous is None:
                raise MarkupError("'~' continues the line of the sentence directly above, and there is none")
        except MarkupError as error:
            yield place, error
            previous = None
        else:
            yield place, sentence
            previous = sentence
