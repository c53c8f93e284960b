"""i2b2/VA 2010: discharge summaries with concepts, assertions of the problems, and relations in a sentence.

``x.txt`` holds tokenised sentences, one a line; ``x.con`` the concepts, ``x.ast`` the assertion of each problem,
``x.rel`` the relations, all by line (from 1) and token (from 0, blanks part tokens), both ends inclusive:

    c="red ears" 7:2 7:3||t="problem"
    c="red ears" 7:2 7:3||t="problem"||a="absent"
    c="cold water" 7:5 7:6||r="TrAP"||c="red ears" 7:2 7:3

| assertion                    | status   | modifiers    |
| ---------------------------- | -------- | ------------ |
| present                      | positive |              |
| absent                       | negative |              |
| possible                     | unknown  | uncertain    |
| conditional, hypothetical    | unknown  | hypothetical |
| associated_with_someone_else | unknown  | family       |

A problem has one assertion: by the guide, one further down this table hides those above it, so that the polarity of
what is hypothetical or somebody else's is not known. ``historical`` is not annotated.

Judged for a relation is each treatment or test with each problem of its sentence, and each two problems of a sentence.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES, FINDINGS
from .audit import Audit, Place
from .entities import write_mentions
from .entity_relations import Entity, Relation, write_entity_relations
from .findings import LABEL, FindingMention, write_findings
from .formats.annotated_folder import companion, read_text
from .formats.lines import read_lines
from .formats.stretches import Stretch, same_words
from .texts import split_lines, text_doc

PROBLEM = "problem"
LABELS = {"problem": "Problem", "test": "Test", "treatment": "Treatment"}
STATUS: dict[str, tuple[str, tuple[str, ...]]] = {
    "present": ("positive", ()),
    "absent": ("negative", ()),
    "possible": ("unknown", ("uncertain",)),
    "conditional": ("unknown", ("hypothetical",)),
    "hypothetical": ("unknown", ("hypothetical",)),
    "associated_with_someone_else": ("unknown", ("family",)),
}
JUDGED = ["uncertain", "hypothetical", "family"]
RELATIONS = {name: name for name in ("TrIP", "TrWP", "TrCP", "TrAP", "TrNAP", "TeRP", "TeCP", "PIP")}
KINDS = [("treatment", PROBLEM), ("test", PROBLEM), (PROBLEM, PROBLEM)]
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
Match = tuple["re.Match[str]", Place]


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each ``.txt``, its lines as sentences. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        files = {suffix: companion(path, [suffix], folders, audit) for suffix, folders in FOLDERS.items()}
        text = read_text(path, audit) if all(files.values()) else None
        doc = text_doc(nlp, text, path.stem, audit, Place(path, 1)) if text is not None else None
        if doc is not None:
            _annotate(doc, {suffix: found for suffix, found in files.items() if found is not None}, audit)
            yield doc


def _annotate(doc: Doc, files: dict[str, Path], audit: Audit) -> None:
    tokens = _Tokens(doc.text)
    concepts = list(_concepts(files[".con"], tokens, audit))
    write_mentions(doc, concepts, LABELS, audit)
    split_lines(doc, audit, whole=doc.spans[ENTITIES])
    findings = _findings(files[".ast"], concepts, tokens, audit)
    write_findings(doc, findings, audit, labels=[LABEL], modifiers=JUDGED)
    relations = list(_relations(files[".rel"], tokens, audit))
    known = [concept for concept in concepts if concept.label in LABELS]
    write_entity_relations(doc, known, relations, audit, labels=RELATIONS, kinds=KINDS)


class _Tokens:
    """Where the numbered tokens of the numbered lines stand in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[list[Stretch]] = []
        first = 0
        for line in text.split("\n"):
            self.lines.append([(first + match.start(), first + match.end()) for match in re.finditer(r"\S+", line)])
            first += len(line) + 1

    def at(self, place: str) -> Stretch | None:
        """The token at ``line:token``, or None if there is none."""
        line, token = map(int, place.split(":"))
        if 0 < line <= len(self.lines) and token < len(self.lines[line - 1]):
            return self.lines[line - 1][token]
        return None

    def stretch(self, match: "re.Match[str]", prefix: str = "") -> Stretch | None:
        """The characters of a concept; None if its tokens are not the words that it repeats (in lower case)."""
        first, last = self.at(match[f"{prefix}from"]), self.at(match[f"{prefix}to"])
        if first is None or last is None or first[0] >= last[1]:
            return None
        is_same = same_words(self.text[first[0] : last[1]].lower(), match[f"{prefix}words"].lower())
        return (first[0], last[1]) if is_same else None


def _rows(path: Path, audit: Audit) -> Iterator[Match]:
    """The well-formed lines of an annotation file."""
    for number, line in read_lines(path, audit):
        match = _ROWS[path.suffix].fullmatch(line.strip()) if len(line) <= MAX_LINE else None
        if match is not None:
            yield match, Place(path, number)
        elif line.strip():
            audit.dropped(Place(path, number), "line", "", f"not a line of a {path.suffix} file of i2b2 2010")


def _located(path: Path, tokens: _Tokens, audit: Audit) -> Iterator[tuple[Stretch, str, Match]]:
    """The (first) concept of each line, its id, and the line."""
    for match, place in _rows(path, audit):
        stretch = tokens.stretch(match)
        if stretch is None:
            audit.dropped(place, "line", "", "the lines and tokens do not give the words of the concept")
        else:
            yield stretch, _id(stretch), (match, place)


def _id(stretch: Stretch) -> str:
    return f"{stretch[0]}-{stretch[1]}"


def _concepts(path: Path, tokens: _Tokens, audit: Audit) -> Iterator[Entity]:
    for stretch, name, (match, place) in _located(path, tokens, audit):
        yield Entity(*stretch, match["value"], place, name)


def _findings(path: Path, concepts: Sequence[Entity], tokens: _Tokens, audit: Audit) -> Iterator[FindingMention]:
    """A finding for each assertion of a problem. A problem without one is a loss: no default would do."""
    problems = {concept.id: concept for concept in concepts if concept.label == PROBLEM}
    asserted = set()
    for stretch, name, (match, place) in _located(path, tokens, audit):
        if match["value"] not in STATUS:
            expected = ", ".join(STATUS)
            audit.dropped(place, FINDINGS, LABEL, f"an unknown assertion: expected one of {expected}", stretch)
        elif name not in problems:
            audit.dropped(place, FINDINGS, LABEL, "an assertion of what is no problem of the document", stretch)
        else:
            yield FindingMention(*stretch, LABEL, place, *STATUS[match["value"]])
        asserted.add(name)
    for name, problem in problems.items():
        if name not in asserted:
            offsets = problem.start, problem.end
            audit.dropped(problem.place, FINDINGS, LABEL, "a problem without an assertion", offsets)


def _relations(path: Path, tokens: _Tokens, audit: Audit) -> Iterator[Relation]:
    for _, head, (match, place) in _located(path, tokens, audit):
        tail = tokens.stretch(match, "tail_")
        if tail is None:
            audit.dropped(place, "line", "", "the lines and tokens do not give the words of the second concept")
        else:
            yield Relation(head, _id(tail), match["value"], place)
