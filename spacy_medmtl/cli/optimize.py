"""``medmtl optimize``: a faster copy of a pipeline, if there is one that costs no more accuracy than allowed."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..errors import MedmtlError
from ..saving import check_output_folder, whole_folder
from ..training.evaluation import corpus_files, read_files
from .loading import Code, GoldSents, Pipeline, load_pipeline

BEFORE = "as it is"


def optimize(
    model: Pipeline,
    dev: Annotated[list[Path], typer.Argument(help="Converted dev parts (.spacy), or folders of them.")],
    output: Annotated[Path, typer.Argument(help="Folder for the faster pipeline, new or empty.")],
    max_loss: Annotated[float, typer.Option(min=0.0, help="Points that any head's score may lose.")] = 0.5,
    gold_sents: GoldSents = False,
    code: Code = None,
) -> None:
    """Try what makes prediction faster on this machine (bfloat16 where the processor has it, else int8), and write the
    fastest copy.

    Example: medmtl optimize training/model-best corpus/dev training/fast

    Nothing is written unless one is faster and no head loses more than --max-loss points on the dev part. What was
    trained for other routed layers or another sharing rule cannot be changed afterwards: train again with
    'layers' or 'sharing' of the encoder's model.
    """
    from ..optimizing.copies import fastest, measure, settings, write_copy

    check_output_folder(output)  # better now than after all the work
    files = corpus_files(dev)
    nlp = load_pipeline(model, code)
    examples = list(read_files(nlp, files, gold_sents=gold_sents))
    with tempfile.TemporaryDirectory() as folder:
        copies = {name: write_copy(nlp, setting, Path(folder) / name) for name, setting in settings().items()}
        measured = measure({BEFORE: nlp, **copies}, examples)
        before = measured.pop(BEFORE)
        heads = list(before.scores)
        rows = [
            (
                name,
                f"{measured_pipeline.speed:,.0f}",
                *(f"{100 * measured_pipeline.scores[head]:.2f}" for head in heads),
            )
            for name, measured_pipeline in [(BEFORE, before), *measured.items()]
        ]
        msg.table(rows, header=("", "words/s", *heads), divider=True, aligns=("l", *"r" * (1 + len(heads))))
        chosen = fastest(measured, before, max_loss)
        if chosen is None:
            problem = f"none of {list(measured)} is faster and loses at most {max_loss} points"
            raise MedmtlError("E355", problem=problem)
        with whole_folder(output) as part:
            shutil.copytree(Path(folder) / chosen, part, dirs_exist_ok=True)
    msg.good(f"Wrote {output}: {chosen}, {measured[chosen].speed / before.speed:.2f} times as fast")
