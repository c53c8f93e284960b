"""The sentences of ``traps.txt`` and ``blind.txt``, which say how they were written."""

import re
from dataclasses import dataclass
from pathlib import Path

STATUSES = {"+": "positive", "-": "negative", "?": "unknown"}
MODIFIERS = {"u": "uncertain", "y": "hypothetical", "h": "historical", "f": "family"}
FINDING = re.compile(r"\{([^{}|]+)\|([-+?])([a-z]*)\}")


@dataclass(frozen=True)
class Trap:
    """``finding`` begins at the character ``start`` of ``text``. Its status says whether it is negated, no modifier."""

    phenomenon: str
    text: str
    finding: str
    start: int
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
            n_marks = 0  # characters of the marks before a finding
            for found in FINDING.finditer(marked):
                finding, status, letters = found.groups()
                start = found.start() - n_marks
                n_marks += len(found[0]) - len(finding)
                modifiers = tuple(MODIFIERS[letter] for letter in letters)
                traps.append(Trap(phenomenon, text, finding, start, STATUSES[status], modifiers))
    return traps


TRAPS, BLIND = (read_traps(Path(__file__).with_name(name)) for name in ("traps.txt", "blind.txt"))
