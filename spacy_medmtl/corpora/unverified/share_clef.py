"""ShARe/CLEF eHealth: disorders in clinical reports of MIMIC II, in pieces where words stand between them.

``x.txt`` is a report, ``x.pipe`` or ``x.pipe.txt`` (beside it, or in ``../pipe``) its annotations, a line each. Two
releases differ in the lines; offsets count characters of the text, end exclusive:

    2013, task 1: x.txt||Disease_Disorder||C0123456||12||17||30||34
    2014, task 2: x.txt|12-17,30-34|C0123456|yes|23-25|patient|*NULL|no|... (19 columns or more)

Of 2014 come findings too, with their status as ``_status`` says. A ``*`` before a value marks a default. The files do
not repeat the words, so a wrong offset inside the text is not noticed.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ...annotations.groups import FINDINGS
from ..audit import Audit, Place, need
from ..formats.files import companion, read_rows, read_text, text_of
from ..reader import Reader
from ..record import Attributes, Bounds, Entity, Record, asserted, is_offset
from ..scheme import BOTH, FINDING, Scheme

DISORDER = "Disease_Disorder"
TYPES = {DISORDER: "Disorder"}
PIPES = (".pipe", ".pipe.txt")
SUBJECTS = ("patient", "null", "family_member", "donor_family_member", "donor_other", "other")
NEGATION, SUBJECT, UNCERTAINTY, CONDITIONAL, GENERIC = 3, 5, 7, 13, 15  # columns from 0; the last: of the class
VALUES = {
    **dict.fromkeys((NEGATION, UNCERTAINTY), ("yes", "no")),
    SUBJECT: SUBJECTS,
    **dict.fromkeys((CONDITIONAL, GENERIC), ("true", "false")),
}


def read(path: Path, audit: Audit, *, has_template: bool) -> Iterator[Record]:
    """The record of a report, or of that which a file of annotations belongs to; ``has_template``: with the lines of
    2014. Reports of one patient (the first number of the name) stay together in a split."""
    if path.name.endswith(PIPES[1]):
        audit.note("files of annotations among the texts")
        # as these are read with their texts
        path = path.with_suffix("")
    # the folder of the texts is called by the kind of report
    has_own_folder = path.suffix != ".txt" and path.parent.name == "pipe"
    beside = [f"../{folder.name}" for folder in sorted(path.parent.parent.glob("*/"))] if has_own_folder else []
    text_file = text_of(path, audit, beside)
    if text_file is None:
        return
    place = Place(text_file, 1)
    with audit.losing(place, "document"):
        pipe, text = companion(text_file, PIPES, ("../pipe",)), read_text(text_file, audit)
        entities = list(_entities(text_file, pipe, text, audit, has_template))
        yield Record(text, place, key=path.stem.partition("-")[0], entities=entities)


def _entities(path: Path, pipe: Path, text: str, audit: Audit, has_template: bool) -> Iterator[Entity]:
    for place, row in read_rows(pipe, audit, "|" if has_template else "||"):
        with audit.losing(place):
            columns = [column.strip() for column in row]
            fragments = _fragments(columns, len(text), has_template)
            need(Path(columns[0]).stem == path.stem, "a line of another document")
            if not has_template:
                yield Entity(columns[1], fragments, place)
                continue
            said: Attributes = ()
            with audit.losing(place, FINDINGS, FINDING):
                said = _status([columns[at].lstrip("*").lower() for at in range(16)], fragments)
            yield Entity(DISORDER, fragments, place, said)


def _fragments(columns: Sequence[str], length: int, has_template: bool) -> tuple[Bounds, ...]:
    """The pieces of a mention in order. Raises LossError for what is no line of this release."""
    if has_template:
        edges = [piece.split("-") for piece in columns[1].split(",")] if len(columns) >= 19 else []
    else:
        edges = [list(columns[at : at + 2]) for at in range(3, len(columns), 2)]
    are_offsets = all(len(pair) == 2 and all(map(is_offset, pair)) for pair in edges)
    pieces = tuple(sorted((int(start), int(end)) for start, end in edges)) if are_offsets else ()
    expected = "'name|spans|CUI|' and the template" if has_template else "'name||type||CUI||start||end'"
    is_inside = bool(pieces) and all(start < end <= length for start, end in pieces)
    need(is_inside, f"expected {expected}, with offsets inside the text")
    return pieces


def _status(values: Sequence[str], fragments: Sequence[Bounds]) -> Attributes:
    """Status and modifiers. Raises LossError for values that are not known."""
    problem = "an unknown value in the template (negation, subject, uncertainty, conditional or generic)"
    are_known = all(values[at] in known for at, known in VALUES.items())
    need(are_known, problem, offsets=(fragments[0][0], fragments[-1][1]))
    held = {
        "uncertain": values[UNCERTAINTY] == "yes",
        "hypothetical": values[CONDITIONAL] == "true",
        "family": values[SUBJECT] not in ("patient", "null"),
    }
    status = "negative" if values[NEGATION] == "yes" else "positive"
    if held["uncertain"] or held["hypothetical"] or values[GENERIC] == "true":
        status = "unknown"
    return asserted(status, [name for name, holds in held.items() if holds])


READER_2013 = Reader(partial(read, has_template=False), Scheme(types=TYPES), suffixes=(".txt", PIPES[0]))
READER_2014 = Reader(
    partial(read, has_template=True),
    Scheme(
        group=BOTH,
        types=TYPES,
        finding_label=FINDING,
        default_status=None,
        modifiers=("uncertain", "hypothetical", "family"),
    ),
    suffixes=(".txt", PIPES[0]),
)
