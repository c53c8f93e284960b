"""Published corpora in brat's format, as zip archives: JNLPBA (its dev part is IOB), QUAERO (French), NUBes and IULA+
(Spanish, negation and uncertainty).

The published dev part of JNLPBA holds abstracts of the train part again: train without them (``Job.without``), or the
dev score is one of training texts. Discontinuous mentions of QUAERO become one span from the first to the last
character.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..audit import Audit
from ..formats import brat, conll
from ..reader import Reader
from ..record import Entity, Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme
from .iob import GENE

# anatomy, chemicals and drugs, devices, disorders, places, living beings, objects, phenomena, physiology, procedures
QUAERO_TYPES = ("ANAT", "CHEM", "DEVI", "DISO", "GEOG", "LIVB", "OBJC", "PHEN", "PHYS", "PROC")
DISORDER = "DISO"
SCOPES = ("Scope", "DiscScope")  # the second is a further part of one


def read_jnlpba(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a ``.zip``, the title having a line of its own, or of an IOB file."""
    return brat.read_lines_apart(path, audit) if path.suffix.lower() == ".zip" else conll.read(path, audit)


def read_nubes(path: Path, audit: Audit) -> Iterator[Record]:
    """The notes of an archive, with the disorders in them. NUBes marks cues, their scopes, and what is named in a
    scope; so a disorder has its status from the scopes in which it lies as a whole:

    | in the scope of a cue of | status   | modifiers |
    | ------------------------ | -------- | --------- |
    | negation                 | negative |           |
    | uncertainty, or of both  | unknown  | uncertain |

    A doubt around a negation leaves it open, hence the last row. Disorders outside of scopes, which the patient has,
    are not marked; so the text between the spans counts as not judged (``given_only``). A disorder in no scope is a
    loss. Affixes that negate ("afebril"), procedures, substances and other names are counted.
    """
    for record in brat.read(path, audit):
        scopes = [(link.head.label, link.tail.bounds) for link in record.links or () if link.label in SCOPES]
        disorders: list[Entity] = []
        for entity in record.entities or ():
            start, end = entity.bounds
            cues = {cue for cue, (first, last) in scopes if first <= start and end <= last}
            if entity.label != DISORDER:
                audit.note(f"mentions of {entity.label}, which are no findings")
            elif not cues:
                audit.dropped(entity.place, "line", DISORDER, "a disorder in no scope: its status is not annotated")
            elif any(cue.startswith("Uncert") for cue in cues):
                disorders.append(replace(entity, attributes=asserted("unknown", ["uncertain"])))
            else:
                disorders.append(replace(entity, attributes=asserted("negative")))
        starts = [at + 1 for at, character in enumerate(record.text) if character == "\n"]
        yield replace(record, entities=disorders, links=None, starts=starts)


JNLPBA = Reader(
    read_jnlpba, Scheme(types={"protein": GENE, **{name: name for name in ("DNA", "RNA", "cell_line", "cell_type")}})
)
QUAERO = Reader(brat.read_lines_apart, Scheme(types={name: name for name in QUAERO_TYPES}))
NUBES = Reader(
    read_nubes, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=("uncertain",), given_only=True)
)
