"""PIBOSO, the role of each sentence in a trial abstract: ``###id``, then ``label TAB tokenised sentence`` lines, then a
blank line."""

from collections.abc import Iterator
from pathlib import Path

from ...annotations.groups import INTENTS
from ..audit import Audit, Place
from ..formats.files import read_lines
from ..reader import Reader
from ..record import EXACT, Record, joined
from ..scheme import Scheme

LABELS = ("background", "intervention", "other", "outcome", "population", "study design")
Sentences = list[tuple[str, str]]  # label, text


def read(path: Path, audit: Audit) -> Iterator[Record]:
    """The abstracts of a file, their tokens joined with blanks. A line outside an abstract or with an unknown label is
    a loss (MedmtlError E401 in stop mode)."""
    sentences: Sentences = []
    is_open = False
    first = Place(path, 1)
    for number, line in read_lines(path, audit):
        place = Place(path, number)
        if line.startswith("###"):
            yield from _record(sentences, first)
            sentences, is_open, first = [], True, place
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
    yield from _record(sentences, first)


READER = Reader(read, Scheme(classes=LABELS))


def _record(sentences: Sentences, place: Place) -> Iterator[Record]:
    if sentences:
        text, starts = joined([words for _, words in sentences])
        bounds = zip(starts, [*starts[1:], len(text)])
        units = [(bound, label) for bound, (label, _) in zip(bounds, sentences)]
        yield Record(text, place, units=units, starts=starts, sentences=EXACT)
