r"""Status of given findings by cross-validation: every span of NegEx is judged by a pipeline that was trained on other
sentences, beside negspacy, medspaCy's ConText and a floor, which are given the same spans in the same process.

One test cut of NegEx has some 20 historical findings, so that one of them is four points of F1; all of it has 158.
Folds are cut by sentence, whatever its punctuation. Each fold is trained as ``train_assertion.py`` does and leaves a
JSON, so the run can be interrupted and resumed. Intervals (95 %): bootstrap over sentences.

    medmtl prepare public ../shared/corpora corpus/public
    python benchmarks/crossvalidate_assertion.py metrics/assertion/folds --steps 300
    python benchmarks/crossvalidate_assertion.py metrics/assertion/folds_sample --steps 600 \
        --also corpus/sample/train/sample.spacy

``compare_assertion.py`` says how to install the peers; one that is not installed is left out.
"""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from assertion_tools import FLOOR, MEDSPACY, NEGATED, NEGSPACY, OURS, Case, Decision, floor, medspacy, negspacy, ours
from compare_assertion import negex_cases, percent, rates
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from train_assertion import training_config

from spacy_medmtl.corpora.leakage import bare
from spacy_medmtl.training.report import table

FOLDS, RESAMPLES = 5, 2000
SHOWN = (NEGATED, "historical")
PARTS = ("train", "dev", "test")


def folds_of(texts: Sequence[str], seed: int) -> list[int]:
    """The fold of each text; texts that differ in punctuation only share one."""
    keys = sorted({bare(text) for text in texts})
    random.Random(seed).shuffle(keys)
    place = {key: number % FOLDS for number, key in enumerate(keys)}
    return [place[bare(text)] for text in texts]


def judged(paths: list[Path], cases: Sequence[Case], steps: int, seed: int) -> list[list[Decision]]:
    """Train on these corpora and judge the cases."""
    nlp = init_nlp(training_config(paths, steps, seed, tokens=400))
    nlp, _ = train(nlp, None)
    return ours(nlp)(cases)


def interval(cases: Sequence[Case], decisions: Sequence[Sequence[Decision]], name: str) -> str:
    """95 % of F1 when sentences are drawn with replacement."""
    pairs = [
        [(gold[name], one.get(name, False)) for gold, one in zip(c.gold, found)] for c, found in zip(cases, decisions)
    ]
    draw = random.Random(0)
    drawn = (draw.choices(pairs, k=len(pairs)) for _ in range(RESAMPLES))
    values = sorted(rates([pair for found in sample for pair in found])["f"] for sample in drawn)
    return f"{100 * values[int(0.025 * RESAMPLES)]:.1f} to {100 * values[int(0.975 * RESAMPLES)]:.1f}"


def report(cases: Sequence[Case], found: dict[str, list[list[Decision]]]) -> list[str]:
    """A line for each tool."""
    rows = []
    for tool, decisions in found.items():
        row = [tool]
        for name in SHOWN:
            pairs = [
                (gold[name], one[name]) for c, d in zip(cases, decisions) for gold, one in zip(c.gold, d) if name in one
            ]
            scores = rates(pairs) if pairs else None
            row += [percent(scores, of) for of in "prf"]
            row.append(interval(cases, decisions, name) if scores and scores["f"] else "-")
        rows.append(row)
    return table(["tool", *(f"{name} {of}" for name in SHOWN for of in ("P", "R", "F1", "95 %"))], rows)


def main(
    output: Annotated[Path, typer.Argument(help="Folder for what each fold decided, and for the table.")],
    negex: Annotated[Path, typer.Option(help="Folder with the parts of the converted NegEx.")] = Path("corpus/public"),
    also: Annotated[list[Path] | None, typer.Option(help="Train on this too; may be repeated.")] = None,
    steps: Annotated[int, typer.Option(help="Training steps of a fold.")] = 300,
    fold: Annotated[
        list[int] | None, typer.Option(help="Train this fold only and compare nothing; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds, weights, order and dropout.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
) -> None:
    """Train the folds that are not there yet, then compare."""
    torch.set_num_threads(threads)
    output.mkdir(parents=True, exist_ok=True)
    files = [negex / part / "negex.spacy" for part in PARTS]
    docs = [doc for path in files for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)]
    cases = negex_cases(files)
    fold_of = folds_of([doc.text for doc in docs], seed)
    mine: list[list[Decision]] = [[] for _ in cases]
    for number in fold or range(FOLDS):
        kept, path = [n for n, one in enumerate(fold_of) if one == number], output / f"{number}-{steps}-{seed}.json"
        if not path.exists():
            start, training = time.perf_counter(), output / f"{number}.spacy"
            DocBin(docs=[doc for doc, one in zip(docs, fold_of) if one != number]).to_disk(training)
            decisions: Any = judged([training, *(also or [])], [cases[n] for n in kept], steps, seed)
            training.unlink()
            srsly.write_json(path, decisions)
            typer.echo(f"Fold {number} of 0 to {FOLDS - 1}: {time.perf_counter() - start:.0f} s")
        for n, decision in zip(kept, srsly.read_json(path)):  # type: ignore[arg-type]
            mine[n] = decision
    if fold:
        return
    found = {FLOOR: floor()(cases)}
    peers: dict[str, Callable[[], Any]] = {NEGSPACY: negspacy, MEDSPACY: medspacy}
    for name, start_peer in peers.items():
        try:
            found[name] = start_peer()(cases)
        except ImportError as error:
            typer.echo(f"{name} is left out: {error}")
    found[f"{OURS}, {FOLDS} folds"] = mine
    lines = report(cases, found)
    (output / "table.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
