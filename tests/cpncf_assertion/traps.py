"""The sentences of ``traps.txt``, which says how they are written."""

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("traps.txt")
STATUSES = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"u": "uncertain", "y": "hypothetical", "h": "historical", "f": "family"}
FINDING = re.compile(r"\{([^{}|]+)\|([-+?])([a-z]*)\}")


@dataclass(frozen=True)
class Trap:
    """``finding`` occurs once in ``text``. That it is negated is said by its status, not among the modifiers."""

    phenomenon: str
    text: str
    finding: str
    status: str
    modifiers: tuple[str, ...]


def read_traps(path: Path) -> list[Trap]:
    """One trap for each marked finding, in the order of the file."""
    traps: list[Trap] = []
    phenomenon = ""
    for line in path.read_text(encoding="utf8").splitlines():
        if line.startswith("# "):
            phenomenon = line[2:]
        elif line and not line.startswith("//"):
            marked = line.replace("\\n", "\n")
            text = FINDING.sub(r"\1", marked)
            traps += [
                Trap(phenomenon, text, finding, STATUSES[status], tuple(MODIFIERS[letter] for letter in letters))
                for finding, status, letters in FINDING.findall(marked)
            ]
    return traps


TRAPS = read_traps(FILE)
