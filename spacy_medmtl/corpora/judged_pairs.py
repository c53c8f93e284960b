"""Corpora of text pairs that somebody judged: one two-segment Doc for each pair."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ANNOTATED_LABELS, RELATIONS
from ..annotations.relations import read_pairs, write_relations
from .audit import Audit, Place
from .docs import judged_pair_doc, keep_together

SAME = "same_question"


@dataclass(frozen=True)
class TextPair:
    """Two texts and what holds between them: a label or nothing, or the label of a regression and its value."""

    first: str
    second: str
    label: str | None
    place: Place
    value: float | None = None


def convert_pairs(
    read: Callable[[Path, Audit], Iterator[TextPair]],
    paths: Sequence[Path],
    nlp: Language,
    audit: Audit,
    labels: Sequence[str],
) -> Iterator[Doc]:
    """The Docs of all pairs that ``read`` gives. Pairs that share a text, also by way of other pairs, stay together in
    a split, so the files are read twice.

    ``labels``: all of the corpus. Raises MedmtlError E401 at the first loss in stop mode.
    """
    links = Links()
    for path in paths:
        for pair in read(path, Audit("report")):
            links.add(pair.first, pair.second)
    seen: set[tuple[str, str]] = set()
    for path in paths:
        for pair in read(path, audit):
            texts = (pair.first, pair.second)
            if sum(map(len, texts)) > nlp.max_length:
                audit.dropped(pair.place, "document", pair.label or "", "a pair longer than spaCy reads")
                continue
            doc = judged_pair_doc(nlp, *texts, pair.label, audit, pair.place, by_rule=True)
            if doc is None:
                continue
            if pair.value is not None:
                write_relations(doc, [replace(judged, score=pair.value) for judged in read_pairs(doc)])
            doc.spans[RELATIONS].attrs[ANNOTATED_LABELS] = list(labels)
            audit.note("pairs that occur again", int(texts in seen))
            seen.add(texts)
            keep_together(doc, links.first(pair.first))
            yield doc


class Links:
    """Which texts are linked by pairs, directly or by way of others. White space and case make no difference."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def add(self, first: str, second: str) -> None:
        """Link two texts."""
        ends = sorted((self.first(first), self.first(second)))
        self._parents[ends[1]] = ends[0]

    def first(self, text: str) -> str:
        """Of all texts linked with this one the first in order, which stands for them."""
        text = " ".join(text.casefold().split())
        while self._parents.setdefault(text, text) != text:
            self._parents[text] = self._parents[self._parents[text]]
            text = self._parents[text]
        return text
