"""Whole experiments on the tiny encoder: resuming, cells that fail, bad input before anything starts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import DocBin
from toy import CASE, make_examples
from typer.testing import CliRunner, Result

from spacy_medmtl.annotations.groups import ANNOTATED_LABELS, ENTITIES
from spacy_medmtl.cli import app

TASKS = ["sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"]
QUICK = ("--steps", 1, "--seeds", 1)


@pytest.fixture
def lab(tmp_path: Path, base_path: Path) -> Callable[..., Result]:
    """``medmtl lab <experiment>`` into tmp_path/out."""

    def run(experiment: str, *arguments: Any, config: Path = base_path) -> Result:
        start = ["lab", experiment, "--config", config, "--output", tmp_path / "out", *QUICK]
        result = CliRunner().invoke(app, [str(argument) for argument in (*start, *arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def cells(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "out" / "cells").glob("*.json"))


def test_killed_between_cells_and_run_again(lab: Callable[..., Result], tmp_path: Path, base_path: Path):
    """Terminated after the first cell: its result stays, no worker goes on, and the next run does the rest only."""
    start = ["lab", "schedules", "--config", base_path, "--output", tmp_path / "out", *QUICK]
    command = [sys.executable, "-m", "spacy_medmtl.cli", *map(str, start)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        while process.poll() is None and not list((tmp_path / "out" / "cells").glob("loss_sum*.cfg")):
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
    (first,) = cells(tmp_path)
    assert first.name.startswith("round_robin")
    written = first.stat().st_mtime_ns
    result = lab("schedules")
    assert result.exit_code == 0, result.output
    assert len(cells(tmp_path)) == 2
    assert first.stat().st_mtime_ns == written
    found = json.loads(first.read_text())
    assert set(found["scores"]) == {"dev", "test"}
    assert set(found["scores"]["test"]) == set(TASKS)
    assert found["settings"]["steps"] == 4
    assert found["peak_gigabytes"] > 0.05
    assert found["seconds"]["train"] > 0
    table = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert [line.split("|")[1].strip() for line in table[2:4]] == ["round_robin", "loss_sum"]
    for name in ("table.csv", "table.json", "table_dev.md", "table_dev.csv"):
        assert (tmp_path / "out" / name).is_file()


def test_stages_and_a_cell_that_fails(lab: Callable[..., Result], tmp_path: Path):
    """Fine-tuning goes on from the refined encoder. What no check can foresee stops no other cell."""
    result = lab("stages", "--only", "fine-tuned_pair_relation")
    assert result.exit_code == 0, result.output
    tuned, refined = (json.loads(path.read_text()) for path in cells(tmp_path))
    assert (tuned["row"], refined["row"]) == ("fine-tuned", "refined")
    assert set(tuned["scores"]["test"]) == {"pair_relation"}
    assert tuned["settings"]["rate"] == pytest.approx(refined["settings"]["rate"] / 5)
    (pipeline,) = (tmp_path / "out" / "pipelines").iterdir()
    assert spacy.load(pipeline).pipe_names[1:] == ["encoder", *TASKS]
    (pipeline / "encoder" / "encoder.safetensors").write_bytes(b"damaged")
    result = lab("stages", "--only", "fine-tuned_sru_nested_ner", "--only", "single", "--jobs", 2)
    assert result.exit_code == 1
    assert "MEDMTL-E341" in result.output
    assert "fine-tuned_sru_nested_ner" in result.output.split("E341")[1]
    assert "MEDMTL-E018" in result.output, "and why"
    names = [path.name.split("-0-")[0] for path in cells(tmp_path)]
    assert names == ["fine-tuned_pair_relation", "refined", "single"]
    assert "| single |" in (tmp_path / "out" / "table.md").read_text()


def test_another_start_or_setting_is_another_line(lab: Callable[..., Result], tmp_path: Path):
    """Results of other settings in the same folder are told apart, those of other corpora replaced; none is averaged
    as if it were another seed."""
    only = ("--only", "progressive")
    for arguments in ((), ("--init", "zero"), ("--training.dropout", "0.2")):
        result = lab("systems", *only, *arguments)
        assert result.exit_code == 0, result.output
    header, _, *lines = (tmp_path / "out" / "table.md").read_text().split("\n\n")[0].splitlines()
    columns = [name.strip() for name in header.split("|")[1:-1]]
    rows = [dict(zip(columns, (one.strip() for one in line.split("|")[1:-1]))) for line in lines]
    assert sorted((row["init"], row["training.dropout"]) for row in rows) == [
        ("mean", ""),
        ("mean", "0.2"),
        ("zero", ""),
    ]
    assert {row["seeds"] for row in rows} == {"1"}
    case = CASE["pair_relation"]
    docs = [example.reference for example in make_examples(spacy.blank("en"), case.annotate)]
    DocBin(docs=docs[:1]).to_disk(tmp_path / "data" / "test" / "rqe.spacy")
    result = lab("systems", *only)
    assert "1 results from before" in result.output, result.output
    assert len(cells(tmp_path)) == 4
    assert len((tmp_path / "out" / "table.md").read_text().split("\n\n")[0].splitlines()) == 2 + 3


def test_functions_of_a_file_reach_every_process(lab: Callable[..., Result], tmp_path: Path, base_path: Path):
    """The cell's own, and the fresh one that measures it. What another file would measure is another result."""
    code = tmp_path / "own.py"
    code.write_text(
        "import spacy\nfrom spacy_medmtl.pair_relation.candidates import adjacent_pairs\n"
        'spacy.registry.misc("own.neighbours.v1", func=adjacent_pairs)\n'
    )
    base_path.write_text(base_path.read_text().replace("spacy-medmtl.adjacent_pairs.v1", "own.neighbours.v1"))
    only = ("--only", "shared")
    assert "E340" in lab("costs", *only).output
    for _ in range(2):
        result = lab("costs", *only, "--code", code)
        assert result.exit_code == 0, result.output
        code.write_text(code.read_text() + "# changed\n")
    assert len(cells(tmp_path)) == 2


def test_gradients(lab: Callable[..., Result], tmp_path: Path):
    result = lab("gradients", "--only", "fresh")
    assert result.exit_code == 0, result.output
    (found,) = (json.loads(path.read_text())["cosines"] for path in cells(tmp_path))
    assert len(found) == 6 + 4
    assert set(found["pair_relation cpncf_assertion"]) == {"embeddings", "layer 0", "layer 1"}
    assert all(-1 - 1e-6 <= value <= 1 + 1e-6 for layers in found.values() for value in layers.values())


def test_some_tasks_are_a_line_of_their_own(lab: Callable[..., Result], tmp_path: Path):
    """In a table of all tasks, and scored on theirs alone."""
    some = ("--task", "cpncf_assertion", "--task", "sentence_intent")
    result = lab("systems", "--only", "shared", *some)
    assert result.exit_code == 0, result.output
    (found,) = (json.loads(path.read_text()) for path in cells(tmp_path))
    assert set(found["scores"]["test"]) == {"cpncf_assertion", "sentence_intent"}
    assert found["settings"]["tasks"] == "cpncf_assertion sentence_intent"
    assert found["settings"]["steps"] == 2


def test_a_corpus_in_a_folder_and_labels_kept_apart(lab: Callable[..., Result], tmp_path: Path):
    """Shards are one corpus. Labels that training keeps apart by a prefix are kept apart in scoring too."""
    only = ("--only", "shared")
    folder = tmp_path / "data" / "test" / "shards"
    folder.mkdir()
    case = CASE["sru_nested_ner"]
    docs = [example.reference for example in make_examples(spacy.blank("en"), case.annotate)]
    for doc in docs:
        doc.spans[ENTITIES].attrs[ANNOTATED_LABELS] = list(case.labels)
    for part in ("train", "dev", "test"):
        DocBin(docs=docs).to_disk(tmp_path / "data" / part / "bc5cdr.spacy")
    for i in range(2):
        DocBin(docs=docs[i::2]).to_disk(folder / f"{i}.spacy")
    prefixes = [f"--corpora.{part}.corpora.bc5cdr.type_prefix" for part in ("train", "dev", "test")]
    shards = ("--corpora.test.corpora.bc5cdr.path", folder)
    result = lab("systems", *only, *shards, *(one for prefix in prefixes for one in (prefix, "x")))
    assert result.exit_code == 0, result.output
    (found,) = (json.loads(path.read_text())["scores"] for path in cells(tmp_path))
    entities = found["test"]["sru_nested_ner"]["corpora"]["bc5cdr"]
    assert entities["n_docs"] == len(docs)
    assert set(entities["scores"]["sru_nested_ner_f_per_type"]) >= {f"x${label}" for label in case.labels}


def nothing_ran(tmp_path: Path) -> bool:
    return not list((tmp_path / "out").glob("cells/*"))


RULES = "lab.sharing"


@pytest.mark.parametrize(
    ("code", "experiment", "arguments"),
    [
        ("E020", "systems", [f"--{RULES}.mmoe.experts", 0]),
        ("E012", "systems", ["--init", "best"]),
        ("E005", "systems", ["--components.encoder.model.layers", "[7]"]),
        ("E007", "systems", ["--components.encoder.model.window", 4000]),
        ("E008", "systems", ["--encoder", "nowhere"]),
        ("E301", "systems", ["--data", "nowhere"]),
        ("E340", "systems", ["--config", "nowhere.cfg"]),
        ("E340", "systems", ["--training.batcher.schedule.@misc", "nothing.v1"]),
        ("E340", "systems", ["--nothing.at.all", 1]),
        ("E343", "systems", ["--components.encoder.model.routes", json.dumps([*TASKS, "summary"])]),
        ("E343", "systems", ["--components.encoder.model.routes", json.dumps(TASKS[:3])]),
        ("E343", "orders", ["--components.encoder.model.routes", json.dumps([*TASKS, TASKS[0]])]),
        ("E343", "systems", ["--corpora.train.corpora.rqe.tasks", json.dumps(["sentence_intent"])]),
        ("E345", "systems", ["--only", "best"]),
        ("E346", "kshot", []),
        ("E322", "systems", ["--training.optimizer.beta1", 2.0]),
        ("E404", "systems", ["--profile", "tpu"]),
        ("E404", "systems", ["--gpu-id", 99]),
        ("E404", "systems", ["--step", 1]),
        ("E404", "systems", ["--task", "sentiment"]),
        ("E344", "orders", ["--task", TASKS[0]]),
    ],
)
def test_bad_input_before_anything_starts(
    lab: Callable[..., Result], tmp_path: Path, code: str, experiment: str, arguments: list[Any]
):
    result = lab(experiment, *arguments)
    assert result.exit_code == 1
    assert f"MEDMTL-{code}" in result.output, result.output
    assert nothing_ran(tmp_path)


def test_folders_that_results_cannot_go_to(lab: Callable[..., Result], tmp_path: Path):
    """Found before hours of training: a file, a folder of another experiment, a damaged result."""
    out = tmp_path / "out"
    out.write_text("a file")
    assert "MEDMTL-E407" in lab("schedules").output
    out.unlink()
    (out / "cells").mkdir(parents=True)
    damaged = out / "cells" / "shared-0-x.json"
    damaged.write_text("{")
    assert "MEDMTL-E347" in lab("schedules").output
    kept = {"cell": "fresh", "row": "fresh", "seed": 0, "settings": {"steps": 4}, "seconds": {"train": 1.0}}
    damaged.write_text(json.dumps({**kept, "experiment": "gradients"}))
    result = lab("schedules")
    assert "MEDMTL-E407" in result.output
    assert "'gradients'" in result.output
    assert [path.name for path in (out / "cells").iterdir()] == [damaged.name]


def test_a_corpus_with_one_task_missing(lab: Callable[..., Result], tmp_path: Path):
    case = CASE["pair_relation"]
    docs = [example.reference for example in make_examples(spacy.blank("en"), case.annotate)]
    DocBin(docs=docs).to_disk(tmp_path / "data" / "test" / "bc5cdr.spacy")
    result = lab("systems")
    assert result.exit_code == 1
    assert "MEDMTL-E342" in result.output
    assert "sru_nested_ner" in result.output
    assert nothing_ran(tmp_path)


def test_memory_is_that_of_the_process_itself():
    """However much the process held that started it."""
    held = bytearray(600_000_000)
    command = [sys.executable, "-c", "from spacy_medmtl.lab.costs import peak_gigabytes; print(peak_gigabytes())"]
    found = float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    assert len(held) == 600_000_000
    assert 0.05 < found < 0.6
