"""Status of given findings: ``cpncf_assertion`` against negspacy, medspaCy ConText and a floor, in one process.

They are scored on NegEx's sentences as ``medmtl prepare`` converts them, and on the traps of the test suite. A tool
gets the text and the spans, and parts sentences its own way: our pipelines as they were trained, negspacy with spaCy's
sentencizer, medspaCy with its tokenizer and PyRuSH. The floor calls everything positive.

    medmtl prepare public ../shared/corpora corpus/public
    python benchmarks/compare_assertion.py --model training/public/model-best
    python benchmarks/compare_assertion.py --model A --model B

The peers are no dependencies of this package; one that is not installed is left out. negspacy installs as usual. The
newest medspaCy (1.3.1) and its PyRuSH (1.0.13) ask for spaCy below 3.8 where Python is below 3.12. They run with 3.8
there too, but have to be installed without their dependencies:

    python3.11 -m venv /opt/peers
    /opt/peers/bin/pip install -c constraints.txt -e ".[transformer]" negspacy
    /opt/peers/bin/pip install pysbd==0.3.4 jsonschema unidecode nltk six pysimstring medspacy_unqlite
    /opt/peers/bin/pip install "PyFastNER>=1.0.8" "quicksectx>=0.3.5" loguru setuptools
    /opt/peers/bin/pip install --no-deps medspacy==1.3.1 medspacy_quickumls==3.2 PyRuSH==1.0.13
    /opt/peers/bin/python benchmarks/compare_assertion.py --model training/public/model-best

From Python 3.12 on, both ask for spaCy 3.8 themselves, so that ``pip install negspacy medspacy`` should do (not tried).

The gold says of "no family history of X" that X is somebody else's, not that it is negated, as ``GUIDE.md`` has it: a
tool that calls it negated is wrong there.
"""

import platform
from collections.abc import Sequence
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
    Tool,
    floor,
    load_ours,
    medspacy,
    negspacy,
    ours,
    versions,
)
from spacy.tokens import DocBin
from status_gold import decision, trap_cases

from spacy_medmtl.annotations.extensions import MODIFIERS
from spacy_medmtl.annotations.groups import FINDINGS, group_values
from spacy_medmtl.training.report import table

# --- gold


def negex_cases(paths: Sequence[Path]) -> list[Case]:
    """Converted sentences; modifiers that the corpus did not judge are left out of the gold."""
    found = []
    vocab = spacy.blank("en").vocab
    for path in paths:
        for doc in DocBin().from_disk(path).get_docs(vocab):
            group = doc.spans[FINDINGS]
            statuses = group_values(doc, FINDINGS, "assertion")
            held = group_values(doc, FINDINGS, "assertion_modifiers") or [[]] * len(group)
            judged = group.attrs.get("annotated_modifiers", ["historical", "family"])
            gold = [decision(status, names, judged) for status, names in zip(statuses, held)]
            found.append(Case(doc.text, [(span.start_char, span.end_char) for span in group], gold, []))
    return found


# --- scores


def rates(pairs: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """Of (gold, decided): precision, recall, F1, accuracy, and how many there are."""
    right = sum(gold and decided for gold, decided in pairs)
    n_gold, n_decided = sum(gold for gold, _ in pairs), sum(decided for _, decided in pairs)
    return {
        "p": right / n_decided if n_decided else 0.0,
        "r": right / n_gold if n_gold else 0.0,
        "f": 2 * right / (n_gold + n_decided) if n_gold + n_decided else 0.0,
        "accuracy": sum(gold == decided for gold, decided in pairs) / max(len(pairs), 1),
        "right": sum(gold == decided for gold, decided in pairs),
        "n": len(pairs),
        "n_gold": n_gold,
    }


def score(cases: Sequence[Case], decisions: Sequence[Sequence[Decision]]) -> dict[str, Any]:
    """Rates of each attribute that the gold knows; None of those that a tool never decides."""
    scores: dict[str, Any] = {}
    decided = {name for found in decisions for one in found for name in one}
    for name in (NEGATED, *MODIFIERS):
        pairs = [
            (gold[name], one.get(name, False))
            for case, found in zip(cases, decisions)
            for gold, one in zip(case.gold, found)
            if name in gold
        ]
        scores[name] = rates(pairs) if name in decided and pairs else None
    phenomena: dict[str, list[tuple[bool, bool]]] = {}
    for case, found in zip(cases, decisions):
        for phenomenon, gold, one in zip(case.phenomena, case.gold, found):
            phenomena.setdefault(phenomenon, []).append((gold[NEGATED], one.get(NEGATED, False)))
    scores["phenomena"] = {name: rates(pairs) for name, pairs in phenomena.items()}
    return scores


def mistakes(cases: Sequence[Case], decisions: Sequence[Sequence[Decision]]) -> list[dict[str, Any]]:
    """What was decided wrongly, for a look."""
    found = []
    for case, decided in zip(cases, decisions):
        for (start, end), gold, one in zip(case.spans, case.gold, decided):
            wrong = sorted(name for name, holds in gold.items() if name in one and one[name] != holds)
            if wrong:
                held = sorted(name for name in one if one[name])
                found.append({"text": case.text, "span": case.text[start:end], "wrong": wrong, "decided": held})
    return found


# --- report


def percent(scores: dict[str, Any] | None, key: str) -> str:
    return "-" if scores is None or not scores["n"] else f"{100 * scores[key]:.1f}"


def report(results: dict[str, Any]) -> list[str]:
    """Markdown tables, in percent."""
    names = list(results["negex"]["tools"])
    lines = ["# Status of given findings", "", f"{results['machine']}; {results['versions']}", ""]
    for part, key in (("NegEx", "negex"), ("Traps", "traps")):
        found = results[key]
        lines += [f"## {part}: {found['n']} spans, {found['n_negated']} of them negated", ""]
        shown = [name for name in MODIFIERS if found["n_modifiers"][name]]
        header = ["tool", "negated P", "R", "F1", *(f"{name} F1 ({found['n_modifiers'][name]})" for name in shown)]
        if key == "traps":
            header += ["accuracy: negated", *shown]
        rows = []
        for name in names:
            scores = found["tools"][name]
            row = [name, *(percent(scores[NEGATED], of) for of in "prf"), *(percent(scores[one], "f") for one in shown)]
            if key == "traps":
                row += [percent(scores[one], "accuracy") for one in (NEGATED, *shown)]
            rows.append(row)
        lines += [*table(header, rows), ""]
    lines += ["## Traps: the decision 'negated' by phenomenon", ""]
    phenomena = results["traps"]["tools"][names[0]]["phenomena"]
    rows = []
    for phenomenon, counts in phenomena.items():
        right = [results["traps"]["tools"][name]["phenomena"][phenomenon] for name in names]
        rows.append([phenomenon, f"{counts['n_gold']}/{counts['n']}", *(percent(one, "accuracy") for one in right)])
    total = results["traps"]
    accuracy = [percent(total["tools"][name][NEGATED], "accuracy") for name in names]
    rows.append(["all", f"{total['n_negated']}/{total['n']}", *accuracy])
    lines += table(["phenomenon", "negated", *names], rows)
    return lines


def main(
    model: Annotated[list[Path] | None, typer.Option(help="A pipeline of ours; may be repeated.")] = None,
    negex: Annotated[list[Path] | None, typer.Option(help="Converted NegEx sentences; may be repeated.")] = None,
    traps: Annotated[Path, typer.Option(help="The list of traps.")] = Path("tests/cpncf_assertion/traps.py"),
    threads: Annotated[int, typer.Option(help="Threads of torch.")] = 1,
    output: Annotated[Path, typer.Option(help="Where figures, tables and mistakes go.")] = Path("metrics/assertion"),
) -> None:
    """Score, and write JSON and Markdown."""
    torch.set_num_threads(threads)
    negex = negex or [Path("corpus/public/test/negex.spacy")]
    read = {"negex": negex_cases(negex), "traps": trap_cases(traps)}
    pipelines = {f"{OURS} {path}" if len(model or ()) > 1 else OURS: load_ours(path) for path in model or ()}

    tools: dict[str, Tool] = {FLOOR: floor()}
    for name, start in ((NEGSPACY, negspacy), (MEDSPACY, medspacy)):
        try:
            tools[name] = start()
        except ImportError as error:
            typer.echo(f"{name} is left out: {error}")
    tools.update({name: ours(nlp) for name, nlp in pipelines.items()})

    results: dict[str, Any] = {
        "machine": f"{platform.machine()}, {threads} thread(s)",
        "versions": versions(),
        "models": [str(path) for path in model or ()],
        "negex_files": [str(path) for path in negex],
    }
    wrong: dict[str, Any] = {}
    for key, cases in read.items():
        gold = [one for case in cases for one in case.gold]
        results[key] = {
            "n": len(gold),
            "n_negated": sum(one[NEGATED] for one in gold),
            "n_modifiers": {name: sum(one.get(name, False) for one in gold) for name in MODIFIERS},
            "tools": {},
        }
        for name, tool in tools.items():
            decisions = tool(cases)
            results[key]["tools"][name] = score(cases, decisions)
            wrong.setdefault(name, {})[key] = mistakes(cases, decisions)

    lines = report(results)
    output.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output / "comparison.json", results)
    srsly.write_json(output / "mistakes.json", wrong)
    (output / "comparison.md").write_text("\n".join([*lines, ""]), encoding="utf8")
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
