"""A grammar file: templates by phenomenon, and the lists that they draw from. The files say how they are written."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...errors import MedmtlError
from .marks import MODIFIERS, STATUS

REFERENCE = re.compile(r"\$([a-z_]+)(?:\(([^()]*)\))?")
SLOT = re.compile(r"\{([^{}]*)\}")
MARK = re.compile(rf"[{re.escape(''.join(STATUS))}][{''.join(MODIFIERS)}]*")
NOTHING = "~"
# Not drawn from, but read by the bank of findings.
WORDS_INSIDE, WORDS_BEFORE = "unfit_inside", "unfit_before"


@dataclass(frozen=True)
class GrammarLine:
    """A template or an entry of a list, and its number in the file."""

    text: str
    number: int


@dataclass(frozen=True)
class Grammar:
    """Phenomenon -> templates; name -> entries of a list."""

    path: Path
    phenomena: dict[str, list[GrammarLine]]
    lists: dict[str, list[GrammarLine]]

    def words(self, name: str) -> frozenset[str]:
        """The entries of a list of single words; none if the file has no such list."""
        return frozenset(line.text for line in self.lists.get(name, []))

    def expand(self, template: str, draw: random.Random, mark: str = "") -> str:
        """A template with entries drawn for all references; slots remain, each with its mark. mark: what slots without
        one take."""

        def entry(reference: re.Match[str]) -> str:
            drawn = draw.choice(self.lists[reference[1]]).text
            return "" if drawn == NOTHING else self.expand(drawn, draw, reference[2] or mark)

        marked = SLOT.sub(lambda slot: f"{{{slot[1] or mark}}}", template)
        return REFERENCE.sub(entry, marked)


def shipped_grammar(lang: str) -> Path:
    """The grammar of a language. Raises MedmtlError E350 if none is shipped."""
    folder = Path(__file__).parent
    path = folder / f"{lang}.txt"
    if not path.is_file():
        raise MedmtlError("E350", lang=lang, expected=sorted(path.stem for path in folder.glob("*.txt")))
    return path


def read_grammar(path: Path) -> Grammar:
    """Read and check a file. Raises MedmtlError E351 for one that cannot be read or a line that nothing can be composed
    from."""
    phenomena: dict[str, list[GrammarLine]] = {}
    lists: dict[str, list[GrammarLine]] = {}
    phenomenon: list[GrammarLine] | None = None
    section: list[GrammarLine] | None = None
    for number, text in _lines(path):
        if text[:2] == "# ":
            section = phenomenon = phenomena.setdefault(text[2:].strip(), [])
        elif text[:2] == "@ ":
            section = lists.setdefault(text[2:].strip(), [])
        elif not text:
            section = phenomenon  # a list that stands within a phenomenon ends here
        elif section is None:
            raise _wrong(path, number, "stands under no '# phenomenon' or '@ list'")
        else:
            section.append(GrammarLine(text, number))
    grammar = Grammar(path, phenomena, lists)
    if not any(phenomena.values()):
        raise _wrong(path, 0, "holds no template under a '# phenomenon'")
    _check_names(grammar)
    _check_ends(grammar)
    _check_marks(grammar)
    return grammar


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers and texts of the lines that are no comment; blank ones are empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise _wrong(path, 0, f"cannot be read ({type(error).__name__})") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("//"):
            yield number, line.strip()


def _wrong(path: Path, number: int, problem: str) -> MedmtlError:
    """number: of the line, 0 for the whole file."""
    return MedmtlError("E351", path=path, problem=f"{problem} (line {number})" if number else problem)


def _check_names(grammar: Grammar) -> None:
    """Every reference names a list with entries, every mark is one of the guide's."""
    for line in _all_lines(grammar):
        for name, mark in REFERENCE.findall(line.text):
            if not grammar.lists.get(name):
                raise _wrong(grammar.path, line.number, f"refers to '${name}', which is no list with entries")
            _check_mark(grammar, line, mark)
        for mark in SLOT.findall(line.text):
            _check_mark(grammar, line, mark)
        if set("{}") & set(SLOT.sub("", line.text)):
            raise _wrong(grammar.path, line.number, "has a brace without its other half")


def _check_mark(grammar: Grammar, line: GrammarLine, mark: str) -> None:
    if mark and not MARK.fullmatch(mark):
        expected = f"one of {' '.join(STATUS)}, then letters of {' '.join(MODIFIERS)}"
        raise _wrong(grammar.path, line.number, f"has the mark '{mark}'; expected {expected}")


def _check_ends(grammar: Grammar) -> None:
    """Lists may refer to themselves, but not without a way out."""
    ending: set[str] = set()
    while True:
        more = {
            name
            for name, lines in grammar.lists.items()
            if name not in ending and any(ending.issuperset(_references(line)) for line in lines)
        }
        if not more:
            break
        ending |= more
    for name, lines in grammar.lists.items():
        if lines and name not in ending:
            raise _wrong(grammar.path, lines[0].number, f"begins the list '{name}', which refers to itself without end")


def _check_marks(grammar: Grammar) -> None:
    """No slot of a template is left without a mark."""
    unmarked = {name for name, lines in grammar.lists.items() if any("{}" in line.text for line in lines)}
    while True:
        more = {
            name
            for name, lines in grammar.lists.items()
            if name not in unmarked and any(unmarked & _bare_references(line) for line in lines)
        }
        if not more:
            break
        unmarked |= more
    for line in (line for lines in grammar.phenomena.values() for line in lines):
        if "{}" in line.text or unmarked & _bare_references(line):
            raise _wrong(grammar.path, line.number, "leaves a finding without a mark")


def _references(line: GrammarLine) -> set[str]:
    return {name for name, _ in REFERENCE.findall(line.text)}


def _bare_references(line: GrammarLine) -> set[str]:
    return {name for name, mark in REFERENCE.findall(line.text) if not mark}


def _all_lines(grammar: Grammar) -> Iterator[GrammarLine]:
    for sections in (grammar.phenomena, grammar.lists):
        for lines in sections.values():
            yield from lines
