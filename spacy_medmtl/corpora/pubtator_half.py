"""Half of a PubTator corpus with one label only: with the other half, two corpora that each know another label."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from . import pubtator
from .audit import Audit
from .formats.pubtator import read_articles


def convert(
    paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, label: str, is_first: bool
) -> Iterator[Doc]:
    """One Doc for each document of the first or the second half, in the order of the input, annotated with ``label``.

    The files are read twice, to find the middle; the first half has the odd one. Malformed lines of the other half are
    losses too. Raises MedmtlError E401 at the first loss in stop mode.
    """
    n_articles = sum(1 for path in paths for _ in read_articles(path, Audit("report")))
    middle = (n_articles + 1) // 2
    articles = (article for path in paths for article in read_articles(path, audit))
    for number, article in enumerate(articles):
        if (number < middle) == is_first:
            others = set(pubtator.BC5CDR) - {label}
            kept = [mention for mention in article.mentions if mention.label not in others]
            audit.note("mentions of another label left out", len(article.mentions) - len(kept))
            yield pubtator.article_doc(replace(article, mentions=kept), nlp, audit, {label: label})
