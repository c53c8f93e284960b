"""Progressive sharing, from each of its four starting points, against hard sharing: same encoder, seed, steps, batches.

Trains configs/en_public.cfg once per variant and scores the last weights on the test parts in corpus/public/test.
Writes one JSON per variant, so that variants can run side by side, and a Markdown table of all that are there.

    medmtl prepare public ../shared/corpora corpus/public
    python benchmarks/compare_sharing.py mean zero copy paper shared --steps 500
"""

import platform
from pathlib import Path
from typing import Annotated, Any, Dict, List

import srsly
import torch
import typer
from spacy import util
from spacy.training.initialize import init_nlp
from spacy.training.loop import train

from spacy_medmtl.training.evaluation import evaluate_corpora
from spacy_medmtl.training.report import table

TASKS = {"sentence_intent": "piboso", "pair_relation": "rqe", "sru_nested_ner": "bc5cdr", "cpncf_assertion": "negex"}
TEST_DOCS = 150  # of each test part


def variant_config(variant: str, steps: int, seed: int) -> Any:
    """en_public.cfg with one sharing rule and a budget of steps; nothing is selected on dev."""
    config = util.load_config("configs/en_public.cfg", interpolate=False)
    rule: Dict[str, Any] = {"@misc": "spacy-medmtl.shared_rule.v1"}
    if variant != "shared":
        rule = {**config["components"]["encoder"]["model"]["sharing"], "init": variant}
    config["components"]["encoder"]["model"]["sharing"] = rule
    config["system"]["seed"] = seed
    config["training"].update(max_steps=steps, eval_frequency=steps)
    config["training"]["logger"]["progress_bar"] = False
    rate = config["training"]["optimizer"]["learn_rate"]
    rate.update(warmup_steps=steps // 10, total_steps=steps)
    for entry in config["corpora"]["dev"]["corpora"].values():
        entry["limit"] = 1
    return config


def run(variant: str, steps: int, seed: int) -> Dict[str, Any]:
    """Train and score one variant."""
    nlp = init_nlp(variant_config(variant, steps, seed))
    nlp, _ = train(nlp, None)
    results = evaluate_corpora(nlp, [Path("corpus/public/test")], gold_sents=True, limit=TEST_DOCS)
    scores = {task: results[corpus]["scores"][f"{task}_f"] for task, corpus in TASKS.items()}
    return {
        "variant": variant,
        "steps": steps,
        "seed": seed,
        "scores": scores,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}",
    }


def main(
    variants: Annotated[List[str], typer.Argument(help="Of: mean zero copy paper shared.")],
    steps: Annotated[int, typer.Option(help="Training steps, all tasks together.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and dropout.")] = 0,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/sharing"),
) -> None:
    """Train and score variants, then write the table of all results in the folder."""
    output.mkdir(parents=True, exist_ok=True)
    for variant in variants:
        srsly.write_json(output / f"{variant}-{steps}-{seed}.json", run(variant, steps, seed))
    results: List[Dict[str, Any]] = [srsly.read_json(path) for path in sorted(output.glob("*.json"))]  # type: ignore[misc]
    rows = [
        [one["variant"], str(one["steps"]), str(one["seed"]), *(f"{100 * one['scores'][task]:.1f}" for task in TASKS)]
        for one in results
    ]
    lines = table(["variant", "steps", "seed", *TASKS], rows)
    (output / "table.md").write_text("\n".join(lines) + "\n", encoding="utf8")


if __name__ == "__main__":
    typer.run(main)
