"""JNLPBA: five types of names in abstracts. The train part is a zip of brat standoff files, the dev part is IOB.

The published dev part holds abstracts of the train part again: train without them (``Job.without``), or the dev score
is one of training texts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..annotations.groups import ENTITIES
from . import iob
from .audit import Audit
from .docs import split_sentences, tokens_at
from .entities import write_mentions
from .formats.standoff import Text, read_texts


def convert(
    paths: Sequence[Path], nlp: Language, audit: Audit, *, seed: int = 0, labels: Mapping[str, str]
) -> Iterator[Doc]:
    """One Doc for each abstract: of a ``.zip`` with the text as it was, of IOB with its words (see ``iob``).

    ``labels``: a type of the file -> its label; a mention of any other type is a loss. Raises MedmtlError E401 at the
    first loss in stop mode.
    """
    for path in paths:
        if path.suffix.lower() == ".zip":
            for text in read_texts(path, audit):
                if text.text.strip():
                    yield _doc(text, nlp, audit, labels)
                else:
                    audit.dropped(text.place, "document", "", "an empty text")
        else:
            yield from iob.convert([path], nlp, audit, seed=seed, labels=labels)


def _doc(text: Text, nlp: Language, audit: Audit, labels: Mapping[str, str]) -> Doc:
    doc = nlp.make_doc(text.text)
    write_mentions(doc, text.mentions, labels, audit)
    lines = [match.end() for match in re.finditer("\n", text.text)]  # the title has a line of its own
    split_sentences(doc, audit, given=tokens_at(doc, lines), whole=doc.spans[ENTITIES])
    return doc
