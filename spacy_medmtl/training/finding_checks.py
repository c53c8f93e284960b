"""What conversion may have done to findings, seen in the corpora of a config: for ``checks``.

A pipeline cannot learn a status that occurs nowhere, nor an entity whose mentions stand among the findings alone while
its label counts as annotated; and what the conversion left out is told by the audit beside the file.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, FINDINGS, group_values, trimmed
from ..annotations.scoring import corpus_of
from ..errors import message

MIN_FINDINGS = 20  # of fewer it is no wonder if all have one status


class FindingChecks:
    """Looks at each example of the training corpus; ``report`` says what is wrong."""

    def __init__(self, nlp: Language) -> None:
        self.nlp = nlp
        self.is_asserted = any(getattr(pipe, "spans_key", "") == FINDINGS for _, pipe in nlp.components)
        self.statuses: dict[str, Counter[str]] = {}  # by corpus
        self.moved: Counter[tuple[str, str]] = Counter()  # (corpus, label) of findings that are no entities
        self.contradictory: Counter[str] = Counter()  # by corpus: findings with two statuses

    def watch(self, examples: Iterable[Example], part: str) -> Iterator[Example]:
        """The examples, looked at on their way."""
        for example in examples:
            if part == "train":
                self._look(example.reference)
            yield example

    def _look(self, doc: Doc) -> None:
        corpus = corpus_of(doc) or ""
        if FINDINGS not in doc.spans:
            return
        statuses = list(map(str, group_values(doc, FINDINGS, "assertion")))
        self.statuses.setdefault(corpus, Counter()).update(statuses)
        said: dict[tuple[int, int, str], set[str]] = {}
        for span, status in zip(doc.spans[FINDINGS], statuses):
            # white space at the ends makes no other place
            said.setdefault((*trimmed(doc, span.start, span.end), span.label_), set()).add(status)
        self.contradictory[corpus] += sum(len(of_place) > 1 for of_place in said.values())
        if ENTITIES in doc.spans:
            declared = doc.spans[ENTITIES].attrs.get(ANNOTATED_LABELS, ())
            entities = {(span.start, span.end, span.label_) for span in doc.spans[ENTITIES]}
            for span in doc.spans[FINDINGS]:
                if span.label_ in declared and (span.start, span.end, span.label_) not in entities:
                    self.moved[corpus, span.label_] += 1

    def report(self, errors: list[str], warnings: list[str]) -> None:
        """Add what is wrong, coded: errors for a pipeline that learns findings, else warnings."""
        messages = errors if self.is_asserted else warnings
        total: Counter[str] = sum(self.statuses.values(), Counter())
        if len(total) == 1 and total.total() >= MIN_FINDINGS:
            messages.append(message("E312", count=total.total(), status=next(iter(total))))
        for corpus, count in sorted(self.contradictory.items()):
            if count:
                warnings.append(message("W317", corpus=corpus, count=count))
        for (corpus, label), count in sorted(self.moved.items()):
            errors.append(message("E313", corpus=corpus, label=label, count=count))
        for path, attributes in sorted(_left_out(self.nlp).items()):
            messages.append(message("E314", path=path, attributes=", ".join(attributes)))


def _left_out(nlp: Language) -> dict[str, list[str]]:
    """The attributes that the conversions of the training corpora left out, by the files that they wrote."""
    left_out: dict[str, list[str]] = {}
    corpora = nlp.config.interpolate().get("corpora", {}).get("train", {}).get("corpora", {})
    for entry in corpora.values() if isinstance(corpora, dict) else ():
        path = str(entry.get("path", "")) if isinstance(entry, dict) else ""
        audit = _audit_of(Path(path))
        attributes = [f"{n} x {what}" for what, n in audit.get("left_out", {}).items() if what.startswith("attribute ")]
        if attributes:
            left_out[path] = attributes
    return left_out


def _audit_of(path: Path) -> dict[str, Any]:
    """The audit beside a converted file; that of a dev part is the one of its conversion, which lies elsewhere."""
    try:
        audit = json.loads(path.with_name(f"{path.name}.audit.json").read_text(encoding="utf8"))
    except (OSError, ValueError):
        return {}
    return audit if isinstance(audit, dict) else {}
