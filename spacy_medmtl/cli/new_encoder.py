"""``medmtl new-encoder``: an untrained character-level BERT whose vocabulary is that of a corpus."""

from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm
from wasabi import msg

from ..training.evaluation import corpus_files
from ..training.new_encoder import EncoderSize, character_pieces, read_docs, write_new_encoder


def new_encoder(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the encoder; it must not hold one.")],
    corpus: Annotated[
        list[Path],
        typer.Option(
            "--corpus",
            "-c",
            help="Texts whose characters become the vocabulary: .spacy files, or folders; may be repeated.",
        ),
    ],
    layers: Annotated[int, typer.Option(min=1, help="Transformer layers.")] = 4,
    width: Annotated[int, typer.Option(min=1, help="Width of the layers; their inner width is four times that.")] = 256,
    heads: Annotated[int, typer.Option(min=0, help="Attention heads of a layer; 0 for one per 64 of width.")] = 0,
    positions: Annotated[int, typer.Option(min=16, help="Wordpieces that it can read at once.")] = 512,
    min_count: Annotated[int, typer.Option(min=1, help="Characters rarer than this become unknown.")] = 1,
    seed: Annotated[int, typer.Option("--seed", "-s", help="For the random weights.")] = 0,
) -> None:
    """Make a small BERT from scratch, for languages without pretrained weights at hand.

    Example: medmtl new-encoder -o encoder -c corpus/train

    The loader spacy-medmtl.local_encoder.v1 reads the folder as it is; 'medmtl warm-up' trains it on plain text first.
    """
    docs = tqdm(read_docs(corpus_files(corpus)), desc="Reading", unit=" docs", disable=None, leave=False)
    pieces = character_pieces((doc.text for doc in docs), min_count)
    n_parameters = write_new_encoder(output, pieces, EncoderSize(layers, width, heads, positions), seed)
    msg.good(f"{output}: {len(pieces)} wordpieces, {layers} layers, {n_parameters:,} parameters, all random")
