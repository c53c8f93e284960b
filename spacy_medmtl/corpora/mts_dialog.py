"""MTS-Dialog: which section of a note a dialogue of doctor and patient belongs to.

CSV with the header ``ID,section_header,section_text,dialogue``; the dialogue has a line for each utterance, ``speaker:
words``. The section is a category of the whole Doc (``doc.cats``), for a ``sentence_intent`` whose unit is ``doc``. The
text of the section, a summary, is not used.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .docs import keep_together, split_sentences, tokens_at
from .formats.csv_rows import read_csv
from .turns import write_turns

HEADER = ["ID", "section_header", "section_text", "dialogue"]
LABELS = (
    "ALLERGY",
    "ASSESSMENT",
    "CC",
    "DIAGNOSIS",
    "DISPOSITION",
    "EDCOURSE",
    "EXAM",
    "FAM/SOCHX",
    "GENHX",
    "GYNHX",
    "IMAGING",
    "IMMUNIZATIONS",
    "LABS",
    "MEDICATIONS",
    "OTHER_HISTORY",
    "PASTMEDICALHX",
    "PASTSURGICAL",
    "PLAN",
    "PROCEDURES",
    "ROS",
)
_SPEAKER = re.compile(r"[ ]*([A-Za-z]+(?:_[A-Za-z0-9]+)*) *:")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each dialogue, its text as it stands (line ends as line feeds), each line at least one sentence.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    seen: set[str] = set()
    for path in paths:
        for place, row in read_csv(path, len(HEADER), audit):
            section, dialogue = row[1].strip(), row[3]
            if row == HEADER:
                continue
            if section not in LABELS:
                audit.dropped(place, "cats", "", f"an unknown section: expected one of {', '.join(LABELS)}")
            elif not dialogue.strip() or len(dialogue) > nlp.max_length:
                audit.dropped(place, "document", "", "a dialogue that is empty or longer than spaCy reads")
            else:
                audit.note("dialogues that occur again", int(dialogue in seen))
                audit.note(f"dialogues of the section {section}")
                seen.add(dialogue)
                doc = _doc(dialogue, nlp, audit)
                doc.cats = {label: float(label == section) for label in LABELS}
                keep_together(doc, " ".join(dialogue.split()))
                yield doc


def _doc(dialogue: str, nlp: Language, audit: Audit) -> Doc:
    """Turns are the lines of one speaker; a line that names none goes on with the speaker before it."""
    doc = nlp.make_doc(dialogue)
    lines = [match.start() for match in re.finditer(r"(?m)^.*\S", dialogue)]
    starts = tokens_at(doc, lines)
    split_sentences(doc, audit, given=starts)
    speakers: list[str | None] = []
    for line in lines:
        match = _SPEAKER.match(dialogue, line)
        before = speakers[-1] if speakers else None
        audit.note("lines that name no speaker", int(match is None))
        speakers.append(match[1] if match else before)
    ends = [*starts[1:], len(doc)]
    write_turns(doc, list(zip(starts, ends)), speakers)
    return doc
