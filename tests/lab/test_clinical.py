"""Eight tasks on one encoder: the cells of ``clinical``, ``costs`` and ``limited``, whole runs, and a ninth task."""

import json
import re
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
from eight_tasks import EIGHT
from spacy.tokens import Doc, DocBin
from spacy.util import load_config
from thinc.api import Config
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.lab.cells import Budget, Cell, cell_config, change, with_seeds
from spacy_medmtl.lab.checks import build
from spacy_medmtl.lab.experiments import EXPERIMENTS
from spacy_medmtl.lab.limiting import limited_cells, share_of
from spacy_medmtl.training.corpus import multitask_corpus

BUDGET = Budget(steps=2, seeds=(0,), train_docs=0, dev_docs=0, test_docs=0)
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "papers" / "mt_clinical_bert.md"


def cells_of(base: Config, name: str) -> dict[str, Cell]:
    return {cell.name: cell for cell in EXPERIMENTS[name].cells(base, BUDGET.steps)}


@pytest.fixture
def lab(tmp_path: Path, clinical_path: Path) -> Callable[..., list[dict]]:
    """``medmtl lab <experiment>`` with two steps a task; the results of all cells."""

    def run(experiment: str, *arguments: Any) -> list[dict]:
        start = ["lab", experiment, "--config", clinical_path, "--output", tmp_path / "out", "--steps", 2, "--seeds", 1]
        result = CliRunner().invoke(app, [str(argument) for argument in (*start, *arguments)])
        assert result.exit_code == 0, result.output
        return [json.loads(path.read_text()) for path in sorted((tmp_path / "out" / "cells").glob("*.json"))]

    return run


def test_every_task_alone_together_and_with_what_the_paper_proposes(clinical_base: Config):
    cells = cells_of(clinical_base, "clinical")
    rows = list(dict.fromkeys(cell.title for cell in cells.values()))
    assert rows == [
        "a model for each task",
        "round_robin",
        "loss_sum",
        "progressive",
        "fine-tuned",
        "with masked words",
        "ddi2013 on found entities",
    ]
    assert len(cells) == 8 + 2 + 1 + 8 + 1 + 1
    assert {cell.steps for cell in cells.values()} == {2, 16}
    assert cells["loss_sum"].steps == 2, "a step of the sum is a round"
    for cell in cells.values():
        if not cell.after:
            config = cell_config(clinical_base, cell, BUDGET)
            assert build(config, cell.name).pipe_names == config["nlp"]["pipeline"]


def test_relations_are_learnt_from_gold_and_found_on_entities_that_are_found(clinical_base: Config):
    """The pairs of the Docs to annotate are made of what the component before them writes, not of the gold."""
    changed = cell_config(clinical_base, cells_of(clinical_base, "clinical")["found_entities_ddi2013"], BUDGET)
    for config, n_given in ((cell_config(clinical_base, Cell("", {}, 1), BUDGET), 5), (changed, 0)):
        nlp = build(config, "")
        reader = multitask_corpus({"ddi2013": config.interpolate()["corpora"]["test"]["corpora"]["ddi2013"]})
        example = next(iter(reader(nlp)))
        assert len(example.predicted.spans.get("medmtl_ner", ())) == n_given
        assert len(example.reference.spans["ddi2013"]) > 0
    assert changed["nlp"]["pipeline"][-2:] == ["ddi2013_entities", "ddi2013"]


def test_clinical_runs(lab: Callable[..., list[dict]], tmp_path: Path):
    """The cells that differ in kind. Each task is scored by its metric, a single one only by its own."""
    only = ("single_biosses", "fine-tuned_genia", "masked_words", "found_entities_ddi2013")
    found = {one["cell"]: one for one in lab("clinical", *(part for name in only for part in ("--only", name)))}
    assert set(found) == {*only, "round_robin"}, "and what is fine-tuned"
    assert set(found["single_biosses"]["scores"]["test"]) == {"biosses"}
    assert set(found["masked_words"]["scores"]["test"]) == set(EIGHT)
    assert set(found["found_entities_ddi2013"]["scores"]["test"]) == {*EIGHT, "ddi2013_entities"}
    scores = found["round_robin"]["scores"]["test"]
    for task, metric in (("biosses", "pearson"), ("mqp", "acc"), ("rqe", "acc"), ("genia", "f")):
        own = scores[task]["corpora"][task]
        assert own["score"] == own["scores"].get(f"{task}_{metric}", 0.0)
    assert found["masked_words"]["parameters"]["masked_words"] > 0
    header = [name.strip() for name in (tmp_path / "out" / "table.md").read_text().splitlines()[0].split("|")]
    assert header[header.index("piboso") :][: len(EIGHT)] == list(EIGHT)


@pytest.mark.slow
def test_costs(lab: Callable[..., list[dict]], tmp_path: Path):
    """Eight encoders are eight times the encoder of one; a table of numbers, and of how many times the first."""
    found = {one["cell"]: one for one in lab("costs")}
    encoders = {
        name: sum(n for part, n in one["parameters"].items() if part.endswith("encoder")) for name, one in found.items()
    }
    assert encoders["vanilla"] == 8 * encoders["shared"] > encoders["progressive"] > encoders["shared"]
    more = found["vanilla"]["costs"]["disk_megabytes"] - found["shared"]["costs"]["disk_megabytes"]
    assert more * 1e6 > 7 * 4 * encoders["shared"], "seven more encoders of four bytes a number"
    assert all(one["costs"]["words_per_second"] > 0 for one in found.values())
    assert all(one["costs"]["memory_gigabytes"] > 0 for one in found.values())
    rows = json.loads((tmp_path / "out" / "table.json").read_text())
    assert [row[""] for row in rows] == ["an encoder for each task", "shared", "progressive"]
    assert rows[0]["times (MB on disk)"]["mean"] == 1.0
    assert not (tmp_path / "out" / "table_dev.md").exists()


def test_shares_are_nested_and_of_one_task(clinical_base: Config, tmp_path: Path):
    nlp = spacy.blank("en")
    docs = [Doc(nlp.vocab, words=[str(number)]) for number in range(40)]
    parts = [{doc.text for doc in share_of(docs, share, seed=1)} for share in (0.01, 0.1, 0.5)]
    assert [len(part) for part in parts] == [1, 4, 20]
    assert parts[0] < parts[1] < parts[2]
    cells = with_seeds(EXPERIMENTS["limited"].cells(clinical_base, 2), (0, 1))
    assert len(cells) == 2 * 5 * 2
    by_name = {(cell.name, cell.seed): cell for cell in limited_cells(clinical_base, cells, BUDGET, tmp_path)}
    config = cell_config(clinical_base, by_name["25_beside", 1], BUDGET).interpolate()
    changed = config["corpora"]["train"]["corpora"].pop("ddi2013")["path"]
    assert len(DocBin().from_disk(changed)) == 1, "a quarter of four"
    assert changed != by_name["25_beside", 0].changes["corpora.train.corpora.ddi2013.path"]
    others = clinical_base.interpolate()["corpora"]["train"]["corpora"]
    assert all(one["path"] == others[name]["path"] for name, one in config["corpora"]["train"]["corpora"].items())
    whole = by_name["100_alone", 0]
    assert "corpora.train.corpora.ddi2013.path" not in whole.changes
    assert (whole.steps, by_name["100_beside", 0].steps) == (2, 16)
    (half,) = limited_cells(clinical_base, [by_name["50_alone", 0]], replace(BUDGET, train_docs=2), tmp_path)
    cut = half.changes["corpora.train.corpora.ddi2013.path"]
    assert len(DocBin().from_disk(cut)) == 1, "half of the two that the budget reads"


def test_limited_runs(lab: Callable[..., list[dict]]):
    found = {one["cell"]: one for one in lab("limited", "--only", "50_alone", "--only", "50_beside")}
    assert set(found["50_alone"]["scores"]["test"]) == {"ddi2013"}
    assert set(found["50_beside"]["scores"]["test"]) == set(EIGHT)


def read(value: str) -> Any:
    """A value of a config; paths with variables are no JSON."""
    return value if value.startswith("$") else json.loads(value)


def test_a_ninth_task_in_french_is_a_block():
    """The block on the page of the paper, and nothing else, adds QUAERO to the committed config."""
    (text,) = re.findall(r"```ini\n(.*?)```", PAGE.read_text(encoding="utf8"), flags=re.DOTALL)
    block = ConfigParser(interpolation=None)
    block.read_string(text)
    nine = load_config(ROOT / "configs" / "lab" / "clinical8.cfg", interpolate=False)
    change(nine, {f"{name}.{key}": read(value) for name in block.sections() for key, value in block[name].items()})
    nlp = build(cell_config(nine, Cell("", {}, 1), BUDGET), "nine")
    assert nlp.pipe_names[2:] == [*EIGHT, "quaero"]
    assert list(nine["corpora"]["train"]["corpora"]) == [*EIGHT, "quaero"]
