"""What the grammar of status brings: ``cpncf_assertion`` trained with and without its Docs, and without parts of it.

All runs have the same encoder, number of steps, batch size and settings; nothing is selected. Each leaves a JSON, so
the ablation can be interrupted and resumed. All are scored on given spans: of the sample corpus's dev part, of the
traps and the texts of another hand (``blind.txt``), of NegEx and E3C (neither is trained on), and of the sentences of
``status_*`` in a folder of cases, of which only how many are wrong is told. On the dev part findings are also searched
for.

    medmtl fetch-encoder assets/encoder/minilm
    medmtl prepare sample assets/sample corpus/sample
    medmtl prepare findings ../shared/corpora corpus/findings
    python benchmarks/ablate_status.py metrics/status --seed 0 --seed 1 --steps 300
    python benchmarks/ablate_status.py metrics/status --table      # of the runs that are there

``compare_assertion.py`` says how to install the peers; one that is not installed is left out.
"""

import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import torch
import typer
from assertion_tools import (
    FLOOR,
    MEDSPACY,
    NEGATED,
    NEGSPACY,
    OURS,
    Case,
    Decision,
    floor,
    load_ours,
    medspacy,
    negspacy,
    versions,
)
from compare_assertion import rates
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from status_gold import Judged, corpus_cases, decision, status_cases, trap_cases
from thinc.api import Config
from train_assertion import NAME

from spacy_medmtl.annotations.groups import FINDINGS, GIVEN
from spacy_medmtl.cpncf_assertion.grammar.reading import shipped_grammar
from spacy_medmtl.training.corpus import multitask_corpus
from spacy_medmtl.training.report import table

NOTHING, WHOLE = "without the grammar", "with the grammar"
# what is left out -> phenomena of the grammar
PARTS = {
    "scope": ("scope", "contrast", "the comma ends it", "sentence borders", "mixed"),
    "lists": ("list with one cue", "listing", "bullets"),
    "forms": (
        "form: boxes before",
        "form: boxes behind",
        "form: boxes for yes and no",
        "form: yes and no in a row",
        "form: yes and no in columns",
        "form: asked and answered",
        "form: signs before",
        "form: signs behind",
        "form: positive and negative",
        "shorthand",
    ),
    "negation that is none": ("pseudo-negation", "double negation", "words that negate nothing"),
    "doubt": (
        "uncertain",
        "doubt beside certainty",
        "ordered",
        "hypothetical: conditions",
        "hypothetical: risk, prevention, as needed",
        "not recorded",
    ),
    "people": ("subject", "family", "reporters and strangers"),
    "time": (
        "history: by name",
        "history: past events",
        "resolved",
        "durations and returns",
        "first one thing, then the other",
    ),
    "dialogue": ("question and short answer", "question and answer", "heading"),
    "criteria": ("eligibility: who takes part", "eligibility: who does not"),
}
UNCERTAIN = ("uncertain", "hypothetical", "family")  # what makes a status unknown, for tools that tell no status


# --- training


def config_of(
    corpus: Path, share: float, grammar: Path | None, *, steps: int, seed: int, tokens: int, view: str
) -> Config:
    """en_medmtl.cfg with one head, on hard sharing (there is one task)."""
    config = spacy.util.load_config("configs/en_medmtl.cfg", interpolate=False)
    parts = config["components"]
    parts["encoder"]["model"].update(routes=[NAME], sharing={"@misc": "spacy-medmtl.shared_rule.v1"})
    parts[NAME]["model"]["tok2vec"]["view"] = view
    config["components"] = {name: parts[name] for name in ("medmtl_sentences", "encoder", NAME)}
    config["nlp"]["pipeline"] = list(config["components"])
    config["corpora"]["train"]["corpora"] = {"sample": {"path": str(corpus), "tasks": [NAME]}}
    augmenter: dict[str, Any] = {"@augmenters": "spacy-medmtl.StatusAugmenter.v1", "share": share}
    augmenter["grammar"] = str(grammar) if grammar else None
    config["corpora"]["train"]["augmenter"] = augmenter if share else None
    config["corpora"]["dev"]["corpora"] = {"sample": {"path": str(corpus), "tasks": [NAME], "limit": 1}}
    config["system"]["seed"] = seed
    config["training"].update(max_steps=steps, eval_frequency=steps, score_weights={})
    config["training"]["batcher"]["size"] = tokens
    config["training"]["logger"]["progress_bar"] = False
    config["training"]["optimizer"]["learn_rate"].update(warmup_steps=steps // 10, total_steps=steps)
    return config


def with_findings(path: Path, output: Path) -> Path:
    """The Docs of a corpus that have gold findings, without the pairs of the sample corpus."""
    docs = DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)
    DocBin(docs=[doc for doc in docs if FINDINGS in doc.spans]).to_disk(output)
    return output


def without_part(phenomena: Sequence[str], output: Path) -> Path:
    """The English grammar without some phenomena."""
    kept, is_kept = [], True
    for line in shipped_grammar("en").read_text("utf8").splitlines():
        if line[:2] in ("# ", "@ "):
            is_kept = line[:2] == "@ " or line[2:] not in phenomena
        if is_kept:
            kept.append(line)
    output.write_text("\n".join(kept), "utf8")
    return output


def trained(variant: str, path: Path, share: float, **settings: Any) -> Language:
    """settings: see ``config_of``."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = with_findings(path, Path(folder) / "sample.spacy")
        left_out = PARTS.get(variant.removeprefix("without: "), ())
        grammar = without_part(left_out, Path(folder) / "grammar.txt") if left_out else None
        chosen = 0.0 if variant == NOTHING else share
        nlp, _ = train(init_nlp(config_of(corpus, chosen, grammar, **settings)), None)
        return nlp


# --- scores

Statuses = list[list[tuple[str, Decision]]]  # per case and span: status and what else holds


def ours(nlp: Language, cases: Sequence[Case]) -> Statuses:
    """The status of each given span."""
    head: Any = nlp.get_pipe(NAME)
    head.mode = "assert"
    return [_judged(doc) for doc in nlp.pipe(_given(nlp, case) for case in cases)]


def _given(nlp: Language, case: Case) -> Doc:
    doc = nlp.make_doc(case.text)
    doc.spans[GIVEN] = [doc.char_span(*bounds, label="GIVEN", alignment_mode="expand") for bounds in case.spans]
    return doc


def _judged(doc: Doc) -> list[tuple[str, Decision]]:
    group = doc.spans[FINDINGS]
    values = zip(group, group.attrs["assertion"], group.attrs["assertion_modifiers"], group.attrs["assertion_scores"])
    found = {
        (span.start, span.end): (status, decision(status, held, list(scores))) for span, status, held, scores in values
    }
    return [found[(span.start, span.end)] for span in doc.spans[GIVEN]]


def peers(tool: Callable[[Sequence[Case]], list[list[Decision]]], cases: Sequence[Case]) -> Statuses:
    return [[(_status(one), one) for one in found] for found in tool(cases)]


def _status(found: Decision) -> str:
    if any(found.get(name) for name in UNCERTAIN):
        return "unknown"
    return "negative" if found.get(NEGATED) else "positive"


def score(cases: Sequence[Judged], found: Statuses) -> dict[str, Any]:
    """Accuracy of the status, in all and by phenomenon; F1 and accuracy of "negated", F1 of the modifiers."""
    pairs = [
        (case.phenomena[i] if case.phenomena else "", case.statuses[i], case.gold[i], *found[n][i])
        for n, case in enumerate(cases)
        for i in range(len(case.spans))
    ]
    right: dict[str, list[bool]] = {}
    for phenomenon, statuses, _, status, _ in pairs:
        right.setdefault(phenomenon, []).append(status in statuses)
    every = [one for found in right.values() for one in found]
    names = sorted({name for _, _, gold, _, _ in pairs for name in gold})
    by_name = {
        name: rates([(gold[name], one.get(name, False)) for _, _, gold, _, one in pairs if name in gold])
        for name in names
    }
    return {
        "n": len(every),
        "wrong": len(every) - sum(every),
        "accuracy": sum(every) / max(1, len(every)),
        "phenomena": {name: [sum(one), len(one)] for name, one in right.items() if name},
        "by_name": by_name,
    }


def dev_scores(nlp: Language, path: Path) -> dict[str, float]:
    """Findings searched for: strict F1 with status, F1 of spans."""
    head: Any = nlp.get_pipe(NAME)
    head.mode = "both"
    examples = list(multitask_corpus({"dev": {"path": str(path), "tasks": [NAME]}})(nlp))
    scores = nlp.evaluate([example for example in examples if FINDINGS in example.reference.spans])
    return {"found": scores[f"{NAME}_f"], "spans": scores[f"{NAME}_span_f"]}


# --- report


def percent(values: Sequence[float]) -> str:
    """Mean, and where there are several the lowest and highest."""
    mean = f"{100 * sum(values) / len(values):.1f}"
    return mean if len(values) < 2 else f"{mean} ({100 * min(values):.1f}-{100 * max(values):.1f})"


def f1(runs: Sequence[dict[str, Any]], key: str, name: str) -> str:
    """Of a modifier, or of "negated"."""
    return percent([run[key]["by_name"][name]["f"] for run in runs])


def blind_accuracy(run: dict[str, Any], is_hard: bool) -> float:
    """Of the status, on the ordinary or the hard texts of ``blind.txt``."""
    parts = [one for name, one in run["blind"]["phenomena"].items() if (name != "ordinary") == is_hard]
    return float(sum(right for right, _ in parts) / sum(n for _, n in parts))


def report(results: dict[str, list[dict[str, Any]]]) -> list[str]:
    """One line a variant, means over seeds; then the traps by phenomenon."""
    header = [
        "",
        "runs",
        "found, dev",
        "status, dev",
        "status, traps",
        "negated, traps",
        "status, blind: ordinary",
        "hard",
    ]
    header += ["NegEx negated F1", "NegEx historical F1", "E3C negated F1", "E3C uncertain F1", "wrong cases"]
    rows = []
    for name, runs in results.items():
        n_wrong = [run["cases"]["wrong"] for run in runs if "cases" in run]
        rows.append(
            [
                name,
                str(len(runs)),
                percent([run["search"]["found"] for run in runs]) if "search" in runs[0] else "-",
                *(percent([run[key]["accuracy"] for run in runs]) for key in ("dev", "traps")),
                percent([run["traps"]["by_name"][NEGATED]["accuracy"] for run in runs]),
                *(percent([blind_accuracy(run, is_hard) for run in runs]) for is_hard in (False, True)),
                *(f1(runs, "negex", one) for one in (NEGATED, "historical")),
                *(f1(runs, "e3c", one) for one in (NEGATED, "uncertain")),
                f"{sum(n_wrong) / len(n_wrong):.1f} of {runs[0]['cases']['n']}" if n_wrong else "-",
            ]
        )
    lines = [*table(header, rows), "", "Status on the traps, by phenomenon:", ""]
    shown = [name for name in results if not name.startswith("without: ")]
    phenomena = results[shown[0]][0]["traps"]["phenomena"]
    rows = [
        [one, str(n), *(percent([run["traps"]["phenomena"][one][0] / n for run in results[name]]) for name in shown)]
        for one, (_, n) in phenomena.items()
    ]
    return [*lines, *table(["phenomenon", "findings", *shown], rows)]


def main(
    output: Annotated[Path, typer.Argument(help="Folder for a JSON per run, and for the table.")],
    variant: Annotated[list[str] | None, typer.Option(help="Runs to make; all where left out. Repeatable.")] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Of weights, order, dropout, composed Docs. Repeatable.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 300,
    tokens: Annotated[int, typer.Option(help="Tokens of a batch.")] = 640,
    share: Annotated[float, typer.Option(help="Composed Docs for each real one.")] = 4.0,
    view: Annotated[str, typer.Option(help="How texts are read: context or document.")] = "document",
    sample: Annotated[Path, typer.Option(help="The sample corpus as medmtl prepare writes it.")] = Path(
        "corpus/sample"
    ),
    findings: Annotated[Path, typer.Option(help="Converted NegEx and E3C.")] = Path("corpus/findings"),
    traps: Annotated[Path, typer.Option(help="The folder with the traps.")] = Path("tests/cpncf_assertion"),
    cases: Annotated[Path, typer.Option(help="A folder with status_* cases.")] = Path("../shared/cases"),
    model: Annotated[list[Path] | None, typer.Option(help="Score this saved pipeline too; repeatable.")] = None,
    only_table: Annotated[bool, typer.Option("--table", help="Train nothing.")] = False,
) -> None:
    """Train the runs that are not there yet, then write the table."""
    torch.set_num_threads(1)
    output.mkdir(parents=True, exist_ok=True)
    parts = ("train", "dev", "test")
    gold = {
        "dev": corpus_cases([sample / "dev" / "sample.spacy"]),
        "traps": trap_cases(traps / "traps.py"),
        "blind": trap_cases(traps / "traps.py", "BLIND"),
        "negex": corpus_cases([findings / part / "negex.spacy" for part in parts]),
        "e3c": corpus_cases([findings / part / "e3c.spacy" for part in parts]),
        "cases": status_cases(cases),
    }
    gold = {name: found for name, found in gold.items() if found}
    variants = variant or [NOTHING, WHOLE, *(f"without: {part}" for part in PARTS)]
    for number in seed or [0]:
        for name in variants:
            path = output / f"{name.replace(' ', '_').replace(':', '')}-{number}.json"
            if path.exists() or only_table:
                continue
            start = time.perf_counter()
            settings = {"steps": steps, "seed": number, "tokens": tokens, "view": view}
            nlp = trained(name, sample / "train" / "sample.spacy", share, **settings)
            seconds = time.perf_counter() - start
            run: dict[str, Any] = {"variant": name, **settings, "share": share, "seconds": seconds}
            run["search"] = dev_scores(nlp, sample / "dev" / "sample.spacy")
            run.update({key: score(found, ours(nlp, found)) for key, found in gold.items()})
            srsly.write_json(path, run)
            typer.echo(
                f"{name}, seed {number}: {seconds:.0f} s, {time.perf_counter() - start - seconds:.0f} s to score"
            )
    results: dict[str, list[dict[str, Any]]] = {}
    for name, start_peer in ((FLOOR, floor), (NEGSPACY, negspacy), (MEDSPACY, medspacy)):
        try:
            tool = start_peer()
        except ImportError as error:
            typer.echo(f"{name} is left out: {error}")
            continue
        results[name] = [{key: score(found, peers(tool, found)) for key, found in gold.items()}]
    for saved in model or ():
        nlp = load_ours(saved)
        results[str(saved)] = [{key: score(found, ours(nlp, found)) for key, found in gold.items()}]
    runs: list[dict[str, Any]] = [srsly.read_json(path) for path in sorted(output.glob("*.json"))]  # type: ignore[misc]
    for name in (NOTHING, WHOLE, *(f"without: {part}" for part in PARTS)):
        if found := [run for run in runs if run["variant"] == name]:
            results[f"{OURS} {name}"] = found
    lines = [f"{platform.machine()}, 1 thread; {versions()}", "", *report(results)]
    (output / "table.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
