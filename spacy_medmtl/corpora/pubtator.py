"""BC5CDR: chemicals and diseases in abstracts, PubTator format."""

from pathlib import Path
from typing import Iterator, List, Sequence, Set

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations.groups import ANNOTATED_LABELS, ENTITIES, write_group
from .audit import Audit
from .docs import add_unless_there, split_sentences, token_span, tokens_at
from .formats.pubtator import Article, read_articles

LABELS = ("Chemical", "Disease")


def convert(paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0) -> Iterator[Doc]:
    """One Doc for each abstract. A composite mention stays the one span that its row gives.

    Raises MedmtlError E401 at the first loss in stop mode.
    """
    seen: Set[str] = set()
    for path in paths:
        for article in read_articles(path, audit):
            if article.id in seen:
                audit.note("document ids that occur again")
            seen.add(article.id)
            yield _article_doc(article, nlp, audit)


def _article_doc(article: Article, nlp: Language, audit: Audit) -> Doc:
    doc = nlp.make_doc(article.text)
    spans: List[Span] = []
    for mention in article.mentions:
        if mention.label not in LABELS:
            audit.dropped(mention.place, ENTITIES, "", f"an unknown label: expected {' or '.join(LABELS)}")
            continue
        uses = [(ENTITIES, mention.label)]
        span = token_span(doc, mention.start, mention.end, uses, audit, mention.place)
        if span is not None and add_unless_there(spans, span, ENTITIES, audit, mention.place):
            audit.note("composite mentions kept as one span", int(mention.members > 1))
    audit.note("relation lines not used", article.n_relations)
    group = write_group(doc, ENTITIES, spans)
    group.attrs[ANNOTATED_LABELS] = list(LABELS)
    title_end = tokens_at(doc, [len(article.title) + 1]) if article.title and article.abstract else []
    split_sentences(doc, audit, given=title_end, whole=spans)
    return doc
