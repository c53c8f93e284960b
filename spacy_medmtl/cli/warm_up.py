"""``medmtl warm-up``: an encoder trained on plain text, by guessing masked words, before any task."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm
from wasabi import msg

from ..training.evaluation import corpus_files
from ..training.new_encoder import read_docs
from ..training.warm_up import warm_up
from .loading import GpuId, use_device


def warm_up_command(
    encoder: Annotated[Path, typer.Argument(help="Folder of the encoder to start from, e.g. of 'medmtl new-encoder'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the trained one; it must not hold one.")],
    corpus: Annotated[
        list[Path], typer.Option("--corpus", "-c", help="Texts: .spacy files, or folders; may be repeated.")
    ],
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 2000,
    rate: Annotated[float, typer.Option(min=0.0, help="Highest learning rate. From random weights 5e-4.")] = 5e-4,
    batch_tokens: Annotated[int, typer.Option(min=1, help="spaCy tokens in a batch.")] = 2000,
    window: Annotated[int, typer.Option(min=16, help="Wordpieces that are read at once.")] = 256,
    share: Annotated[float, typer.Option(min=0.01, max=0.99, help="Of the tokens that are to be guessed.")] = 0.15,
    seed: Annotated[int, typer.Option("--seed", "-s", help="For order, masks, dropout.")] = 0,
    gpu_id: GpuId = -1,
) -> None:
    """Train an encoder on plain text: it guesses masked words (BERT's objective, whole words).

    Example: medmtl warm-up encoder -o warm -c corpus/train

    Annotation in the corpora is not looked at. Use training parts only: what an encoder has read is no test any more.
    """
    use_device(gpu_id)
    docs = list(tqdm(read_docs(corpus_files(corpus)), desc="Reading", unit=" docs", disable=None, leave=False))

    def show(numbers: Iterable[int]) -> Iterable[int]:
        return tqdm(numbers, desc="Warming up", unit="step", disable=None, leave=False)

    settings = {"rate": rate, "batch_tokens": batch_tokens, "window": window, "share": share, "seed": seed}
    losses = warm_up(encoder, output, docs, steps=steps, progress=show, **settings)  # type: ignore[arg-type]
    tenth = max(1, len(losses) // 10)
    first, last = (sum(part) / max(1, len(part)) for part in (losses[:tenth], losses[-tenth:]))
    msg.good(f"{output}: loss per masked piece {first:.2f} in the first tenth of {steps} steps, {last:.2f} in the last")
