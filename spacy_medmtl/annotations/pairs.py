"""Two texts as one Doc of two segments, and back.

The segments are parted by one token, U+241E (symbol for record separator), which stands in the text itself. So a pair
survives whatever keeps a text: ``nlp.make_doc(text)``, ``DocBin``, ``spacy evaluate``, a file of lines.
"""

from spacy.language import Language
from spacy.tokens import Doc

from ..errors import MedmtlError
from .groups import SEPARATOR, Bounds


def pair_doc(nlp: Language, first: str, second: str) -> Doc:
    """Tokenise two texts apart and join them: ``first ␞ second``. Raises MedmtlError E101 if a text holds U+241E."""
    if SEPARATOR in first or SEPARATOR in second:
        raise MedmtlError("E101")
    words, spaces = _tokens(nlp.make_doc(first))
    if spaces and spaces[-1]:  # that blank is the text's own; the separator's becomes a token
        words, spaces = [*words, " "], [*spaces, False]
    elif spaces:
        spaces[-1] = True
    words_2, spaces_2 = _tokens(nlp.make_doc(second))
    return Doc(nlp.vocab, words=[*words, SEPARATOR, *words_2], spaces=[*spaces, True, *spaces_2])


def _tokens(doc: Doc) -> tuple[list[str], list[bool]]:
    return [token.text for token in doc], [bool(token.whitespace_) for token in doc]


def segment_bounds(doc: Doc) -> list[Bounds]:
    """(start, end) token offsets of the non-empty segments of a Doc made by ``pair_doc``; none without a separator."""
    at = [token.i for token in doc if token.text == SEPARATOR]
    if len(at) != 1 or at[0] == 0 or at[0] == len(doc) - 1:
        return []
    return [(0, at[0]), (at[0] + 1, len(doc))]


def texts_of(doc: Doc) -> tuple[str, str]:
    """The two texts of a Doc that ``pair_doc`` made. Raises MedmtlError E102 if it has not exactly one separator."""
    parts = doc.text.split(SEPARATOR)
    if len(parts) != 2:
        raise MedmtlError("E102", received=len(parts))
    return parts[0].removesuffix(" "), parts[1].removeprefix(" ")
