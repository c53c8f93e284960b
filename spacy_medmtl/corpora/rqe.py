"""MedRQE: does answering the second question (partly) answer the first one?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .docs import judged_pair_doc, keep_together
from .formats.xml_records import Record, read_records

LABEL = "entails"
VALUES = {"true": LABEL, "false": None}


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One two-segment Doc for each pair. Raises MedmtlError E401 at the first loss in stop mode."""
    seen: set[tuple[str, str]] = set()
    for path in paths:
        for record in read_records(path, "pair", audit):
            problem = _problem(record)
            if problem:
                audit.dropped(record.place, "document", "", problem)
                continue
            texts = (record.fields["chq"], record.fields["faq"])
            label = VALUES[record.attributes["value"]]
            doc = judged_pair_doc(nlp, *texts, label, audit, record.place, by_rule=True)
            if doc is None:
                continue
            audit.note("pairs that occur again", int(texts in seen))
            seen.add(texts)
            keep_together(doc, texts[0])
            yield doc


def _problem(record: Record) -> str:
    """What is wrong with a pair, or nothing."""
    if record.attributes.get("value") not in VALUES:
        return "a pair whose value is not 'true' or 'false'"
    if set(record.fields) != {"chq", "faq"}:
        return "a pair without exactly one <chq> and one <faq>"
    if not (record.fields["chq"] and record.fields["faq"]):
        return "one of the two texts is empty"
    return ""
