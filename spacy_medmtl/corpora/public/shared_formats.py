"""Corpora that are published in a format of others. IOB files (the words are kept as given): BC2GM, linnaeus, BC5CDR,
NCBI-disease. Zip archives of brat: JNLPBA (its dev part is IOB), QUAERO (French), NUBes and IULA+ (Spanish, negation
and uncertainty). PubTator: BC5CDR, NCBI-disease, and halves of BC5CDR with one label only, as two corpora that each
know another one.

The published dev part of JNLPBA holds abstracts of the train part again: train without them (``Job.without``), or the
dev score is one of training texts.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..audit import Audit
from ..formats import brat, conll, pubtator
from ..reader import Reader
from ..record import Entity, Record, asserted
from ..scheme import FINDING, FINDINGS_ONLY, Scheme, own_names

GENE = "Gene_or_protein"  # one name for what BC2GM calls GENE and JNLPBA protein, so that the two train one label
CHEMICAL, DISEASE = "Chemical", "Disease"
NCBI_CLASSES = ("SpecificDisease", "DiseaseClass", pubtator.COMPOSITE, "Modifier")
# anatomy, chemicals and drugs, devices, disorders, places, living beings, objects, phenomena, physiology, procedures
QUAERO_TYPES = ("ANAT", "CHEM", "DEVI", "DISO", "GEOG", "LIVB", "OBJC", "PHEN", "PHYS", "PROC")
DISORDER = "DISO"
SCOPES = ("Scope", "DiscScope")  # the second is a further part of one


def read_abstracts(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a PubTator file, apart in a split by their text: one may stand twice under two ids."""
    return (replace(record, key=None) for record in pubtator.read(path, audit))


def read_half(path: Path, audit: Audit, label: str, *, is_first: bool) -> Iterator[Record]:
    """The first half of the documents (with the odd one) or the second, and their entities of one label.

    The file is read twice, to find the middle. Malformed lines of the other half are losses too.
    """
    middle = (sum(1 for _ in read_abstracts(path, audit.first_look())) + 1) // 2
    for number, record in enumerate(read_abstracts(path, audit)):
        if (number < middle) == is_first:
            given = record.entities or []
            kept = [entity for entity in given if entity.label == label or entity.label not in (CHEMICAL, DISEASE)]
            audit.note("mentions of another label left out", len(given) - len(kept))
            yield replace(record, entities=kept)


def read_jnlpba(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a ``.zip``, the title having a line of its own, or of an IOB file."""
    return brat.read_lines_apart(path, audit) if path.suffix.lower() == ".zip" else conll.read(path, audit)


def read_nubes(path: Path, audit: Audit) -> Iterator[Record]:
    """The notes of an archive, with the disorders in them. NUBes marks cues, their scopes, and what is named in a
    scope; so a disorder has its status from the cues in whose scopes it lies as a whole: negative by negation, unknown
    and uncertain by uncertainty, or by both, for a doubt around a negation leaves it open.

    Disorders outside of scopes, which the patient has, are not marked; so the text between the spans counts as not
    judged (``given_only``). A disorder in no scope is a loss. Affixes that negate ("afebril"), procedures, substances
    and other names are counted.
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


BC2GM = Reader(conll.read, Scheme(types={"GENE": GENE}))
LINNAEUS = Reader(conll.read, Scheme(types=own_names("Species")))
BC5CDR_IOB = Reader(conll.read, Scheme(types=own_names(CHEMICAL, DISEASE)))
NCBI_DISEASE_IOB = Reader(conll.read, Scheme(types=own_names(DISEASE)))
BC5CDR = Reader(read_abstracts, Scheme(types=own_names(CHEMICAL, DISEASE)))
DISEASE_HALF = Reader(partial(read_half, label=DISEASE, is_first=True), Scheme(types=own_names(DISEASE)))
CHEMICAL_HALF = Reader(partial(read_half, label=CHEMICAL, is_first=False), Scheme(types=own_names(CHEMICAL)))
NCBI_DISEASE = Reader(read_abstracts, Scheme(types=dict.fromkeys(NCBI_CLASSES, DISEASE)))
JNLPBA = Reader(read_jnlpba, Scheme(types={"protein": GENE, **own_names("DNA", "RNA", "cell_line", "cell_type")}))
QUAERO = Reader(brat.read_lines_apart, Scheme(types=own_names(*QUAERO_TYPES)))
NUBES = Reader(
    read_nubes, Scheme(group=FINDINGS_ONLY, finding_label=FINDING, modifiers=("uncertain",), given_only=True)
)
