"""Tokenizers as files that every version of transformers, and tokenizers alone, reads alike.

The classes of transformers take other arguments from version to version (``BertTokenizerFast(vocab_file=...)`` silently
ignores the file since version 5), so tokenizers are built with the tokenizers library, and only wrapped for saving.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

SPECIAL_PIECES = {
    "unk_token": ("[UNK]", "<unk>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def wordpiece_tokenizer(pieces: Sequence[str]) -> Tokenizer:
    """A tokenizer as BERT's: lower case, no accents, single Chinese characters.

    pieces: the vocabulary; an id is a place in it. [UNK], [CLS] and [SEP] must be there.
    """
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"]))
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json, which ``AutoTokenizer`` of transformers 4 and 5 reads."""
    known = {
        role: next((piece for piece in pieces if tokenizer.token_to_id(piece) is not None), None)
        for role, pieces in SPECIAL_PIECES.items()
    }
    special = {role: piece for role, piece in known.items() if piece is not None}
    wrapped: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    wrapped.save_pretrained(folder)
    # Version 5 writes a class that version 4 does not have, and knows this one too.
    path = folder / "tokenizer_config.json"
    settings = {**json.loads(path.read_text(encoding="utf8")), "tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(settings, ensure_ascii=False, indent=2), encoding="utf8")
