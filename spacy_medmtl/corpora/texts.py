"""The Doc of one whole text, before anything is annotated on it, and its lines."""

import re
from collections.abc import Iterable

from spacy.language import Language
from spacy.tokens import Doc, Span

from .audit import Audit, Place
from .docs import keep_together, split_sentences, tokens_at


def text_doc(nlp: Language, text: str, key: str, audit: Audit, place: Place) -> Doc | None:
    """Tokenise a text. ``key``: what a split keeps together (a patient, a document).

    None and a loss (MedmtlError E401 in stop mode) if the text is blank or longer than spaCy reads.
    """
    if not text.strip() or len(text) > nlp.max_length:
        reason = "a document longer than spaCy reads" if text.strip() else "an empty text"
        audit.dropped(place, "document", "", reason)
        return None
    doc = nlp.make_doc(text)
    keep_together(doc, key)
    return doc


def split_lines(doc: Doc, audit: Audit, *, whole: Iterable[Span]) -> None:
    """Make each line a sentence, for texts that were split so; no sentence begins inside a ``whole`` span."""
    starts = [match.end() for match in re.finditer(r"\n(?=.)", doc.text, re.DOTALL)]
    split_sentences(doc, audit, given=tokens_at(doc, starts), whole=whole, by_rule=False)
