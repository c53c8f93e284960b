"""The inline markup of the bundled sample corpus (``assets/sample/GUIDE.md``), parsed without spaCy."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..audit import Audit, Place, need, one_of
from ..formats.files import UNREADABLE
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


def parse_text(marked: str, place: Place) -> tuple[str, tuple[Entity, ...]]:
    """Split ``No [[chest|Anatomy] pain|Problem-]`` into its plain text and entities.

    A backslash makes the bracket, bar or backslash behind it plain text, and an ``n`` a line break.

    Raises LossError on unbalanced brackets, empty spans, unknown labels and escapes, and where a status is missing
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
            plain += ESCAPES[one_of(piece["escaped"], ESCAPES, f"escape at column {column}")]
        elif piece[0] == "[":
            opened.append((len(plain), len(slots)))
            slots.append(None)
        else:
            need(piece["tag"] is not None, f"{piece[0]!r} at column {column} without a label: expected [words|Label]")
            need(opened, f"'|' at column {column} closes no entity: expected [words|Label]")
            start, slot = opened.pop()
            label, said = _tag(plain[start:], piece["tag"], f"the entity that ends at column {column}")
            slots[slot] = Entity(label, ((start, len(plain)),), place, said)
    need(not opened, f"{len(opened)} bracket(s) never closed: expected [words|Label]")
    entities = tuple(entity for entity in slots if entity is not None)
    _check_status(entities)
    return plain, entities


def _tag(words: str, tag: str, where: str) -> tuple[str, Attributes]:
    """The label of an entity, and its status and modifiers if it has any."""
    match = _LABEL.fullmatch(tag)
    expected = f"{', '.join(ENTITY_LABELS)}, Problem with + - or ? and h u y f"
    is_label = match is not None and match["label"] in ENTITY_LABELS
    match = need(match if is_label else None, f"{where} has an unknown label: expected one of {expected}")
    need(words and words == words.strip(), f"{where} is empty or has blanks at its edge")
    letters = match["modifiers"] or ""
    expected = f"expected some of {', '.join(MODIFIERS)}"
    need(set(letters) <= set(MODIFIERS), f"{where} has unknown modifiers: {expected}")
    said = asserted(STATUS[match["status"]], [MODIFIERS[letter] for letter in letters]) if match["status"] else ()
    return match["label"], said


def _check_status(entities: tuple[Entity, ...]) -> None:
    """Exactly the outermost Problems are findings and carry a status (guide, section 4)."""
    for i, inner in enumerate(entities):
        start, end = inner.bounds
        outer = [other.bounds for other in entities[:i] if other.label == "Problem"]
        is_finding = inner.label == "Problem" and not any(first <= start and end <= last for first, last in outer)
        problem = f"the outermost Problem at {start}-{end} has no status: expected + - or ?"
        need(inner.attributes or not is_finding, problem)
        problem = f"{inner.label} at {start}-{end} is no finding, so it takes no status"
        need(is_finding or not inner.attributes, problem)


def parse_line(line: str, place: Place) -> MarkedSentence:
    """Parse one sentence line. Raises LossError."""
    match = need(_LINE.fullmatch(line), "expected '[speaker] [~][^]<intent> text'")
    intent = one_of(match["intent"], INTENTS, "intent")
    text, entities = parse_text(match["text"], place)
    flags = {"answers_previous": bool(match["answers"]), "same_line": bool(match["same_line"])}
    return MarkedSentence(text, intent, entities, place, match["speaker"], **flags)


def parse_lines(lines: Iterable[tuple[Place, str]], audit: Audit) -> Iterator[tuple[Place, MarkedSentence | None]]:
    """Yield for each line that says something its place, and None for the head of a document (``# doc NAME``) or a
    sentence of the last one. A line that does not follow the guide is a loss (MedmtlError E401 in stop mode)."""
    before: MarkedSentence | None = None
    is_open = False
    for place, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("//"):
            continue
        previous, before = before, None
        if stripped.startswith("# doc "):
            is_open = True
            yield place, None
        elif line != UNREADABLE:  # which is listed already
            with audit.losing(place):
                need(is_open, "a sentence before the first '# doc NAME' line")
                sentence = replace(parse_line(stripped, place), follows=previous is not None)
                is_answer = previous is not None and previous.intent == "ask"
                problem = "'^' answers the line directly above, which must be an <ask>"
                need(is_answer or not sentence.answers_previous, problem)
                problem = "'~' continues the line of the sentence directly above, and there is none"
                need(previous or not sentence.same_line, problem)
                before = sentence
                yield place, sentence
