"""Sentences that an encoder cannot read at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from ..annotations.groups import sentence_bounds
from ..errors import MedmtlError

WINDOW = 192  # wordpieces, [CLS] and [SEP] included, as in the configs of this package
DEFAULT = Path("assets/encoder/minilm")  # where ``medmtl fetch-encoder`` puts it in a project


class WindowCheck:
    """Counts the sentences of Docs that have more than ``size`` wordpieces, [CLS] and [SEP] included.

    Without a tokenizer it counts only those that surely have: each token is at least one wordpiece.
    """

    def __init__(self, folder: Path | None = None, size: int = WINDOW) -> None:
        """``folder`` of an encoder; if none is given, the default one where it is in place. Raises MedmtlError E431 for
        a folder without a fast tokenizer."""
        folder = folder or (DEFAULT if (DEFAULT / "tokenizer.json").is_file() else None)
        self.size = size
        self.tokenizer: Any = _load(folder) if folder is not None else None

    @property
    def name(self) -> str:
        """What the count is called in the audit."""
        return "sentences_over_window" if self.tokenizer is not None else "sentences_over_window_at_least"

    def n_over(self, doc: Doc, sentences: Sequence[tuple[int, int]] | None = None) -> int:
        """How many sentences of ``doc`` are too long. ``sentences``: their bounds, where they are known already."""
        return sum(self._is_over(doc, *bounds) for bounds in sentences or sentence_bounds(doc))

    def _is_over(self, doc: Doc, start: int, end: int) -> bool:
        if self.tokenizer is None:
            if end - start + 2 <= self.size:
                return False
            return sum(not token.is_space for token in doc[start:end]) + 2 > self.size
        text = doc[start:end].text
        if len(text.encode()) + 2 <= self.size:  # no piece is shorter than a byte
            return False
        return len(self.tokenizer.encode(text, add_special_tokens=False).ids) + 2 > self.size


def _load(folder: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises plain Exception
        raise MedmtlError("E431", path=folder) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
