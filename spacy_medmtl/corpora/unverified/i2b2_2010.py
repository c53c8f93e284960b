"""i2b2/VA 2010: discharge summaries with concepts, assertions of the problems, and relations in a sentence.

``x.txt`` holds tokenised sentences, one a line; ``x.con`` the concepts, ``x.ast`` the assertion of each problem,
``x.rel`` the relations, all by line (from 1) and token (from 0, blanks part tokens), both ends inclusive:

    c="red ears" 7:2 7:3||t="problem"
    c="red ears" 7:2 7:3||t="problem"||a="absent"
    c="cold water" 7:5 7:6||r="TrAP"||c="red ears" 7:2 7:3

A problem has one assertion: by the guide, one further down in ``STATUSES`` hides those above it, so that the polarity
of what is hypothetical or somebody else's is not known.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place, need, one_of
from ..formats.files import companion, find_companion, read_lines, read_text
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
    line_starts,
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
RELATIONS = ("TrIP", "TrWP", "TrCP", "TrAP", "TrNAP", "TeRP", "TeCP", "PIP")
KINDS = (("treatment", PROBLEM), ("test", PROBLEM), (PROBLEM, PROBLEM))
# The folders of the training part, then those beside the texts of the test part
FOLDERS = {
    ".con": ("../concept", "../concepts", "../reference_standard_for_test_data/concepts"),
    ".ast": ("../ast", "../reference_standard_for_test_data/ast"),
    ".rel": ("../rel", "../reference_standard_for_test_data/rel"),
}
_CONCEPT = r'c="(?P<{0}words>.*)" (?P<{0}from>\d{{1,6}}:\d{{1,6}}) (?P<{0}to>\d{{1,6}}:\d{{1,6}})'
_ROWS = {
    ".con": re.compile(_CONCEPT.format("") + r'\|\|t="(?P<value>[^"|]*)"'),
    ".ast": re.compile(_CONCEPT.format("") + r'\|\|t="problem"\|\|a="(?P<value>[^"|]*)"'),
    ".rel": re.compile(_CONCEPT.format("") + r'\|\|r="(?P<value>[^"|]*)"\|\|' + _CONCEPT.format("tail_")),
}
MAX_LINE = 10_000  # characters of an annotation; matching takes the square of the length
Located = tuple[Bounds, "re.Match[str]", Place]


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The record of a ``.txt``, its lines as sentences."""
    place = Place(path, 1)
    with audit.losing(place, "document"):
        concept_file, text = companion(path, [".con"], FOLDERS[".con"]), read_text(path, audit)
        need(text.strip() or not concept_file.stat().st_size, "an empty text")
        record = Record(text, place, name=path.stem, key=path.stem, entities=[], sentences=GIVEN)
        if text.strip() and len(text) <= MAX_CHARACTERS:  # else nothing can be made of it
            _annotate(record, path, concept_file, audit)
        yield record


def _annotate(record: Record, path: Path, concept_file: Path, audit: Audit) -> None:
    status_file, relation_file = (find_companion(path, [suffix], FOLDERS[suffix]) for suffix in (".ast", ".rel"))
    tokens = NumberedTokens(record.text)
    located = _located(concept_file, tokens, audit)
    concepts = [Entity(match["value"], (bounds,), place) for bounds, match, place in located]
    record.starts, record.is_asserted = line_starts(record.text), status_file is not None
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
    suffixes=(".txt",),
)


class NumberedTokens:
    """Where the numbered tokens of the numbered lines stand in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.places: dict[tuple[int, int], Bounds] = {}  # by line from 1 and token from 0
        lines = text.split("\n")
        for number, (line, at) in enumerate(zip(lines, joined(lines)[1]), 1):
            for token, match in enumerate(re.finditer(r"\S+", line)):
                self.places[number, token] = at + match.start(), at + match.end()

    def bounds(self, match: "re.Match[str]", prefix: str = "") -> Bounds:
        """The characters of a concept. Raises LossError if its tokens are not the words that it repeats (in lower
        case)."""
        ends = [tuple(map(int, match[prefix + edge].split(":"))) for edge in ("from", "to")]
        first, last = (self.places.get((line, token), (0, 0)) for line, token in ends)
        words = match[f"{prefix}words"].lower().split()
        is_there = words and self.text[first[0] : last[1]].lower().split() == words
        which = "second concept" if prefix else "concept"
        need(is_there, f"the lines and tokens do not give the words of the {which}")
        return first[0], last[1]


def _located(path: Path, tokens: NumberedTokens, audit: Audit) -> Iterator[Located]:
    """The (first) concept of each well-formed line of an annotation file, and the line."""
    for number, line in read_lines(path, audit):
        with audit.losing(Place(path, number)):
            if line.strip():
                match = _ROWS[path.suffix].fullmatch(line.strip()) if len(line) <= MAX_LINE else None
                match = need(match, f"not a line of a {path.suffix} file of i2b2 2010")
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
            given = STATUSES[one_of(match["value"], STATUSES, "assertion")]
            need(bounds in problems, "an assertion of what is no problem of the document", offsets=bounds)
            problem = "the same tokens carry another status or other modifiers already"
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
            yield LinkRow(match["value"], _id(head), _id(tokens.bounds(match, "tail_")), place)
