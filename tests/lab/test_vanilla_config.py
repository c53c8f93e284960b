"""An encoder for each task, by config alone: it trains, a task moves its own encoder only, it is saved and loaded."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from spacy.util import load_config
from thinc.api import Adam
from toy import CASE, CASES, TEXTS, make_examples, weights

import spacy_medmtl

CONFIG = Path(spacy_medmtl.__file__).parent.parent / "configs" / "lab" / "vanilla.cfg"
CORPORA = ("piboso", "rqe", "bc5cdr", "negex")
TASKS = ("sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion")


@pytest.fixture
def config(tiny_encoder: Path, tmp_path: Path) -> Any:
    """The committed config on toy corpora and the tiny encoder, a few steps."""
    docs = [example.reference for example in make_examples(spacy.blank("en"), *(case.annotate for case in CASES))]
    for name in CORPORA:
        DocBin(docs=docs).to_disk(tmp_path / f"{name}.spacy")
    paths = {"train": str(tmp_path), "dev": str(tmp_path), "encoder": str(tiny_encoder)}
    loaded = load_config(CONFIG, overrides={f"paths.{name}": path for name, path in paths.items()})
    loaded["training"].update(max_steps=5, eval_frequency=5)
    for task in TASKS:
        loaded["components"][f"{task}_encoder"]["model"].update(window=64, stride=48)
        loaded["initialize"]["components"][f"{task}_encoder"]["loader"]["@misc"] = "spacy-medmtl.local_encoder.v1"
    return loaded


def outputs(nlp: Language) -> list[dict[str, Any]]:
    return [{key: list(group.attrs["scores"]) for key, group in doc.spans.items()} for doc in nlp.pipe(TEXTS)]


def test_it_trains_is_saved_and_loaded(config: Any, tmp_path: Path):
    nlp = init_nlp(config)
    before = weights(nlp)
    for task in TASKS:
        assert nlp.get_pipe(f"{task}_encoder").listening_components == [task]
    trained, _ = train(nlp)
    assert all(before[name] != after for name, after in weights(trained).items())
    trained.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert outputs(loaded) == outputs(trained)
    assert any(scores for one in outputs(trained) for scores in one.values())


def test_a_task_moves_its_own_encoder_only(config: Any):
    nlp = init_nlp(config)
    case = CASE["sentence_intent"]
    before = weights(nlp)
    nlp.update(make_examples(nlp, case.annotate), sgd=Adam(1e-3))
    after = weights(nlp)
    assert [name for name in before if before[name] != after[name]] == ["sentence_intent_encoder", "sentence_intent"]
