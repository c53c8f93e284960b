"""A pipeline with all four heads over an encoder of 2 layers, 32 wide: for benchmarks of behaviour, not of scores.

    python benchmarks/tiny_pipeline.py OUTPUT --gold corpus/sample/train/sample.spacy

It learns for some steps, so that it finds something, and is made in a minute; same seed, same bytes.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import spacy
import torch
import typer
from pipelines import our_examples, ours, training_batch
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import fix_random_seed

from spacy_medmtl.saving import whole_folder
from spacy_medmtl.training.new_encoder import EncoderSize, character_pieces, write_new_encoder
from spacy_medmtl.training.optimizers import torch_optimizer

SIZE = EncoderSize(layers=2, width=32, heads=4)
N_WORDS = 3000  # wordpieces that are words
RATE = 0.003


def tiny_encoder(folder: Path, texts: list[str]) -> None:
    """Random weights; wordpieces are the characters of the texts and their most frequent words."""
    words = Counter(word for text in texts for word in text.lower().split() if word.isalpha())
    pieces = dict.fromkeys([*character_pieces(texts), *(word for word, _ in words.most_common(N_WORDS))])
    write_new_encoder(folder, list(pieces), SIZE, seed=0)


def tiny_pipeline(encoder: Path, gold: Path, steps: int) -> Language:
    fix_random_seed(0)
    texts = [doc.text for doc in DocBin().from_disk(gold).get_docs(spacy.blank("en").vocab)]
    tiny_encoder(encoder, texts)
    nlp = ours(encoder, gold, shared=False)
    nlp.config["initialize"]["components"] = {}  # the encoder's folder may go
    examples, optimizer = our_examples(nlp, gold), torch_optimizer(RATE)
    for step in range(steps):
        nlp.update(training_batch(examples, step), sgd=optimizer)
    return nlp


def main(
    output: Annotated[Path, typer.Argument(help="Folder of the pipeline.")],
    gold: Annotated[Path, typer.Option(help="What it learns from.")] = Path("corpus/sample/train/sample.spacy"),
    steps: Annotated[int, typer.Option(min=0)] = 150,
    encoder: Annotated[Path | None, typer.Option(help="Keep the encoder that it starts from in this folder.")] = None,
) -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        nlp = tiny_pipeline(encoder or Path(folder) / "encoder", gold, steps)
    with whole_folder(output, replaces="meta.json") as part:
        nlp.to_disk(part)


if __name__ == "__main__":
    typer.run(main)
