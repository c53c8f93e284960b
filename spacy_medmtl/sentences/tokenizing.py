"""What typed notes have at words without a blank between: characters that are not seen, such as a zero-width space that
was pasted along with a text, and signs, as in "-fever", "cough(+)", "no rash;no pain"."""

from typing import Any

from spacy.lang.char_classes import ALPHA, ALPHA_LOWER, ALPHA_UPPER
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

from ..annotations.blanks import INVISIBLE
from .lines import BULLETS

UNSEEN = f"[{INVISIBLE}]"
FULL_STOP = rf"(?<={UNSEEN})\."  # one behind such a character; behind a letter languages split it off by themselves
LETTER = f"[{ALPHA}]"
SIGNS = r"\-\u2212\u2013+"  # of what is absent or present; U+2212 is the minus of phones and of Word
ARROWS = r"\u2190-\u2199\u21d0-\u21d9"
DOTS = rf"{BULLETS}\u2219"  # the last also multiplies, so that it begins no item of a list by itself
PREFIXES = (
    UNSEEN,
    rf"[{SIGNS}]+(?={LETTER}{{2}})",  # "-fever"; "-2" is a number
    r"[\-\u2212](?=[)\]])",  # of "(-)fever", whose bracket is split off already
    rf"[xX](?=[)\]]{LETTER})",  # of "[x]fever"
    rf"[{ARROWS}{DOTS}]",
    rf"\d{{1,2}}(?=[.)]{LETTER}{{2}})",  # of "1)fever" and "1.fever"
    rf"\.(?={LETTER}{{2}})",  # the full stop of the latter
)
SUFFIXES = (
    UNSEEN,
    FULL_STOP,
    rf"(?<={LETTER}{{2}})[{SIGNS}]+",  # "fever-", "cough++"; "K+" is a word
    rf"(?<=[(\[])[{SIGNS}]+",  # of "fever(-)", whose last bracket is split off already
    rf"[{ARROWS}]",
)
INFIXES = (
    rf"(?<=[{ALPHA}0-9])[;|](?=[{ALPHA}0-9])",
    rf"(?<={LETTER})(?:[-=]>|[{ARROWS}{DOTS}])(?={LETTER})",
    rf"(?<=[{ALPHA_LOWER}])[?!](?=[{ALPHA_UPPER}])",  # "Fever?No", as spaCy splits "fever.No"
    rf"(?<={LETTER}{{3}})\.(?=\d{{1,2}}$)",  # "fracture.2", of "1. No fracture.2. No effusion."
)


def teach_tokenizer(nlp: Language) -> None:
    """Let the tokenizer split these off, so that "-fever" and "pain.<zero-width space>" have the tokens of "- fever"
    and "pain.".

    Tokens of other texts stay as they are. Other tokenizers than spaCy's are left alone. It is saved with the
    tokenizer, and what a saved one says holds.
    """
    tokenizer: Any = nlp.tokenizer
    if isinstance(tokenizer, Tokenizer):
        rules = nlp.Defaults
        tokenizer.prefix_search = compile_prefix_regex([*(rules.prefixes or ()), *PREFIXES]).search
        tokenizer.suffix_search = compile_suffix_regex([*(rules.suffixes or ()), *SUFFIXES]).search
        tokenizer.infix_finditer = compile_infix_regex([*(rules.infixes or ()), *INFIXES]).finditer
