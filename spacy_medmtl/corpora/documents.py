"""The Doc of one whole document, before anything is annotated on it."""

from typing import Optional

from spacy.language import Language
from spacy.tokens import Doc

from .audit import Audit, Place
from .docs import keep_together


def document(nlp: Language, text: str, key: str, audit: Audit, place: Place) -> Optional[Doc]:
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
