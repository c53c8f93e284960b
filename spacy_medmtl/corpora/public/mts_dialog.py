"""MTS-Dialog: which section of a note a dialogue of doctor and patient belongs to.

CSV with the header ``ID,section_header,section_text,dialogue``; the dialogue has a line for each utterance, ``speaker:
words``. The section is a category of the whole Doc (``doc.cats``), for a ``sentence_intent`` whose unit is ``doc``. The
text of the section, a summary, is not used.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ..audit import Audit, Place
from ..formats.csv_rows import read_csv
from ..reader import Reader
from ..record import Record
from ..scheme import Scheme

HEADER = ["ID", "section_header", "section_text", "dialogue"]
LABELS = (
    *("ALLERGY", "ASSESSMENT", "CC", "DIAGNOSIS", "DISPOSITION", "EDCOURSE", "EXAM", "FAM/SOCHX", "GENHX", "GYNHX"),
    *("IMAGING", "IMMUNIZATIONS", "LABS", "MEDICATIONS", "OTHER_HISTORY", "PASTMEDICALHX", "PASTSURGICAL", "PLAN"),
    *("PROCEDURES", "ROS"),
)
_SPEAKER = re.compile(r"[ ]*([A-Za-z]+(?:_[A-Za-z0-9]+)*) *:")


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The dialogues of a file, the text as it stands (line ends as line feeds), each line at least one sentence.

    A malformed row is a loss (MedmtlError E401 in stop mode).
    """
    for place, row in read_csv(path, len(HEADER), audit):
        section, dialogue = row[1].strip(), row[3]
        if row == HEADER:
            continue
        if section not in LABELS:
            audit.dropped(place, "cats", "", f"an unknown section: expected one of {', '.join(LABELS)}")
        else:
            yield _record(dialogue, section, place, audit)


READER = Reader(read, Scheme(classes=LABELS, unit="doc"))


def _record(dialogue: str, section: str, place: Place, audit: Audit) -> Record:
    """Turns are the lines of one speaker; a line that names none goes on with the speaker before it."""
    turns: list[tuple[int, str | None]] = []
    for line in re.finditer(r"(?m)^.*\S", dialogue):
        match = _SPEAKER.match(dialogue, line.start())
        audit.note("lines that name no speaker", int(match is None))
        turns.append((line.start(), match[1] if match else turns[-1][1] if turns else None))
    key = " ".join(dialogue.split())
    return Record(dialogue, place, classes=[section], key=key, starts=[start for start, _ in turns], turns=turns)
