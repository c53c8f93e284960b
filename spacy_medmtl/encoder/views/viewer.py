"""The views by name, for one tokenizer and window size."""

from collections.abc import Callable, Sequence
from functools import partial

from ...errors import MedmtlError
from .document import lay_out_document
from .layout import Layout, ViewSettings
from .pairs import lay_out_entity_pair, lay_out_pair
from .requests import BLINDED, DOCUMENT, MARKED, ToRead
from .units import lay_out_context, lay_out_sentence, lay_out_tokens
from .wordpieces import DocPieces

View = Callable[[ViewSettings, Sequence[ToRead], list[DocPieces]], Layout]
VIEWS: dict[str, View] = {
    "tokens": lay_out_tokens,
    DOCUMENT: lay_out_document,
    "sentence": lay_out_sentence,
    "pair": lay_out_pair,
    "context": lay_out_context,
    MARKED: partial(lay_out_entity_pair, MARKED),
    BLINDED: partial(lay_out_entity_pair, BLINDED),
}


def lay_out(settings: ViewSettings, view: str, items: Sequence[ToRead], pieces: list[DocPieces]) -> Layout:
    """The layout of items in a view. pieces: the wordpieces of each item's Doc.

    Raises MedmtlError E002 for an unknown view, E010 for items that are not made for it.
    """
    if view not in VIEWS:
        raise MedmtlError("E002", view=view, views=", ".join(VIEWS))
    return VIEWS[view](settings, items, pieces)
