"""The inline markup of the bundled sample corpus (``assets/corpora/sample/GUIDE.md``), parsed without spaCy."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

INTENTS = ("ask", "complaint", "history", "result", "assessment", "plan", "advice", "social", "heading")
ENTITY_LABELS = ("Problem", "Anatomy", "Drug", "Test", "Procedure")
STATUS = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"h": "historical", "u": "uncertain", "y": "hypothetical", "f": "family"}

ESCAPES = {"[": "[", "]": "]", "|": "|", "\\": "\\", "n": "\n"}

_LINE = re.compile(r"(?:(?P<speaker>[DNPC]) )?(?P<same_line>~)?(?P<answers>\^)?<(?P<intent>[a-z]+)> (?P<text>\S.*)")
_PIECE = re.compile(r"(?P<words>[^][|\\]+)|\\(?P<escaped>.?)|\|(?P<tag>[^]]*)\]|[][|]", re.DOTALL)
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
    """A ``# doc NAME`` header; the sentences under it follow."""

    name: str


class MarkupError(ValueError):
    """A line that does not follow the guide. The message says what is wrong and what was expected, never the text."""


def parse_text(marked: str) -> tuple[str, tuple[MarkedEntity, ...]]:
    """Split ``No [[chest|Anatomy] pain|Problem-]`` into its plain text and entities.

    A backslash makes the bracket, bar or backslash behind it plain text, and an ``n`` a line break.

    Raises MarkupError on unbalanced brackets, empty spans, unknown labels and escapes, and where a status is missing
    (outermost Problem) or misplaced (anything else).
    """
    plain = ""
    opened: list[tuple[int, int]] = []  # (start offset, position in `slots`) of each open bracket
    slots: list[MarkedEntity | None] = []
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
            slots[slot] = _entity(start, plain, piece["tag"], f"the entity that ends at column {column}")
        elif piece[0] == "]":
            raise MarkupError(f"']' at column {column} without a label: expected [words|Label]")
        else:
            raise MarkupError(f"'|' at column {column} closes no entity: expected [words|Label]")
    if opened:
        raise MarkupError(f"{len(opened)} bracket(s) never closed: expected [words|Label]")
    entities = tuple(entity for entity in slots if entity is not None)
    _check_status(entities)
    return plain, entities


def _entity(start: int, plain: str, tag: str, where: str) -> MarkedEntity:
    """The entity from ``start`` to the end of the plain text so far."""
    match, words = _LABEL.fullmatch(tag), plain[start:]
    if match is None or match["label"] not in ENTITY_LABELS:
        expected = f"{', '.join(ENTITY_LABELS)}, Problem with + - or ? and h u y f"
        raise MarkupError(f"{where} has an unknown label: expected one of {expected}")
    if not words or words != words.strip():
        raise MarkupError(f"{where} is empty or has blanks at its edge")
    letters = match["modifiers"] or ""
    if not set(letters) <= set(MODIFIERS):
        raise MarkupError(f"{where} has unknown modifiers: expected some of {', '.join(MODIFIERS)}")
    modifiers = tuple(MODIFIERS[letter] for letter in letters)
    return MarkedEntity(start, len(plain), match["label"], STATUS.get(match["status"] or ""), modifiers)


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
