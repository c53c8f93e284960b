"""Abstracts in PubTator format: BC5CDR (chemicals and diseases), NCBI-disease (four classes of disease mentions)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from .audit import Audit
from .docs import split_sentences, tokens_at
from .entities import write_mentions
from .formats.pubtator import Article, read_articles

BC5CDR = {"Chemical": "Chemical", "Disease": "Disease"}
COMPOSITE = "CompositeMention"  # how NCBI-disease marks what BC5CDR marks by a column with the single mentions


def convert(
    paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, labels: Mapping[str, str] = BC5CDR
) -> Iterator[Doc]:
    """One Doc for each abstract. A composite mention stays the one span that its row gives.

    ``labels``: a class of the file -> its label; a mention of any other class is a loss. Raises MedmtlError E401 at the
    first loss in stop mode.
    """
    seen: set[str] = set()
    for path in paths:
        for article in read_articles(path, audit):
            if article.id in seen:
                audit.note("document ids that occur again")
            seen.add(article.id)
            yield article_doc(article, nlp, audit, labels)


def article_doc(article: Article, nlp: Language, audit: Audit, labels: Mapping[str, str]) -> Doc:
    """The Doc of one abstract. Raises MedmtlError E401 as ``convert`` does."""
    doc = nlp.make_doc(article.text)
    written = write_mentions(doc, article.mentions, labels, audit)
    composites = sum(mention.members > 1 or mention.label == COMPOSITE for mention in written)
    audit.note("composite mentions kept as one span", composites)
    audit.note("relation lines not used", article.n_relations)
    title_end = tokens_at(doc, [len(article.title) + 1]) if article.title and article.abstract else []
    split_sentences(doc, audit, given=title_end, whole=doc.spans[ENTITIES])
    return doc
