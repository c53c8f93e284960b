"""The component that docs/adding_a_task.md writes out trains, is saved and predicts, as one file for ``--code``."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import spacy
from spacy.tokens import DocBin, Span
from toy import TEXTS, with_sentences

from spacy_medmtl.annotations.groups import write_group

PAGE = Path(__file__).parents[2] / "docs" / "adding_a_task.md"
# What the page says of model.py, without a block of code, and what the entry points do
REST = """
import spacy


@spacy.registry.architectures("spacy-medmtl.Severity.v1")
def severity_model(tok2vec, lr_scale=10.0, nO=None):
    from spacy_medmtl.heads.rows import build_row_classifier
    from spacy_medmtl.heads.tok2vec import check_view

    check_view(tok2vec, "sentence", "severity")
    return build_row_classifier(tok2vec, nO, lr_scale=lr_scale)


spacy.registry.scorers("spacy-medmtl.severity_scorer.v1", func=severity_scorer)
"""
CONFIG = """
[nlp]
lang = "en"
pipeline = ["sentencizer", "encoder", "severity"]

[components]

[components.sentencizer]
factory = "sentencizer"

[components.encoder]
factory = "medmtl_progressive_tok2vec"

[components.encoder.model]
@architectures = "spacy-medmtl.ProgressiveTransformer.v1"
routes = ["severity"]
window = 64
stride = 48

[components.encoder.model.sharing]
@misc = "spacy-medmtl.progressive_rule.v1"

[components.severity]
factory = "severity"

[corpora]

[corpora.train]
@readers = "spacy-medmtl.MultitaskCorpus.v1"

[corpora.train.corpora]

[corpora.train.corpora.grades]
path = "gold.spacy"
tasks = ["severity"]

[corpora.dev]
@readers = "spacy-medmtl.MultitaskCorpus.v1"

[corpora.dev.corpora]

[corpora.dev.corpora.grades]
path = "gold.spacy"

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
gpu_allocator = null
dropout = 0.0
seed = 0
max_steps = 60
eval_frequency = 60

[training.batcher]
@batchers = "spacy-medmtl.task_batcher.v1"
size = 200

[training.batcher.schedule]
@misc = "spacy-medmtl.round_robin.v1"

[training.optimizer]
@optimizers = "Adam.v1"
learn_rate = 0.005

[initialize]

[initialize.components]

[initialize.components.encoder]

[initialize.components.encoder.loader]
@misc = "spacy-medmtl.local_encoder.v1"
path = "{encoder}"
"""


def test_the_recipe_trains_and_learns_its_gold(tiny_encoder, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf8"), re.DOTALL)
    code = "\n\n".join(block.replace("from ..", "from spacy_medmtl.") for block in blocks)
    (tmp_path / "severity.py").write_text(code + REST, encoding="utf8")
    (tmp_path / "config.cfg").write_text(CONFIG.replace("{encoder}", str(tiny_encoder)), encoding="utf8")
    docs = [with_sentences(spacy.blank("en"), text) for text in TEXTS]
    for doc in docs:
        grades = ["mild", "severe"]
        spans = [Span(doc, s.start, s.end, label=grades[i % 2]) for i, s in enumerate(doc.sents)]
        write_group(doc, "medmtl_severity", spans)
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    command = [sys.executable, "-m", "spacy", "train", "config.cfg", "--code", "severity.py", "-o", "trained"]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    meta = (tmp_path / "trained" / "model-last" / "meta.json").read_text(encoding="utf8")
    performance = spacy.util.load_meta(tmp_path / "trained" / "model-last" / "meta.json")["performance"]
    assert '"severity"' in meta
    assert performance["severity_f"] == 1.0
    for command in (
        ("evaluate", "trained/model-last", "gold.spacy", "-o", "scores.json"),
        ("calibrate", "trained/model-last", "gold.spacy", "-o", "calibrated"),
        ("debug-data", "config.cfg"),
        ("lab", "order", "config.cfg"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "spacy_medmtl.cli", *command, "--code", "severity.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    scores = json.loads((tmp_path / "scores.json").read_text(encoding="utf8"))
    assert scores["corpora"]["gold"]["scores"]["severity_f"] == 1.0
