"""Anyone's PubTator file, with whatever types it has."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit
from .formats.pubtator import read_articles
from .formats.record import Entity, Record, is_label
from .records import Rules, convert_records


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, **rules: Any) -> Iterator[Doc]:
    """One Doc for each title with its abstract. Relations are between concepts, not mentions; they are counted.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    return convert_records(read_records, paths, nlp, audit, Rules(**rules))


def read_records(path: Path, audit: Audit) -> Iterator[Record]:
    """The articles of a file. Losses as for ``read_articles``."""
    for article in read_articles(path, audit):
        audit.note("relation lines not used", article.n_relations)
        entities = []
        for mention in article.mentions:
            if is_label(mention.label):
                entities.append(Entity(mention.label, ((mention.start, mention.end),), mention.place))
            else:
                audit.dropped(mention.place, "line", "", "the type is empty or has blanks at an edge")
        starts = [len(article.title) + 1] if article.title and article.abstract else []
        yield Record(article.text, article.place, name=article.id, entities=entities, starts=starts)
