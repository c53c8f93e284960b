"""Anyone's brat project: a folder of .txt and .ann files, or a .zip of it. The text is kept to the character."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES, FINDINGS
from .audit import Audit
from .formats.brat import declared_labels, orphans, read_brat
from .records import Rules, Seen, convert_records


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, **rules: Any) -> Iterator[Doc]:
    """One Doc for each text. The labels of an ``annotation.conf`` beside the texts count as annotated, used or not.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    chosen = Rules(**rules)
    seen = Seen()
    for folder in {path.parent: path for path in paths}.values():
        declared = declared_labels(folder)
        if chosen.group != "both":  # the file does not say which of its labels are findings
            seen.labels[FINDINGS if chosen.group == "findings" else ENTITIES].update(declared.get("entities", ()))
        seen.relations.update(declared.get("relations", ()))
    yield from convert_records(read_brat, [*paths, *orphans(paths)], nlp, audit, chosen, names=seen)
