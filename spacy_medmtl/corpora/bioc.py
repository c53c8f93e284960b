"""Anyone's BioC collection, in XML or JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.bioc import read_bioc
from .records import Rules, convert_records


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, **rules: Any) -> Iterator[Doc]:
    """One Doc for each document, its passages parted by line breaks. Raises MedmtlError E401 as ``read_bioc`` does."""
    return convert_records(read_bioc, paths, nlp, audit, Rules(**rules))
