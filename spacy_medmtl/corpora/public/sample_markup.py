"""The inline markup of the bundled sample corpus (``assets/sample/GUIDE.md``), parsed without spaCy."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

INTENTS = ("ask", "complaint", "history", "result", "assessment", "plan", "advice", "social", "heading")
ENTITY_LABELS = ("Problem", "Anatomy", "Drug", "Test", "Procedure")
STATUS = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"h": "historical", "u": "uncertain", "y": "hypothetical", "f": "family"}

ESCAPES = {"[": "[", "]": "]", "|": "|", "\\": "\\", "n": "\n"}

_LINE = re.compile(r"(?:(?P<speaker>[DNPC]) )?(?P<same_line>~)?(?P<answers>\^)?<(?P<intent>[a-z]+)> (?P<text>\S.*)")
_LABEL = re.compile(r"(?P<label>[A-Z][a-z]+)(?:(?P<status>[-+?])(?P<modifiers>[a-z]*))?")


@dataclass(frozen=True)
class MarkedEntity:
    """A labelled stretch of one sentence: character offsets, end exclusive; status and modifiers for findings only."""

    start: int
    end: int
    label: str
    status: str | None = None
    modifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkedSentence:
    """One line of the corpus: plain text, its intent and its entities (outer before inner, left to right).

    ``same_line``: a blank, not a line break, stands between it and the sentence before it.
    """

    text: str
    intent: str
    entities: tuple[MarkedEntity, ...]
    speaker: str | None = None
    answers_previous: bool = False
    same_line: bool = False


@dataclass
class MarkedDocument:
    """Sentences under one ``# doc NAME`` header."""

    name: str
    sentences: list[MarkedSentence] = field(default_factory=list)


class MarkupError(ValueError):
    """A line that does not follow the guide. The message says what is wrong and what was expected, never the text."""


def parse_text(marked: str) -> tuple[str, tuple[MarkedEntity, ...]]:
    """Split ``No [[chest|Anatomy] pain|Problem-]`` into its plain text and entities.

    A backslash makes the bracket, bar or backslash behind it plain text, and an ``n`` a line break.

    Raises MarkupError on unbalanced brackets, empty spans, unknown labels and escapes, and where a status is missing
    (outermost Problem) or misplaced (anything else).
    """
    plain: list[str] = []
    length = 0
    open_at: list[tuple[int, int]] = []  # (start offset, position in `slots`) of each open bracket
    slots: list[MarkedEntity | None] = []
    position = 0
    while position < len(marked):
        char = marked[position]
        if char == "\\":
            position += 1
            plain.append(_escaped(marked[position : position + 1], position))
            length += 1
        elif char == "[":
            open_at.append((length, len(slots)))
            slots.append(None)
        elif char == "|":
            close = marked.find("]", position)
            if not open_at or close < 0:
                raise MarkupError(f"'|' at column {position + 1} closes no entity: expected [words|Label]")
            start, slot = open_at.pop()
            tag, words = marked[position + 1 : close], "".join(plain)[start:length]
            slots[slot] = _entity(start, length, tag, words, f"the entity that ends at column {position + 1}")
            position = close
        elif char == "]":
            raise MarkupError(f"']' at column {position + 1} without a label: expected [words|Label]")
        else:
            plain.append(char)
            length += 1
        position += 1
    if open_at:
        raise MarkupError(f"{len(open_at)} bracket(s) never closed: expected [words|Label]")
    entities = tuple(entity for entity in slots if entity is not None)
    _check_status(entities)
    return "".join(plain), entities


def _escaped(char: str, column: int) -> str:
    if char not in ESCAPES:
        raise MarkupError(
            f"an unknown escape at column {column}: expected one of {', '.join(ESCAPES)} behind the backslash"
        )
    return ESCAPES[char]


def _entity(start: int, end: int, tag: str, words: str, where: str) -> MarkedEntity:
    match = _LABEL.fullmatch(tag)
    if match is None or match["label"] not in ENTITY_LABELS:
        expected = f"{', '.join(ENTITY_LABELS)}, Problem with + - or ? and h u y f"
        raise MarkupError(f"{where} has an unknown label: expected one of {expected}")
    if not words or words != words.strip():
        raise MarkupError(f"{where} is empty or has blanks at its edge")
    unknown = set(match["modifiers"] or "") - set(MODIFIERS)
    if unknown:
        raise MarkupError(f"{where} has unknown modifiers: expected some of {', '.join(MODIFIERS)}")
    modifiers = tuple(MODIFIERS[letter] for letter in match["modifiers"] or "")
    return MarkedEntity(start, end, match["label"], STATUS.get(match["status"] or ""), modifiers)


def _check_status(entities: tuple[MarkedEntity, ...]) -> None:
    """Exactly the outermost Problems are findings and carry a status (guide, section 4)."""
    for i, inner in enumerate(entities):
        is_nested = any(o.label == "Problem" and o.start <= inner.start and inner.end <= o.end for o in entities[:i])
        is_finding = inner.label == "Problem" and not is_nested
        if is_finding and inner.status is None:
            raise MarkupError(f"the outermost Problem at {inner.start}-{inner.end} has no status: expected + - or ?")
        if inner.status is not None and not is_finding:
            raise MarkupError(f"{inner.label} at {inner.start}-{inner.end} is no finding, so it takes no status")


def parse_line(line: str) -> MarkedSentence:
    """Parse one sentence line. Raises MarkupError."""
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise MarkupError("expected '[speaker] [~][^]<intent> text'")
    if match["intent"] not in INTENTS:
        raise MarkupError(f"an unknown intent: expected one of {', '.join(INTENTS)}")
    text, entities = parse_text(match["text"])
    return MarkedSentence(
        text, match["intent"], entities, match["speaker"], bool(match["answers"]), bool(match["same_line"])
    )


def parse_lines(
    lines: Iterable[tuple[int, str]],
) -> Iterator[tuple[int, "MarkedDocument | MarkedSentence | MarkupError"]]:
    """Yield (line number, item): a new document, a sentence of the last one, or what is wrong with a line."""
    previous: MarkedSentence | None = None
    document: MarkedDocument | None = None
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("//"):
            continue
        if stripped.startswith("# doc "):
            document, previous = MarkedDocument(stripped[len("# doc ") :].strip()), None
            yield number, document
            continue
        try:
            if document is None:
                raise MarkupError("a sentence before the first '# doc NAME' line")
            sentence = parse_line(stripped)
            if sentence.answers_previous and (previous is None or previous.intent != "ask"):
                raise MarkupError("'^' answers the line directly above, which must be an <ask>")
            if sentence.same_line and previous is None:
                raise MarkupError("'~' continues the line of the sentence directly above, and there is none")
        except MarkupError as error:
            yield number, error
            previous = None
            continue
        previous = sentence
        yield number, sentence
