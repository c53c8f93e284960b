"""``medmtl card``: a model card for a pipeline."""

from pathlib import Path
from typing import Annotated

import typer
from spacy.language import Language
from wasabi import msg

from ..corpora.outputs import check_apart, write_atomically
from ..errors import MedmtlError
from ..evaluation.card import model_card
from ..evaluation.scores_file import asking_scores_of, read_scores
from .loading import Code, Pipeline, load_pipeline


def card(
    pipeline: Pipeline,
    scores: Annotated[
        Path | None, typer.Option("--scores", "-s", help="JSON that 'medmtl evaluate' wrote, best with '--page'.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The card to write.")] = Path("README.md"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    code: Code = None,
) -> None:
    """Write a model card: heads and labels, data and licences, scores with intervals, intended use, limits.

    Example: medmtl card en_medmtl --scores scores.json -o packages/README.md

    What the pipeline says of itself (description, licence, author, sources) is read from its meta.json. In front stand
    the metadata that the Hugging Face hub reads, with a result for each head and corpus.
    """
    if output.is_dir():
        raise MedmtlError("E407", path=output, problem="is a folder, expected a file")
    check_apart([output], [scores])
    if output.exists() and not force:
        raise MedmtlError("E413", path=output)
    write_atomically(output, make_card(load_pipeline(pipeline, code), scores).encode())
    msg.good(f"Wrote {output}")


def make_card(nlp: Language, scores: Path | None) -> str:
    """The card with the scores in a file. Raises MedmtlError E502 where that holds none."""
    if scores is None:
        return model_card(nlp, None)
    read = read_scores(scores)
    with asking_scores_of(scores):
        return model_card(nlp, read)
