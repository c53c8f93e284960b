"""How calibrated a pipeline's probabilities are, before and after ``medmtl calibrate``, on texts that neither saw.

Temperatures are fitted on one part and measured on another. For each output of each head: log loss, expected
calibration error (15 bins) and Brier score, and the bins of a reliability diagram.

    medmtl prepare findings ../shared/corpora corpus/findings
    python benchmarks/train_assertion.py corpus/findings/train/negex.spacy training/assertion/negex --steps 300
    python benchmarks/reliability.py training/assertion/negex corpus/findings/{dev,test}/negex.spacy
"""

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.training import Example
from tqdm import tqdm

from spacy_medmtl.heads.outputs import LabelledLogits
from spacy_medmtl.training.calibration import (
    brier_score,
    calibrate,
    collect_decisions,
    expected_calibration_error,
    mean_log_loss,
)
from spacy_medmtl.training.corpus import CorpusEntry, read_entry
from spacy_medmtl.training.report import table

MEASURES = {"log loss": mean_log_loss, "ECE": expected_calibration_error, "Brier": brier_score}
SHOWN_BINS = 5  # of the diagram; fewer than those of the ECE, as the parts are small


def examples_of(nlp: Language, path: Path, gold_sents: bool) -> Iterator[Example]:
    found = list(read_entry(CorpusEntry(path.stem, path, None, 0), nlp, gold_sents=gold_sents))
    return iter(tqdm(found, unit="doc", leave=False))


def diagram(decisions: LabelledLogits, temperature: float) -> list[dict[str, float]]:
    """Per bin of what was said: how often, mean probability, and how often it was right."""
    p = decisions.probabilities(temperature)
    said, held = p[decisions.judged], decisions.gold[decisions.judged]
    if decisions.exclusive:
        rows, best = numpy.arange(len(p)), p.argmax(axis=1)
        said, held = p[rows, best], decisions.gold[rows, best]
    bins = numpy.minimum((said * SHOWN_BINS).astype(int), SHOWN_BINS - 1)
    return [
        {"n": int((bins == i).sum()), "said": float(said[bins == i].mean()), "right": float(held[bins == i].mean())}
        for i in range(SHOWN_BINS)
        if (bins == i).any()
    ]


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    fit: Annotated[Path, typer.Argument(help="The part that temperatures are fitted on (.spacy).")],
    measure: Annotated[Path, typer.Argument(help="The part that is measured (.spacy).")],
    gold_sents: Annotated[bool, typer.Option(help="Give the corpus's own sentence boundaries.")] = True,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/reliability"),
) -> None:
    """Fit, measure, and write JSON and Markdown."""
    nlp = spacy.load(model)
    fitted = calibrate(nlp, examples_of(nlp, fit, gold_sents))
    measured = collect_decisions(nlp, examples_of(nlp, measure, gold_sents))
    results: list[dict[str, Any]] = []
    for one in fitted:
        decisions = measured.get((one.component, one.output))
        if decisions is None or not decisions.judged.any():
            continue
        result: dict[str, Any] = {"component": one.component, "output": one.output, "temperature": one.temperature}
        result["n_fitted"], result["n_measured"] = len(one.decisions.logits), len(decisions.logits)
        for when, temperature in (("before", 1.0), ("after", one.temperature)):
            result[when] = {name: of(decisions, temperature) for name, of in MEASURES.items()}
            result[when]["diagram"] = diagram(decisions, temperature)
        results.append(result)
    header = ["component", "output", "fitted on", "measured on", "T"]
    header += [f"{name} {when}" for name in MEASURES for when in ("before", "after")]
    rows = []
    for one_result in results:
        counts = [str(one_result["n_fitted"]), str(one_result["n_measured"]), f"{one_result['temperature']:.2f}"]
        values = [f"{one_result[when][name]:.3f}" for name in MEASURES for when in ("before", "after")]
        rows.append([one_result["component"], one_result["output"], *counts, *values])
    lines = table(header, rows)
    output.mkdir(parents=True, exist_ok=True)
    name = "-".join(model.parts[-2:])
    settings = {"model": str(model), "fit": str(fit), "measure": str(measure), "machine": platform.machine()}
    srsly.write_json(output / f"{name}.json", {**settings, "outputs": results})
    (output / f"{name}.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
