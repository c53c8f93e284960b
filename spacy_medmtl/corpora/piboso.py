"""PIBOSO: abstracts as ``###id``, then ``label TAB tokenised sentence`` lines, then a blank line."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations.groups import INTENTS, write_group
from .audit import Audit, Place
from .docs import set_sentence_starts, tokens_at
from .formats.lines import read_lines

LABELS = ("background", "intervention", "other", "outcome", "population", "study design")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each abstract: its tokens joined with blanks, tokenised by ``nlp``, with the sentences given.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    for path in paths:
        for sentences in _abstracts(path, audit):
            yield _abstract_doc(sentences, nlp)


def _abstract_doc(sentences: Sequence[tuple[str, str]], nlp: Language) -> Doc:
    doc = nlp.make_doc(" ".join(text for _, text in sentences))
    offsets: list[int] = []
    position = 0
    for _, text in sentences:
        offsets.append(position)
        position += len(text) + 1
    set_sentence_starts(doc, tokens_at(doc, offsets))
    spans = [Span(doc, sent.start, sent.end, label) for sent, (label, _) in zip(doc.sents, sentences, strict=True)]
    write_group(doc, INTENTS, spans)
    return doc


def _abstracts(path: Path, audit: Audit) -> Iterator[list[tuple[str, str]]]:
    """The (label, text) lists of a file. A line outside an abstract or with an unknown label is a loss."""
    sentences: list[tuple[str, str]] = []
    is_open = False
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        if line.startswith("###"):
            if sentences:
                yield sentences
            sentences, is_open = [], True
            continue
        if not line.strip():
            continue
        label, tab, text = line.partition("\t")
        words = text.split()
        if not tab or "\t" in text or not words:
            audit.dropped(place, "line", "", "expected 'label TAB sentence'")
        elif label not in LABELS:
            audit.dropped(place, INTENTS, "", f"an unknown label: expected one of {', '.join(LABELS)}")
        elif not is_open:
            audit.dropped(place, INTENTS, label, "a sentence before the first '###id' line")
        else:
            sentences.append((label, " ".join(words)))
    if sentences:
        yield sentences
