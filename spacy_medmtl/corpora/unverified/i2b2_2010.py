"""i2b2/VA 2010: discharge summaries with concepts, assertions of the problems, and relations in a sentence.

``x.txt`` holds tokenised sentences, one a line; ``x.con`` the concepts, ``x.ast`` the assertion of each problem,
``x.rel`` the relations, all by line (from 1) and token (from 0, blanks part tokens), both ends inclusive:

    c="red ears" 7:2 7:3||t="problem"
    c="red ears" 7:2 7:3||t="problem"||a="absent"
    c="cold water" 7:5 7:6||r="TrAP"||c="red ears" 7:2 7:3

Case and white space between the parts of a row make no difference.

A problem has one assertion: by the guide, one further down in ``STATUSES`` hides those above it, so that the polarity
of what is hypothetical or somebody else's is not known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit, LossError, Place, need, one_of
from ..formats.files import companion, find_companion, read_lines, read_text, text_of
from ..formats.words import agree
from ..reader import Reader
from ..record import (
    GIVEN,
    MAX_CHARACTERS,
    Attributes,
    Bounds,
    Entity,
    LinkRow,
    Record,
    asserted,
    joined,
    resolve_links,
)
from ..scheme import BOTH, FINDING, Scheme

PROBLEM = "problem"
TYPES = {"problem": "Problem", "test": "Test", "treatment": "Treatment"}
STATUSES: dict[str, Attributes] = {
    "present": asserted("positive"),
    "absent": asserted("negative"),
    "possible": asserted("unknown", ["uncertain"]),
    "conditional": asserted("unknown", ["hypothetical"]),
    "hypothetical": asserted("unknown", ["hypothetical"]),
    "associated_with_someone_else": asserted("unknown", ["family"]),
}
TEXTS = ("../txt", "../../test_data")  # where the texts of annotations are
RELATIONS = ("TrIP", "TrWP", "TrCP", "TrAP", "TrNAP", "TeRP", "TeCP", "PIP")
_RELATIONS = {name.lower(): name for name in RELATIONS}
KINDS = (("treatment", PROBLEM), ("test", PROBLEM), (PROBLEM, PROBLEM))
# The folders of the training part, then those beside the texts of the test part
FOLDERS = {
    ".con": ("../concept", "../concepts", "../reference_standard_for_test_data/concepts"),
    ".ast": ("../ast", "../reference_standard_for_test_data/ast"),
    ".rel": ("../rel", "../reference_standard_for_test_data/rel"),
}
_CONCEPT = r'c="(?P<{0}words>.*)"\s+(?P<{0}from>\d{{1,6}}:\d{{1,6}})\s+(?P<{0}to>\d{{1,6}}:\d{{1,6}})\s*'
_VALUE = r'\|\|\s*{}="(?P<value>[^"|]*)"'
_ROWS = {
    suffix: re.compile(pattern, re.IGNORECASE)
    for suffix, pattern in {
        ".con": _CONCEPT.format("") + _VALUE.format("t"),
        ".ast": _CONCEPT.format("") + r'\|\|\s*t="problem"\s*' + _VALUE.format("a"),
        ".rel": _CONCEPT.format("") + _VALUE.format("r") + r"\s*\|\|\s*" + _CONCEPT.format("tail_"),
    }.items()
}
MAX_LINE = 10_000  # characters of an annotation; matching takes the square of the length
Located = tuple[Bounds, "re.Match[str]", Place]


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of a ``.txt``, or of that which a file of annotations belongs to, its lines as sentences."""
    text_file = text_of(path, audit, TEXTS)
    if text_file is None:
        return
    place = Place(text_file, 1)
    with audit.losing(place, "document"):
        concept_file, text = companion(text_file, [".con"], FOLDERS[".con"]), read_text(text_file, audit)
        need(text.strip() or not concept_file.stat().st_size, "an empty text")
        record = Record(text, place, name=path.stem, key=path.stem, entities=[], sentences=GIVEN)
        if text.strip() and len(text) <= MAX_CHARACTERS:  # else nothing can be made of it
            _annotate(record, text_file, concept_file, audit)
        yield record


def _annotate(record: Record, path: Path, concept_file: Path, audit: Audit) -> None:
    status_file, relation_file = (find_companion(path, [suffix], FOLDERS[suffix]) for suffix in (".ast", ".rel"))
    tokens = NumberedTokens(record.text)
    located = _located(concept_file, tokens, audit)
    concepts = [Entity(match["value"].strip().lower(), (bounds,), place) for bounds, match, place in located]
    record.starts, record.is_asserted = tokens.starts, status_file is not None
    record.entities = concepts if status_file is None else _with_statuses(concepts, status_file, tokens, audit)
    if relation_file is not None:
        by_id = {_id(concept.bounds): concept for concept in reversed(record.entities) if concept.label in TYPES}
        record.links = resolve_links(_relations(relation_file, tokens, audit), by_id, audit)
    for file, suffix, what in ((status_file, ".ast", "findings"), (relation_file, ".rel", "relations")):
        audit.note(f"texts without {suffix} files, not annotated with {what}", int(file is None))


READER = Reader(
    read,
    Scheme(
        group=BOTH,
        types=TYPES,
        finding_types=(PROBLEM,),
        finding_label=FINDING,
        default_status=None,
        modifiers=("uncertain", "hypothetical", "family"),
        relations=RELATIONS,
        kinds=KINDS,
    ),
    suffixes=(".txt", *FOLDERS),
)


class NumberedTokens:
    """Where the numbered tokens of the numbered lines stand in the text. ``starts``: where its lines do, but for the
    first one."""

    def __init__(self, text: str) -> None:
        self.text = text
        end = "\r" if "\r" in text and "\n" not in text else "\n"  # as old programs for the Macintosh save texts
        lines = text.split(end)
        begins = joined(lines, end)[1]
        self.starts = [at for at in begins[1:] if at < len(text)]
        # by line from 1 and token from 0; a no-break space parts tokens, or stands in one
        self.countings: list[dict[tuple[int, int], Bounds]] = []
        for flags in (re.UNICODE, *((re.ASCII,) if not text.isascii() else ())):
            self.countings.append(
                {
                    (number, token): (at + match.start(), at + match.end())
                    for number, (line, at) in enumerate(zip(lines, begins), 1)
                    for token, match in enumerate(re.finditer(r"\S+", line, flags))
                }
            )

    def bounds(self, match: "re.Match[str]", prefix: str = "") -> Bounds:
        """The characters of a concept. Raises LossError if its tokens are not the words that it repeats (in lower
        case)."""
        ends = [tuple(map(int, match[prefix + edge].split(":"))) for edge in ("from", "to")]
        words = match[f"{prefix}words"]
        for places in self.countings:
            first, last = (places.get((line, token), (0, 0)) for line, token in ends)
            if words.strip() and agree(self.text[first[0] : last[1]], words):
                return first[0], last[1]
        which = "second concept" if prefix else "concept"
        raise LossError(f"the lines and tokens do not give the words of the {which}")


def _located(path: Path, tokens: NumberedTokens, audit: Audit) -> Iterator[Located]:
    """The (first) concept of each well-formed line of an annotation file, and the line."""
    for number, line in read_lines(path, audit):
        with audit.losing(Place(path, number)):
            if line.strip():
                suffix = path.suffix.lower()
                match = _ROWS[suffix].fullmatch(line.strip()) if len(line) <= MAX_LINE else None
                match = need(match, f"not a line of a {suffix} file of i2b2 2010")
                yield tokens.bounds(match), match, Place(path, number)


def _id(bounds: Bounds) -> str:
    return f"{bounds[0]}-{bounds[1]}"


def _with_statuses(concepts: Sequence[Entity], path: Path, tokens: NumberedTokens, audit: Audit) -> list[Entity]:
    """The concepts, problems with their assertion. A problem without one is a loss: no default would do."""
    problems = {concept.bounds for concept in concepts if concept.label == PROBLEM}
    said: dict[Bounds, Attributes] = {}
    with_assertion: set[Bounds] = set()
    for bounds, match, place in _located(path, tokens, audit):
        with audit.losing(place, FINDINGS, FINDING):
            with_assertion.add(bounds)
            value = re.sub(r"[\s-]+", "_", match["value"].strip().lower())
            given = STATUSES[one_of(value, STATUSES, "assertion")]
            need(bounds in problems, "an assertion of what is no problem of the document", offsets=bounds)
            problem = "the same tokens carry another status or other modifiers already"
            audit.note("assertions given again", int(bounds in said))
            need(said.setdefault(bounds, given) == given, problem, offsets=bounds)
    for concept in concepts:
        if concept.label == PROBLEM and concept.bounds not in with_assertion:
            audit.dropped(concept.place, FINDINGS, FINDING, "a problem without an assertion", concept.bounds)
    return [
        replace(concept, attributes=said.get(concept.bounds, ()) if concept.label == PROBLEM else ())
        for concept in concepts
    ]


def _relations(path: Path, tokens: NumberedTokens, audit: Audit) -> Iterator[LinkRow]:
    for head, match, place in _located(path, tokens, audit):
        with audit.losing(place):
            label = _RELATIONS.get(match["value"].strip().lower(), match["value"])
            yield LinkRow(label, _id(head), _id(tokens.bounds(match, "tail_")), place)
