"""COVID-Q: what a question about COVID-19 is about. CSV without a header, ``question,label``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import INTENTS
from .audit import Audit
from .docs import keep_together
from .formats.csv_rows import read_csv
from .intents import query_doc

LABELS = (
    "Comparison",
    "Economic Effects",
    "Having COVID",
    "Individual Response",
    "Nomenclature",
    "Origin",
    "Prevention",
    "Reporting",
    "Societal Effects",
    "Societal Response",
    "Speculation",
    "Symptoms",
    "Testing",
    "Transmission",
    "Treatment",
)


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each question, which is one unit. Raises MedmtlError E401 at the first loss in stop mode."""
    seen: set[str] = set()
    for path in paths:
        for place, (question, label) in read_csv(path, 2, audit):
            if label not in LABELS:
                audit.dropped(place, INTENTS, "", f"an unknown label: expected one of {', '.join(LABELS)}")
            elif not question.strip() or len(question) > nlp.max_length:
                audit.dropped(place, "line", "", "a question that is empty or longer than spaCy reads")
            else:
                audit.note("questions that occur again", int(question in seen))
                seen.add(question)
                doc = query_doc(nlp, question, label, LABELS)
                keep_together(doc, " ".join(question.casefold().split()))
                yield doc
