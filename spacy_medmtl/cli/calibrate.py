"""``medmtl calibrate``: probabilities that mean what they say."""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from tqdm import tqdm
from wasabi import msg

from ..errors import MedmtlError
from ..heads.head import Head
from ..saving import check_output_folder
from ..training.calibration import FEWEST, Calibration, brier_score, expected_calibration_error, mean_log_loss
from ..training.calibration import calibrate as fit
from ..training.evaluation import corpus_files, read_files
from ..training.pipeline_saving import save_whole
from .loading import Code, GoldSents, Pipeline, load_pipeline

MEASURES = {"log loss": mean_log_loss, "ECE": expected_calibration_error, "Brier": brier_score}


def calibrate(
    model: Pipeline,
    paths: Annotated[list[Path], typer.Argument(help="Converted dev parts (.spacy), or folders of them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the calibrated pipeline.")],
    gold_sents: GoldSents = False,
    code: Code = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Fit one temperature for each output of each head, on texts that the pipeline was not trained on, and save it.

    Example: medmtl calibrate training/model-best corpus/dev -o training/calibrated

    What is most probable stays most probable; probabilities and scores change. The figures shown are of the texts it
    was fitted on.
    """
    check_output_folder(output, replaces="meta.json")  # better now than after all the work
    files = corpus_files(paths)
    nlp = load_pipeline(model, code)
    examples = list(read_files(nlp, files, gold_sents=gold_sents))
    calibrations = fit(nlp, tqdm(examples, unit="doc", disable=None, leave=False))
    if not calibrations:
        raise MedmtlError("E207", paths=[str(path) for path in paths], fewest=FEWEST)
    save_whole(nlp, output)
    if as_json:
        typer.echo(srsly.json_dumps([_figures(calibration) for calibration in calibrations], indent=2))
        return
    rows = [
        (
            calibration.component,
            calibration.output,
            len(calibration.decisions.logits),
            f"{calibration.temperature:.2f}",
            *(
                f"{of(calibration.decisions):.3f} > {of(calibration.decisions, calibration.temperature):.3f}"
                for of in MEASURES.values()
            ),
        )
        for calibration in calibrations
    ]
    msg.table(
        rows,
        header=("component", "output", "units", "temperature", *MEASURES),
        divider=True,
        aligns=("l", "l", "r", "r", "r", "r", "r"),
    )
    left = [
        name
        for name, pipe in nlp.pipeline
        if isinstance(pipe, Head) and name not in {calibration.component for calibration in calibrations}
    ]
    if left:
        why = f"fewer than {FEWEST} labels that hold or {FEWEST} that do not in these files, or no probabilities"
        msg.warn(f"Not calibrated: {', '.join(left)}: {why}")
    msg.good(f"Wrote {output}")


def _figures(calibration: Calibration) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "component": calibration.component,
        "output": calibration.output,
        "temperature": calibration.temperature,
    }
    for name, of in MEASURES.items():
        figures[name] = {
            "before": of(calibration.decisions),
            "after": of(calibration.decisions, calibration.temperature),
        }
    return {**figures, "units": len(calibration.decisions.logits)}
