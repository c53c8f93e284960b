"""``spacy train`` itself on configs of this package: same bytes for the same seed, freezing, resuming, coded errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.cli.train import train
from spacy.tokens import DocBin
from spacy.util import load_config_from_str
from toy import CASES, TEXTS, make_examples

from spacy_medmtl.errors import MedmtlError

HEADS = [case.factory for case in CASES]
CONFIG = """
[paths]
gold = null
encoder = null

[nlp]
lang = "en"
pipeline = ["sentencizer","encoder","sentence_intent","pair_relation","sru_nested_ner","cpncf_assertion"]

[components]

[components.sentencizer]
factory = "sentencizer"

[components.encoder]
factory = "medmtl_progressive_tok2vec"

[components.encoder.model]
@architectures = "spacy-medmtl.ProgressiveTransformer.v1"
routes = ["sentence_intent","pair_relation","sru_nested_ner","cpncf_assertion"]
window = 64
stride = 48

[components.encoder.model.sharing]
@misc = "spacy-medmtl.progressive_rule.v1"

{heads}
[corpora]

[corpora.train]
@readers = "spacy-medmtl.MultitaskCorpus.v1"

[corpora.train.corpora]

{corpora}
[corpora.dev]
@readers = "spacy-medmtl.MultitaskCorpus.v1"

[corpora.dev.corpora]

[corpora.dev.corpora.all]
path = ${paths.gold}

[training]
seed = 3
gpu_allocator = null
dev_corpus = "corpora.dev"
train_corpus = "corpora.train"
max_steps = 12
eval_frequency = 6

[training.batcher]
@batchers = "spacy-medmtl.task_batcher.v1"
size = 20

[training.batcher.schedule]
@misc = "spacy-medmtl.round_robin.v1"

[training.logger]
@loggers = "spacy-medmtl.ConsoleLogger.v1"

[initialize]

[initialize.components]

[initialize.components.encoder]

[initialize.components.encoder.loader]
@misc = "spacy-medmtl.local_encoder.v1"
path = ${paths.encoder}
"""
for slot, block in (
    ("{heads}", '[components.NAME]\nfactory = "NAME"\n'),
    ("{corpora}", '[corpora.train.corpora.for_NAME]\npath = ${paths.gold}\ntasks = ["NAME"]\n'),
):
    CONFIG = CONFIG.replace(slot, "\n".join(block.replace("NAME", name) for name in HEADS))


@pytest.fixture(scope="module")
def project(make_nlp, tiny_encoder, tmp_path_factory) -> Path:
    """A folder with the toy corpus, the config, and a pipeline trained from it (``first/model-last``)."""
    folder = tmp_path_factory.mktemp("project")
    nlp = spacy.blank("en")
    docs = [example.reference for example in make_examples(nlp, *(case.annotate for case in CASES))]
    DocBin(docs=docs).to_disk(folder / "gold.spacy")
    config = load_config_from_str(CONFIG)
    config["paths"] = {"gold": str(folder / "gold.spacy"), "encoder": str(tiny_encoder)}
    config.to_disk(folder / "config.cfg")
    train(folder / "config.cfg", folder / "first")
    return folder


def files_of(folder: Path):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def weights_of(folder: Path, component: str):
    """The bytes of a component of a saved pipeline."""
    return files_of(folder / "model-last" / component)


def test_the_same_seed_gives_the_same_bytes(project):
    """In another process, with another hash seed for its sets and dicts. spaCy's own sentencizer writes a set of
    characters as it comes, so of that one file only the content is the same."""
    command = [sys.executable, "-m", "spacy", "train", str(project / "config.cfg"), "-o", str(project / "again")]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    first, again = files_of(project / "first"), files_of(project / "again")
    for folder in ("model-best", "model-last"):
        sets = [json.loads(run.pop(f"{folder}/sentencizer.json"))["punct_chars"] for run in (first, again)]
        assert set(sets[0]) == set(sets[1])
    assert {"model-best/meta.json", "model-last/encoder/encoder.safetensors"} <= set(first)
    assert set(first) == set(again)
    assert [name for name in first if first[name] != again[name]] == []
    header = next(line for line in done.stdout.splitlines() if "SCORE" in line)
    assert [name for name in HEADS if f"LOSS {name}" in header] == HEADS
    assert all(f"{name}_f" in header for name in HEADS)
    steps = [line.split()[1] for line in done.stdout.splitlines() if line.strip().startswith(("0 ", "1 ", "2 "))]
    assert steps == ["0", "6", "12"]


def test_another_seed_gives_other_weights(project):
    train(project / "config.cfg", project / "other", overrides={"training.seed": 4, "training.max_steps": 2})
    train(project / "config.cfg", project / "same", overrides={"training.max_steps": 2})
    for name in ["encoder", *HEADS]:
        assert weights_of(project / "other", name) != weights_of(project / "same", name)


def test_a_trained_folder_is_a_pipeline(project):
    nlp = spacy.load(project / "first" / "model-last")
    doc = nlp(TEXTS[0])
    assert {case.key for case in CASES} <= set(doc.spans)
    assert nlp.meta["performance"].keys() >= {f"{name}_f" for name in HEADS}
    assert {f"{name}_loss" for name in HEADS} <= nlp.meta["performance"].keys()


def resumed(project, name, *, sourced, frozen=(), steps=4, **training):
    """Train on from ``first/model-last`` with some components sourced and some frozen."""
    config = load_config_from_str(CONFIG)
    config["paths"] = {"gold": str(project / "gold.spacy"), "encoder": "/no/such/folder"}
    for component in sourced:
        config["components"][component] = {"source": str(project / "first" / "model-last")}
    config["training"].update({"frozen_components": list(frozen), "max_steps": steps, "eval_frequency": 2, **training})
    (project / f"{name}.cfg").write_text(config.to_str(), encoding="utf8")
    train(project / f"{name}.cfg", project / name)
    return project / name


def test_resumes_with_sourced_components(project):
    """Labels and weights go on from where they were, the folder of the pretrained encoder is not asked for, and the
    result stands on its own."""
    folder = resumed(project, "resumed", sourced=["encoder", *HEADS])
    for name in ["encoder", *HEADS]:
        assert weights_of(folder, name) != weights_of(project / "first", name)
    nlp = spacy.load(folder / "model-last")
    assert [nlp.get_pipe(case.factory).labels for case in CASES] == [tuple(case.labels) for case in CASES]
    assert nlp.get_pipe("encoder").listening_components == HEADS
    assert nlp(TEXTS[0]).spans.keys() >= {case.key for case in CASES}


def test_resuming_with_a_learning_rate_of_zero_changes_nothing(project):
    """So it really starts from the sourced weights."""
    optimizer = {"@optimizers": "Adam.v1", "learn_rate": 0.0, "L2": 0.0}
    folder = resumed(project, "still", sourced=["encoder", *HEADS], optimizer=optimizer)
    for name in ["encoder", *HEADS]:
        assert weights_of(folder, name) == weights_of(project / "first", name)


def test_a_frozen_head_stays_as_it_was(project):
    """The encoder moves on under it; its corpus is still read, and it still annotates."""
    folder = resumed(project, "frozen_head", sourced=["encoder", *HEADS], frozen=["sru_nested_ner"])
    assert weights_of(folder, "sru_nested_ner") == weights_of(project / "first", "sru_nested_ner")
    for name in ("encoder", "sentence_intent", "pair_relation", "cpncf_assertion"):
        assert weights_of(folder, name) != weights_of(project / "first", name)
    assert "medmtl_ner" in spacy.load(folder / "model-last")(TEXTS[0]).spans


def test_a_frozen_encoder_stays_as_it_was(project):
    folder = resumed(project, "frozen_encoder", sourced=["encoder", *HEADS], frozen=["encoder"])
    assert weights_of(folder, "encoder") == weights_of(project / "first", "encoder")
    for name in HEADS:
        assert weights_of(folder, name) != weights_of(project / "first", name)


def test_a_new_head_on_a_sourced_encoder(project):
    """The other heads are sourced and frozen, the new one is initialised from the corpus."""
    others = [name for name in HEADS if name != "cpncf_assertion"]
    folder = resumed(project, "new_head", sourced=["encoder", *others], frozen=["encoder", *others])
    for name in ["encoder", *others]:
        assert weights_of(folder, name) == weights_of(project / "first", name)
    assert weights_of(folder, "cpncf_assertion") != weights_of(project / "first", "cpncf_assertion")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"path": "/no/such.spacy"}, r"MEDMTL-E301.*'broken': /no/such\.spacy does not exist"),
        ({"path": "/no/such.spacy", "task": "ner"}, r"MEDMTL-E301.*has the setting\(s\) \['task'\]"),
        ({"tasks": ["sru_nested_ner"]}, "MEDMTL-E301.*'broken': its entry has no path"),
        ({"path": "${paths.gold}", "tasks": ["ner"]}, r"MEDMTL-E302.*'broken'.*\['ner'\].*'sru_nested_ner'"),
        ({"path": "${paths.gold}", "limit": "all"}, "MEDMTL-E301.*has the limit 'all'"),
    ],
)
def test_errors_in_the_corpora_section_are_coded(project, tmp_path, section, message):
    config = load_config_from_str((project / "config.cfg").read_text(encoding="utf8"))
    config["corpora"]["train"]["corpora"]["broken"] = section
    config.to_disk(tmp_path / "config.cfg")
    with pytest.raises(MedmtlError, match=message):
        train(tmp_path / "config.cfg", tmp_path / "out")


def test_a_missing_encoder_is_a_coded_error(project, tmp_path):
    with pytest.raises(MedmtlError, match=r"MEDMTL-E008.*'/no/such/folder'"):
        train(project / "config.cfg", tmp_path, overrides={"paths.encoder": "/no/such/folder"})


def test_a_stock_corpus_with_our_batcher_is_a_coded_error(project, tmp_path):
    config = load_config_from_str((project / "config.cfg").read_text(encoding="utf8"))
    config["corpora"]["train"] = {"@readers": "spacy.Corpus.v1", "path": "${paths.gold}"}
    config.to_disk(tmp_path / "config.cfg")
    with pytest.raises(MedmtlError, match="MEDMTL-E303"):
        train(tmp_path / "config.cfg", tmp_path / "out")
