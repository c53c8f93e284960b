"""Characters that are not seen at the ends of words, such as a zero-width space that was pasted along with a text."""

from typing import Any

from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import compile_prefix_regex, compile_suffix_regex

from ..annotations.blanks import INVISIBLE

MARK = f"[{INVISIBLE}]"
FULL_STOP = rf"(?<={MARK})\."  # one behind such a character; behind a letter languages split it off by themselves


def split_off_invisible(nlp: Language) -> None:
    """Let the tokenizer split them off, so that the full stop in "pain.<zero-width space>", and in "pain<zero-width
    space>.", is a token as in "pain.".

    Tokens of text without such characters stay as they are. Other tokenizers than spaCy's are left alone. It is saved
    with the tokenizer, and what a saved one says holds.
    """
    tokenizer: Any = nlp.tokenizer
    if isinstance(tokenizer, Tokenizer):
        tokenizer.prefix_search = compile_prefix_regex([*(nlp.Defaults.prefixes or ()), MARK]).search
        tokenizer.suffix_search = compile_suffix_regex([*(nlp.Defaults.suffixes or ()), MARK, FULL_STOP]).search
