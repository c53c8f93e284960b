"""Wordpieces of spaCy tokens: every token that is not blank owns at least one piece, in order, nothing cut.

Each token is encoded alone (as SRU-NER and word-level BERT taggers do), with a leading blank where the text has white
space before it, so that byte-level vocabularies see the pieces they were trained on. Encoding alone makes the pieces
of a token independent of its neighbours, and so they can be memoised per word form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from spacy.tokens import Doc
from tokenizers import Tokenizer

from ...annotations.blanks import is_blank, visible
from ...errors import MedmtlError

MARKERS = ("[unused1]", "[C]", "madeupword0001", "<unused1>", "<mask>", "[MASK]")
ENTITY_MARKS = ("@", "#")
UNKNOWNS = ("[UNK]", "<unk>", "<mask>", "[MASK]")
MASKS = ("[MASK]", "<mask>")
# Signs of forms that vocabularies may not know: as [UNK] all of them, boxes ticked or not, would read the same. Those
# of the private use area are what a text taken out of Word has for its font Wingdings.
SPELLED = str.maketrans(
    {
        **dict.fromkeys("☐□▢◻◽⬜\uf0a8\uf06f", "[ ]"),
        **dict.fromkeys("☑☒⊠🗹🗷✅⬛\uf0fe\uf0fd", "[x]"),
        **dict.fromkeys("✓✔\u2795\uf0fc", "+"),
        **dict.fromkeys("✗✘✕✖⊖❌\u2796\uf0fb", "-"),
    }
)
MAX_MEMO = 20_000  # word forms, some 5 MB: notes are full of numbers that never come again


@dataclass(frozen=True)
class DocPieces:
    """ids: piece ids of a Doc [n_pieces]. starts: first piece of each token, one more at the end [n_tokens + 1]."""

    ids: numpy.ndarray
    starts: numpy.ndarray


@dataclass(frozen=True)
class Template:
    """The special pieces around one text or a pair, as (ids, type ids) of what stands before, between and after."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[int, int, int, int, int]  # of: before, first text, between, second text, after


class WordPieces:
    """A Hugging Face fast tokenizer, from the content of its tokenizer.json."""

    def __init__(self, tokenizer_json: str) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_truncation()  # sentence-transformers' files cut at 128 pieces
        self._tokenizer.no_padding()
        self._memo: dict[tuple[str, bool], tuple[int, ...]] = {}
        self._unknown = self._first_known(UNKNOWNS)
        self.marker = self._first_known(MARKERS)
        self.mask = next((i for i in map(self._tokenizer.token_to_id, MASKS) if i is not None), None)
        self.single = self._template(["a"])
        self.pair = self._template(["a", "b"])

    def of_doc(self, doc: Doc) -> DocPieces:
        """The pieces of all tokens; blank tokens have none."""
        pieces: list[int] = []
        starts = numpy.zeros(len(doc) + 1, dtype="int64")
        after_blank = False
        for i, token in enumerate(doc):
            blank = is_blank(token)
            if not blank:
                pieces.extend(self._of_word(token.text, after_blank))
            starts[i + 1] = len(pieces)
            # white space may follow a token, be one (a line break), or be part of a blank one that follows another
            after_blank = bool(token.whitespace_) or token.is_space or (blank and after_blank)
        return DocPieces(numpy.asarray(pieces, dtype="int64"), starts)

    def of_text(self, text: str) -> tuple[int, ...]:
        """The pieces of a few words that stand in no Doc."""
        return self._of_word(text, True)

    def of_type(self, label: str) -> tuple[int, ...]:
        """The pieces of an entity type, as words: ``Gene_or_protein`` reads "gene or protein"."""
        return self.of_text(label.replace("_", " ").lower())

    def entity_marks(self) -> tuple[int, int]:
        """What stands around the head and the tail of a pair of entities: the pieces of ``@`` and ``#``.

        Ordinary pieces, which every usual vocabulary has, so that nothing is added to it. Raises MedmtlError E215 where
        it cannot tell them apart.
        """
        head, tail = (self._of_word(mark, True)[-1] for mark in ENTITY_MARKS)
        if head == tail or self._unknown in (head, tail):
            raise MedmtlError("E215", marks=" and ".join(ENTITY_MARKS))
        return head, tail

    def _of_word(self, word: str, after_blank: bool) -> tuple[int, ...]:
        known = self._memo.get((word, after_blank))
        if known is None:
            text = f" {visible(word)}" if after_blank else visible(word)
            # control characters and the like are normalised away: they become one unknown piece
            known = self._encoded(text)
            if self._unknown in known:
                known = self._encoded(text.translate(SPELLED))
            # all at once: which forms are rare is not worth keeping count of
            if len(self._memo) >= MAX_MEMO:
                self._memo.clear()
            self._memo[(word, after_blank)] = known
        return known

    def _encoded(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids) or (self._unknown,)

    def _first_known(self, names: Sequence[str]) -> int:
        return next((i for i in map(self._tokenizer.token_to_id, names) if i is not None), 0)

    def _template(self, texts: list[str]) -> Template:
        """Read the special pieces off an encoded example, whatever the model's own layout is."""
        # places of pieces by group: before, first text, between, second text, after
        encoded = self._tokenizer.encode(*texts)
        groups: list[list[int]] = [[]]
        inside = False
        for special in encoded.special_tokens_mask:
            if bool(special) == inside:  # a text begins or ends here
                groups.append([])
                inside = not inside
            groups[-1].append(len([i for group in groups for i in group]))
        if inside:
            groups.append([])
        # around one text there is no second, nor anything between two
        while len(groups) < 5:
            groups.insert(-1, [])
        ids = [tuple(encoded.ids[i] for i in group) for group in groups]
        types = [encoded.type_ids[group[0]] if group else 0 for group in groups]
        return Template(ids[0], ids[2], ids[4], (types[0], types[1], types[2], types[3], types[4]))
