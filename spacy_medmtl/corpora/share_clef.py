"""ShARe/CLEF eHealth: disorders in clinical reports of MIMIC II, in pieces where words stand between them.

``x.txt`` is a report, ``x.pipe`` or ``x.pipe.txt`` (beside it, or in ``../pipe``) its annotations, a line each. Two
releases differ in the lines; offsets count characters of the text, end exclusive:

    2013, task 1: x.txt||Disease_Disorder||C0123456||12||17||30||34
    2014, task 2: x.txt|12-17,30-34|C0123456|yes|23-25|patient|*NULL|no|... (19 columns or more)

Of 2013 come entities. Of 2014, whose template says more of each disorder, come the same entities, and findings:

| column           | value                              | what becomes of it                          |
| ---------------- | ---------------------------------- | ------------------------------------------- |
| 4, negation      | yes                                | status negative, else positive              |
| 6, subject       | any but patient and null           | modifier family                             |
| 8, uncertainty   | yes                                | status unknown, modifier uncertain          |
| 14, conditional  | true                               | status unknown, modifier hypothetical       |
| 16, generic      | true (the class, not this patient) | status unknown                              |

A ``*`` before a value marks a default. Concepts (CUI), course, severity, body location and times are not used. The
files do not repeat the words, so a wrong offset inside the text cannot be noticed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES, FINDINGS
from .audit import Audit, Place
from .docs import split_sentences
from .entities import write_mentions
from .findings import LABEL, FindingMention, write_findings
from .formats.annotated_folder import companion, read_text
from .formats.lines import read_lines
from .formats.mention import Mention
from .formats.stretches import Stretch, are_parted, cover, read_stretch
from .texts import text_doc

DISORDER = "Disease_Disorder"
LABELS = {DISORDER: "Disorder"}
PIPES = (".pipe", ".pipe.txt")
SUBJECTS = {"patient", "null", "family_member", "donor_family_member", "donor_other", "other"}
VALUES = (  # column from 0, its values
    (3, {"yes", "no"}),
    (5, SUBJECTS),
    (7, {"yes", "no"}),
    (13, {"true", "false"}),
    (15, {"true", "false"}),
)
JUDGED = ["uncertain", "hypothetical", "family"]
Judgement = tuple[str, tuple[str, ...]]  # status, modifiers


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, has_template: bool) -> Iterator[Doc]:
    """One Doc for each ``.txt``; reports of one patient (the first number of the name) stay together in a split.

    has_template: read the lines of 2014. Raises MedmtlError E401 at the first loss in stop mode.
    """
    for path in paths:
        if path.name.endswith(PIPES[1]):  # a folder's files: this one is read with its text
            audit.note("files of annotations among the texts")
            continue
        pipe = companion(path, PIPES, ("../pipe",), audit)
        text = read_text(path, audit) if pipe is not None else None
        patient = path.stem.partition("-")[0]
        doc = text_doc(nlp, text, patient, audit, Place(path, 1)) if text is not None else None
        if pipe is not None and doc is not None:
            _annotate(doc, path, pipe, audit, has_template)
            yield doc


def _annotate(doc: Doc, path: Path, pipe: Path, audit: Audit, has_template: bool) -> None:
    text = doc.text
    mentions: list[Mention] = []
    findings: list[FindingMention] = []
    for number, line in read_lines(pipe, audit):
        if not line.strip():
            continue
        place = Place(pipe, number)
        columns = [column.strip() for column in line.split("|" if has_template else "||")]
        pieces = _pieces(columns, len(text), has_template)
        if pieces is None:
            expected = "'name|spans|CUI|' and the template" if has_template else "'name||type||CUI||start||end'"
            audit.dropped(place, "line", "", f"expected {expected}, with offsets inside the text")
        elif Path(columns[0]).stem != path.stem:
            audit.dropped(place, "line", "", "a line of another document")
        else:
            is_covered = are_parted(pieces, text)
            label = DISORDER if has_template else columns[1]
            mentions.append(Mention(*cover(pieces), label, place, is_covered=is_covered))
            if has_template:
                findings += _finding(columns, mentions[-1], audit)
    write_mentions(doc, mentions, LABELS, audit)
    split_sentences(doc, audit, whole=doc.spans[ENTITIES])
    if has_template:
        write_findings(doc, findings, audit, labels=[LABEL], modifiers=JUDGED)


def _pieces(columns: Sequence[str], length: int, has_template: bool) -> list[Stretch] | None:
    """The pieces of a mention, or None if the line is no line of this release."""
    if has_template:
        edges = [piece.split("-") for piece in columns[1].split(",")] if len(columns) >= 19 else []
    else:
        edges = [list(columns[at : at + 2]) for at in range(3, len(columns), 2)]
    found = [read_stretch(*pair) if len(pair) == 2 else None for pair in edges]
    pieces = [piece for piece in found if piece is not None and piece[1] <= length]
    return pieces if pieces and len(pieces) == len(edges) else None


def _finding(columns: Sequence[str], mention: Mention, audit: Audit) -> list[FindingMention]:
    """The finding of a line, or none and a loss."""
    judgement = _judgement([columns[at].lstrip("*").lower() for at in range(16)])
    if judgement is None:
        reason = "an unknown value in the template (negation, subject, uncertainty, conditional or generic)"
        audit.dropped(mention.place, FINDINGS, LABEL, reason, (mention.start, mention.end))
        return []
    return [FindingMention(mention.start, mention.end, LABEL, mention.place, *judgement, is_covered=mention.is_covered)]


def _judgement(values: Sequence[str]) -> Judgement | None:
    """Status and modifiers by the rule above, or None for values that it does not know."""
    if any(values[at] not in known for at, known in VALUES):
        return None
    is_negative, is_uncertain = values[3] == "yes", values[7] == "yes"
    is_conditional, is_generic = values[13] == "true", values[15] == "true"
    held = {
        "uncertain": is_uncertain,
        "hypothetical": is_conditional,
        "family": values[5] not in ("patient", "null"),
    }
    status = "negative" if is_negative else "positive"
    if is_uncertain or is_conditional or is_generic:
        status = "unknown"
    return status, tuple(name for name in JUDGED if held[name])
