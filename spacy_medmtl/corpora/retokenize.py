"""Tokens split where gold edges lie, for ``--on-misaligned retokenize``.

All edges of a text must be known before its Doc is made, because a Doc whose tokens change under its spans is wrong
about them. So the input is read twice: once to find the edges inside tokens, once with a tokenizer that also splits
there.
"""

import hashlib
from collections.abc import Callable, Mapping

from spacy.tokens import Doc

_CONTINUES = "medmtl_continues"  # in doc.user_data, which is not written to the output


class Edges:
    """Characters at which texts are to be split, kept by the hash of the text."""

    def __init__(self) -> None:
        self._of: dict[bytes, set[int]] = {}

    def add(self, text: str, *offsets: int) -> None:
        """Split ``text`` before these characters."""
        self._of.setdefault(_key(text), set()).update(offsets)

    def of(self, text: str) -> set[int]:
        """Where to split ``text``."""
        return self._of.get(_key(text), set()) if self._of else set()


class SplittingTokenizer:
    """A tokenizer whose tokens are split at the edges of each text. The text stays what it is."""

    def __init__(self, tokenizer: Callable[[str], Doc], edges: Edges) -> None:
        self.tokenizer = tokenizer
        self.edges = edges

    def __call__(self, text: str) -> Doc:
        doc = self.tokenizer(text)
        edges = self.edges.of(text)
        return split_tokens(doc, edges) if edges else doc


def split_tokens(doc: Doc, edges: set[int]) -> Doc:
    """A Doc of the same text whose tokens are split at the edges that lie inside them."""
    words: list[str] = []
    spaces: list[bool] = []
    continues: set[int] = set()
    for token in doc:
        cuts = [0, *sorted(edge - token.idx for edge in edges if 0 < edge - token.idx < len(token)), len(token)]
        continues.update(range(len(words) + 1, len(words) + len(cuts) - 1))
        words += [token.text[start:end] for start, end in zip(cuts, cuts[1:])]
        spaces += [False] * (len(cuts) - 2) + [bool(token.whitespace_)]
    split = Doc(doc.vocab, words=words, spaces=spaces)
    split.user_data[_CONTINUES] = continues
    return split


def unsplit(doc: Doc) -> tuple[Doc, Mapping[int, int]]:
    """A Doc with the tokens as they were before ``split_tokens``, and its token -> the first token of ``doc``."""
    continues: set[int] = doc.user_data.get(_CONTINUES, set())
    if not continues:
        return doc, {i: i for i in range(len(doc))}
    firsts = [i for i in range(len(doc)) if i not in continues]
    stretches = [doc[start:end] for start, end in zip(firsts, [*firsts[1:], len(doc)])]
    whole = Doc(doc.vocab, words=[span.text for span in stretches], spaces=[bool(s[-1].whitespace_) for s in stretches])
    return whole, dict(enumerate(firsts))


def n_split(doc: Doc) -> int:
    """How many splits ``doc`` has more than the tokenizer alone would give it."""
    return len(doc.user_data.get(_CONTINUES, ()))


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
