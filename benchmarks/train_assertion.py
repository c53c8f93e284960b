"""Train a pipeline that asserts given spans, on findings of one or more converted corpora, for ``compare_assertion``.

    medmtl prepare public ../shared/corpora corpus/public
    python benchmarks/train_assertion.py corpus/public/train/negex.spacy training/assertion/negex --steps 300
    python benchmarks/compare_assertion.py --model training/assertion/negex

MiniLM with hard sharing (there is one task), settings of configs/en_public.cfg; nothing is selected on dev.
"""

import time
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

NAME = "cpncf_assertion"


def training_config(corpora: list[Path], steps: int, seed: int, tokens: int) -> Config:
    """en_public.cfg with one head in the mode ``assert``."""
    config = spacy.util.load_config("configs/en_public.cfg", interpolate=False)
    parts = config["components"]
    parts["encoder"]["model"].update(routes=[NAME], sharing={"@misc": "spacy-medmtl.shared_rule.v1"})
    parts[NAME].update(mode="assert", context=1)
    config["components"] = {name: parts[name] for name in ("medmtl_sentences", "encoder", NAME)}
    config["nlp"]["pipeline"] = list(config["components"])
    entries = {path.stem: {"path": str(path), "tasks": [NAME]} for path in corpora}
    config["corpora"]["train"]["corpora"] = entries
    first = next(iter(entries.values()))
    config["corpora"]["dev"]["corpora"] = {"first": {**first, "limit": 1}}
    config["system"]["seed"] = seed
    config["training"].update(max_steps=steps, eval_frequency=steps, score_weights={})
    config["training"]["batcher"]["size"] = tokens
    config["training"]["logger"]["progress_bar"] = False
    config["training"]["optimizer"]["learn_rate"].update(warmup_steps=steps // 10, total_steps=steps)
    return config


def main(
    corpora: Annotated[list[Path], typer.Argument(help="Converted training parts, then the folder for the pipeline.")],
    steps: Annotated[int, typer.Option(help="Training steps.")] = 300,
    tokens: Annotated[int, typer.Option(help="Tokens of a batch.")] = 400,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and dropout.")] = 0,
) -> None:
    """Train and save."""
    *paths, output = corpora
    output.mkdir(parents=True, exist_ok=True)  # rather now than after the training
    start = time.perf_counter()
    nlp = init_nlp(training_config(paths, steps, seed, tokens))
    nlp, _ = train(nlp, None)
    nlp.to_disk(output)
    typer.echo(f"Trained {steps} steps in {time.perf_counter() - start:.0f} s: {output}")


if __name__ == "__main__":
    typer.run(main)
