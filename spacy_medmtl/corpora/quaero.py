"""QUAERO: nested names of ten UMLS groups in French titles (MEDLINE) and leaflets of drugs (EMEA), as zips of brat.

A discontinuous mention becomes one span from its first to its last character. To be read with the language ``fr``.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit
from .docs import split_sentences, tokens_at
from .entities import write_mentions
from .formats.standoff import read_texts

# anatomy, chemicals and drugs, devices, disorders, places, living beings, objects, phenomena, physiology, procedures
LABELS = {name: name for name in ("ANAT", "CHEM", "DEVI", "DISO", "GEOG", "LIVB", "OBJC", "PHEN", "PHYS", "PROC")}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each text; a line ends a sentence. Raises MedmtlError E401 at the first loss in stop mode."""
    for path in paths:
        for text in read_texts(path, audit):
            if not text.text.strip():
                audit.dropped(text.place, "document", "", "an empty text")
                continue
            doc = nlp.make_doc(text.text)
            write_mentions(doc, text.mentions, LABELS, audit)
            lines = [match.end() for match in re.finditer("\n", text.text)]
            split_sentences(doc, audit, given=tokens_at(doc, lines), whole=doc.spans[ENTITIES])
            yield doc
