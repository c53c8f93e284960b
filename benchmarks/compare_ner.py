"""Nested entities: ``sru_nested_ner`` against spaCy's ``spancat``, and one model against several corpora.

Each experiment is a list of runs; a run trains one pipeline on one encoder (MiniLM, no routes of its own) from one seed
for a number of steps and scores it on the test parts. Every run is a process of its own, which writes one JSON, so that
an experiment can be interrupted, resumed (runs that are there are not repeated) and its peak memory is its own.

    medmtl prepare ner ../shared/corpora corpus/ner
    medmtl prepare bc5cdr_split ../shared/corpora corpus/bc5cdr_split
    python benchmarks/compare_ner.py genia --steps 200
    python benchmarks/compare_ner.py flat --steps 200
    python benchmarks/compare_ner.py split --steps 400
    python benchmarks/compare_ner.py multi --steps 400
"""

import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from thinc.api import Config

from spacy_medmtl.annotations.groups import ENTITIES
from spacy_medmtl.annotations.items import compared, judged_by, span_items
from spacy_medmtl.sru_nested_ner.scorer import score_entities
from spacy_medmtl.training.corpus import Reader, multitask_corpus
from spacy_medmtl.training.report import table

SRU, SPANCAT, FINDER = "sru_nested_ner", "spancat", "span_finder"
CORPORA = ("bc5cdr", "ncbi_disease", "jnlpba", "bc2gm", "linnaeus")


@dataclass(frozen=True)
class Run:
    """One training. kind: SRU, SPANCAT, or FINDER (span_finder + spancat). apart: types are kept apart by corpus.
    model, pipe: settings of the unit's model and of its component that are not the default. schedule: of corpora, if
    not round robin."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    kind: str = SRU
    apart: bool = False
    model: dict[str, Any] = field(default_factory=dict)
    pipe: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] | None = None


GENIA = ("genia",)
FLAT = ("ncbi_disease", "bc5cdr")  # corpora without entities inside others
WALK_ALONE = {"longest_span": 0}  # spans are not scored as a whole, as in the paper
EXPERIMENTS: dict[str, dict[str, Run]] = {
    "genia": {
        "sru_nested_ner": Run(GENIA, GENIA),
        "walk_alone": Run(GENIA, GENIA, model=WALK_ALONE),
        "spancat": Run(GENIA, GENIA, SPANCAT),
        "span_finder": Run(GENIA, GENIA, FINDER),
    },
    # what might lift entities inside others
    "nested": {
        "rate_30": Run(GENIA, GENIA, model={"lr_scale": 30.0}),
        "rate_100": Run(GENIA, GENIA, model={"lr_scale": 100.0}),
        "latents_10": Run(GENIA, GENIA, model={"latents_per_action": 10}),
        # the authors' settings for GENIA
        "authors": Run(
            GENIA,
            GENIA,
            model={
                "latents_per_action": 10,
                "half_context": 240,
                "token_multiplier": 10.0,
                "train_token_multiplier": True,
            },
        ),
        "joined": Run(GENIA, GENIA, pipe={"sequence_tokens": 150}),
    },
    "flat": {
        **{name: Run((name,), (name,)) for name in FLAT},
        **{f"{name}_walk_alone": Run((name,), (name,), model=WALK_ALONE) for name in FLAT},
    },
    "split": {
        "chemical_half": Run(("chemical_half",), ("bc5cdr",)),
        "disease_half": Run(("disease_half",), ("bc5cdr",)),
        "both_halves": Run(("chemical_half", "disease_half"), ("bc5cdr",)),
    },
    "multi": {
        **{name: Run((name,), (name,)) for name in CORPORA},
        "merged": Run(CORPORA, CORPORA),
        "disjoint": Run(CORPORA, CORPORA, apart=True),
        "merged_proportional": Run(CORPORA, CORPORA, schedule={"@misc": "spacy-medmtl.proportional.v1"}),
        "merged_temperature": Run(CORPORA, CORPORA, schedule={"@misc": "spacy-medmtl.temperature.v1", "alpha": 0.5}),
    },
}
CORPUS, SPLIT_CORPUS = Path("corpus/ner"), Path("corpus/bc5cdr_split")
THRESHOLDS = (0.5, 0.3)  # also scored, beside the default
NGRAMS = [1, 2, 3, 4, 5, 6, 7, 8]  # 98 % of GENIA's entities


def listener(route: str, pooling: str) -> dict[str, Any]:
    return {"@architectures": "spacy-medmtl.RouteListener.v1", "route": route, "pooling": pooling}


def components(run: Run) -> dict[str, Any]:
    """The heads of a run. spancat and span_finder have spaCy's default models on our listener."""
    if run.kind == SRU:
        model = {"@architectures": "spacy-medmtl.SruNestedNer.v1", "tok2vec": listener("ner", "max"), **run.model}
        return {SRU: {"factory": SRU, "model": model, "set_ents": False, **run.pipe}}
    spancat: dict[str, Any] = {
        "factory": SPANCAT,
        "spans_key": ENTITIES,
        "threshold": 0.5,
        "model": {"@architectures": "spacy.SpanCategorizer.v1", "tok2vec": listener("ner", "mean")},
        "suggester": {"@misc": "spacy.ngram_suggester.v1", "sizes": NGRAMS},
    }
    spancat["model"]["reducer"] = {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128}
    spancat["model"]["scorer"] = {"@layers": "spacy.LinearLogistic.v1"}
    if run.kind == SPANCAT:
        return {SPANCAT: spancat}
    finder: dict[str, Any] = {"factory": FINDER, "spans_key": ENTITIES}  # spancat replaces what it finds
    scorer = {"@layers": "spacy.LinearLogistic.v1", "nO": 2}
    finder["model"] = {"@architectures": "spacy.SpanFinder.v1", "tok2vec": listener("ner", "mean"), "scorer": scorer}
    spancat["suggester"] = {"@misc": "spacy.preset_spans_suggester.v1", "spans_key": ENTITIES}
    return {FINDER: finder, SPANCAT: spancat}


def entries(folder: Path, names: Sequence[str], tasks: list[str] | None, apart: bool, limit: int = 0) -> dict[str, Any]:
    """Corpora of a reader."""
    found = {name: {"path": str(folder / f"{name}.spacy"), "tasks": tasks, "limit": limit} for name in names}
    for name, entry in found.items():
        if apart:
            entry["type_prefix"] = name
    return found


def folder_of(experiment: str) -> Path:
    """Where its corpora lie."""
    return SPLIT_CORPUS if experiment == "split" else CORPUS


def run_config(run: Run, corpus: Path, steps: int, tokens: int, seed: int, rate: float) -> Config:
    """The training config of a run: en_public.cfg with one task and no selection on dev."""
    config = spacy.util.load_config("configs/en_public.cfg", interpolate=False)
    heads = components(run)
    encoder = config["components"]["encoder"]
    encoder["model"].update(routes=["ner"], sharing={"@misc": "spacy-medmtl.shared_rule.v1"})
    kept = {"medmtl_sentences": config["components"]["medmtl_sentences"], "encoder": encoder}
    config["components"] = {**kept, **heads}
    config["nlp"]["pipeline"] = [*kept, *heads]
    config["corpora"]["train"]["corpora"] = entries(corpus / "train", run.train, list(heads), run.apart)
    config["corpora"]["dev"]["corpora"] = entries(corpus / "dev", run.test[:1], None, False, 1)
    config["system"]["seed"] = seed
    config["training"].update(max_steps=steps, eval_frequency=steps, score_weights={})
    config["training"]["batcher"]["size"] = tokens
    if run.schedule:
        config["training"]["batcher"]["schedule"] = run.schedule
    config["training"]["annotating_components"] = [FINDER] if run.kind == FINDER else []
    config["training"]["logger"]["progress_bar"] = False
    config["training"]["optimizer"]["learn_rate"].update(warmup_steps=steps // 10, total_steps=steps, initial_rate=rate)
    return config


def measure(
    experiment: str, name: str, steps: int, tokens: int, seed: int, rate: float, test_docs: int
) -> dict[str, Any]:
    """Train and score one run. Training is counted in CPU seconds: one thread on a machine that may be busy."""
    run, corpus = EXPERIMENTS[experiment][name], folder_of(experiment)
    start = time.process_time()
    nlp = init_nlp(run_config(run, corpus, steps, tokens, seed, rate))
    nlp, _ = train(nlp, None)
    trained = time.process_time()
    found: dict[str, Any] = {"run": name, "steps": steps, "tokens": tokens, "seed": seed, "rate": rate, "corpora": {}}
    words = seconds = 0.0
    for part in run.test:
        corpora = entries(corpus / "test", [part], None, run.apart, test_docs)
        read = multitask_corpus(corpora, gold_sents=True)
        examples = list(read(nlp))
        begun = time.process_time()
        annotate(nlp, examples)
        seconds += time.process_time() - begun
        words += sum(len(example.predicted) for example in examples)
        scores = scores_of(examples)
        found["corpora"][part] = {
            key: scores.get(f"ner_{key}") for key in ("f", "p", "r", "nested_f", "merged_f", "f_per_type")
        }
        found["corpora"][part].update({f"inside_gold_{key}": value for key, value in inside_gold(examples).items()})
        if SRU in nlp.pipe_names:
            found["corpora"][part].update(scores_by_threshold(nlp, read))
    found.update(
        training_seconds=trained - start,
        words_per_second=words / seconds,
        peak_gigabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        machine=f"{platform.machine()}, {torch.get_num_threads()} thread(s), torch {torch.__version__}",
    )
    return found


def annotate(nlp: Language, examples: list[Example]) -> None:
    predicted = list(nlp.pipe((example.predicted for example in examples), batch_size=32))
    for example, doc in zip(examples, predicted):
        example.predicted = doc


def scores_of(examples: list[Example]) -> dict[str, Any]:
    return score_entities(examples, component="ner", spans_key=ENTITIES)


def inside_gold(examples: list[Example]) -> dict[str, float | None]:
    """P, R, F of entities inside a *gold* one, whether or not the one around it was found; None where gold has none.
    ``nested_f`` asks that what is found stands inside another that was found."""
    score = PRFScore()
    for example in examples:
        judged = judged_by(example.reference, ENTITIES)
        gold, found = compared(example, lambda doc: span_items(doc, ENTITIES), judged) or (set(), set())
        places = {place for _, place in gold}
        inner, found_inner = ({item for item in items if lies_inside(item[1], places)} for items in (gold, found))
        score.score_set(found_inner, inner)
    known = score.tp + score.fn > 0
    return {"p": score.precision, "r": score.recall, "f": score.fscore} if known else dict.fromkeys("prf")


def lies_inside(place: tuple[int, int], places: set[tuple[int, int]]) -> bool:
    """Whether one of the places is around the given one, and longer."""
    return any(start <= place[0] and place[1] <= end and (start, end) != place for start, end in places)


def scores_by_threshold(nlp: Language, read: Reader) -> dict[str, dict[str, float | None]]:
    """At other thresholds than the default, which stands again afterwards."""
    head: Any = nlp.get_pipe(SRU)
    usual, found = head.threshold, {}
    for threshold in THRESHOLDS:
        head.threshold = threshold
        examples = list(read(nlp))
        annotate(nlp, examples)
        scores = scores_of(examples)
        found[f"at {threshold:g}"] = {key: scores[f"ner_{key}"] for key in ("f", "nested_f")}
        found[f"at {threshold:g}"]["inside_gold_f"] = inside_gold(examples)["f"]
    head.threshold = usual
    return found


def summary(results: list[dict[str, Any]]) -> list[str]:
    """A table: a row per run and test corpus."""
    rows = []
    for one in results:
        for name, scores in one["corpora"].items():
            per_type = ", ".join(
                f"{label} {100 * part['f']:.1f}" for label, part in (scores["f_per_type"] or {}).items()
            )
            values = [
                f"{100 * scores[key]:.1f}" if scores[key] is not None else ""
                for key in ("f", "nested_f", "inside_gold_f", "merged_f")
            ]
            speed = [f"{one['training_seconds']:.0f}", f"{one['words_per_second']:.0f}", f"{one['peak_gigabytes']:.1f}"]
            settings = [str(one["steps"]), str(one["tokens"]), str(one["seed"]), f"{one['rate']:g}"]
            rows.append([one["run"], *settings, name, *values, per_type, *speed])
    head = [
        "run",
        "steps",
        "tokens",
        "seed",
        "rate",
        "test part",
        "F1",
        "nested F1",
        "F1 inside gold",
        "merged F1",
        "per type",
        "training CPU s",
        "words/s",
        "GB",
    ]
    return table(head, rows)


def main(
    experiment: Annotated[str, typer.Argument(help=f"One of: {', '.join(EXPERIMENTS)}.")],
    runs: Annotated[list[str] | None, typer.Argument(help="Some of its runs; all if left out.")] = None,
    steps: Annotated[int, typer.Option(help="Training steps for each corpus of a run.")] = 200,
    tokens: Annotated[int, typer.Option(help="Tokens of a training batch.")] = 640,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and dropout.")] = 0,
    rate: Annotated[float, typer.Option(help="Learning rate of the encoder.")] = 2e-4,
    test_docs: Annotated[int, typer.Option(help="Docs of each test part that are scored; 0 for all.")] = 100,
    output: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("metrics/ner"),
    here: Annotated[bool, typer.Option(hidden=True, help="Run in this process.")] = False,
) -> None:
    """Run an experiment, then print the table of all its results that are there."""
    if experiment not in EXPERIMENTS or set(runs or ()) - set(EXPERIMENTS[experiment]):
        expected = {name: list(parts) for name, parts in EXPERIMENTS.items()}
        raise typer.BadParameter(f"received {experiment} {runs or ''}, expected an experiment and its runs: {expected}")
    folder = output / experiment
    folder.mkdir(parents=True, exist_ok=True)
    for run in runs or EXPERIMENTS[experiment]:
        path = folder / f"{run}-{steps}-{tokens}-{rate:g}-{seed}.json"
        if here:
            n_corpora = len(EXPERIMENTS[experiment][run].train)
            srsly.write_json(path, measure(experiment, run, steps * n_corpora, tokens, seed, rate, test_docs))
        elif not path.exists():
            options = {"steps": steps, "tokens": tokens, "seed": seed, "rate": rate, "test-docs": test_docs}
            settings = [part for name, value in options.items() for part in (f"--{name}", str(value))]
            command = [sys.executable, __file__, experiment, run, *settings, "--output", str(output), "--here"]
            subprocess.run(command, check=True)
    if not here:
        results: list[dict[str, Any]] = [srsly.read_json(path) for path in sorted(folder.glob("*.json"))]  # type: ignore[misc]
        lines = summary(results)
        (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf8")
        typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
