"""Intents of a reference Doc, from the bounds of its units."""

from collections.abc import Sequence

from spacy.language import Language
from spacy.tokens import Doc, Span

from ..annotations.groups import ANNOTATED_LABELS, INTENTS, write_group
from .docs import set_sentence_starts


def write_intents(
    doc: Doc, bounds: Sequence[tuple[int, int]], intents: Sequence[str | None], labels: Sequence[str]
) -> None:
    """Annotate the units of ``doc`` with their intents, None for a unit without one. ``labels``: all of the corpus."""
    pairs = zip(bounds, intents, strict=True)
    spans = [Span(doc, start, end, label=intent) for (start, end), intent in pairs if intent is not None]
    write_group(doc, INTENTS, spans).attrs[ANNOTATED_LABELS] = sorted(labels)


def query_doc(nlp: Language, text: str, intent: str, labels: Sequence[str]) -> Doc:
    """A Doc of one text that is one unit, so also one sentence."""
    doc = nlp.make_doc(text)
    set_sentence_starts(doc, [0])
    write_intents(doc, [(0, len(doc))], [intent], labels)
    return doc
