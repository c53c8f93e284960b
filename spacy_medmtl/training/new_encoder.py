"""A small BERT from scratch: for languages whose pretrained weights are not at hand.

Its wordpieces are characters, so its vocabulary is read off a corpus and a token is never unknown for its length alone.
Its weights are random; ``medmtl warm-up`` gives them a start from plain text.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..errors import MedmtlError
from ..saving import whole_folder
from .gold_docs import decoded_docs

SPECIALS = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # [unused1] stands in for the marker [C]
HEAD_WIDTH = 64  # BERT's own
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class EncoderSize:
    """Layers, their width, attention heads (0: one per 64 of width), and wordpieces that are read at once."""

    layers: int
    width: int
    heads: int = 0
    positions: int = 512

    @property
    def n_heads(self) -> int:
        """Raises MedmtlError E331 where heads do not divide the width."""
        heads = self.heads or max(1, self.width // HEAD_WIDTH)
        if self.width % heads:
            raise MedmtlError("E331", width=self.width, heads=heads)
        return heads


def read_docs(files: Iterable[Path]) -> Iterator[Doc]:
    """The Docs in ``.spacy`` files, their tokens as they are. Raises MedmtlError E301 for another file."""
    vocab = Vocab()
    for path in files:
        yield from (doc for doc in decoded_docs(path, path.stem, vocab) if len(doc))


def character_pieces(texts: Iterable[str], min_count: int = 1) -> list[str]:
    """A WordPiece vocabulary of single characters, as BERT's normaliser (lower case, no accents) leaves them.

    First the special pieces, then characters by frequency and code point, then those that occur inside a word, written
    "##c". ``@`` and ``#``, which the views of pairs of entities put around them, are there in any case. Raises
    MedmtlError E330 where no character of the texts is left.
    """
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    from ..encoder.views.wordpieces import ENTITY_MARKS

    normalizer, pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts: Counter[str] = Counter()
    inside: set[str] = set()
    for text in texts:
        for word, _ in pre_tokenizer.pre_tokenize_str(normalizer.normalize_str(text)):
            counts.update(word)
            if len(word) > 1:
                inside.update(word)
    # ties by code point, so that the same corpus gives the same ids
    kept = sorted((c for c, n in counts.items() if n >= min_count), key=lambda c: (-counts[c], c))
    if not kept:
        raise MedmtlError("E330", min_count=min_count)
    marks = [mark for mark in ENTITY_MARKS if mark not in kept]
    return [*SPECIALS, *kept, *marks, *(f"##{c}" for c in kept if c in inside)]


def write_new_encoder(folder: Path, pieces: Sequence[str], shape: EncoderSize, seed: int) -> int:
    """Write config.json, tokenizer.json and model.safetensors, which ``spacy-medmtl.local_encoder.v1`` loads.

    The weights are BERT's own initialisation, N(0, 0.02); the same seed gives the same bytes, with one version of
    transformers. Returns the number of parameters. Raises MedmtlError E407 if the folder holds an encoder already or
    cannot be written, E331 for an impossible shape.
    """
    import torch
    from transformers import BertConfig, BertModel

    from ..encoder.tokenizer_files import wordpiece_tokenizer, write_tokenizer

    if (folder / WEIGHTS).exists():
        raise MedmtlError("E407", path=folder, problem="holds an encoder already; delete it first")
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.n_heads,
        intermediate_size=4 * shape.width,
        max_position_embeddings=shape.positions,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertModel(config)
    with whole_folder(folder) as part:
        write_tokenizer(wordpiece_tokenizer(pieces), part)
        model.save_pretrained(part)
    return sum(parameter.numel() for parameter in model.parameters())
