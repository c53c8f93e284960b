"""MT-BERT's two stages by the committed configs: joint refinement, then each task from the refined encoder."""

from pathlib import Path

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import DocBin, Span
from spacy.util import load_config
from thinc.api import Config
from toy import CASES, TEXTS, make_examples

from spacy_medmtl.annotations.groups import INTENTS, write_group
from spacy_medmtl.encoder.shims import torch_shim
from spacy_medmtl.errors import MedmtlError

CONFIGS = Path(__file__).parents[2] / "configs"
HEADS = [case.factory for case in CASES]
QUICK = {"training.max_steps": 2, "training.eval_frequency": 2, "training.batcher.size": 20}


def write_gold(path, *annotate):
    docs = [example.reference for example in make_examples(spacy.blank("en"), *annotate)]
    DocBin(docs=docs).to_disk(path)
    return {"paths.train": str(path), "paths.dev": str(path)}


@pytest.fixture(scope="module")
def project(tiny_encoder, tmp_path_factory):
    """A folder with the toy corpus, and what two steps of refine.cfg made of it (``refined/model-best``)."""
    folder = tmp_path_factory.mktemp("stages")
    gold = write_gold(folder / "gold.spacy", *(case.annotate for case in CASES))
    model = {"components.encoder.model.layers": [0, 1], "components.encoder.model.window": 64}
    model["components.encoder.model.stride"] = 48
    overrides = {**QUICK, **gold, **model, "paths.encoder": str(tiny_encoder)}
    overrides["initialize.components.encoder.loader.@misc"] = "spacy-medmtl.local_encoder.v1"
    train(CONFIGS / "refine.cfg", folder / "refined", overrides=overrides)
    return folder


def fine_tune(project, name, task, **overrides):
    settings = {"paths.train": str(project / "gold.spacy"), "paths.dev": str(project / "gold.spacy"), **QUICK}
    settings.update({"paths.refined": str(project / "refined" / "model-best"), **overrides})
    settings["nlp.pipeline"] = ["medmtl_sentences", "encoder", task]
    train(CONFIGS / "fine_tune.cfg", project / name, overrides=settings)
    return spacy.load(project / name / "model-last")


def weights(nlp, name):
    return {n: p.detach() for n, p in torch_shim(nlp.get_pipe(name).model).module.named_parameters()}


def same(these, those):
    return [name for name in these if these[name].equal(those[name])]


@pytest.mark.parametrize("task", HEADS)
def test_each_task_goes_on_from_the_refined_encoder_with_a_new_head(project, task):
    refined = spacy.load(project / "refined" / "model-best")
    assert refined.config["components"]["encoder"]["model"]["sharing"] == {"@misc": "spacy-medmtl.shared_rule.v1"}
    still = fine_tune(project, f"{task}_still", task, **{"training.optimizer.learn_rate.initial_rate": 0.0})
    assert still.pipe_names == ["medmtl_sentences", "encoder", task]
    before = weights(refined, "encoder")
    assert same(before, weights(still, "encoder")) == list(before), "it starts from the refined weights"
    assert still.get_pipe(task).labels == refined.get_pipe(task).labels
    matrices = {name: value for name, value in weights(still, task).items() if value.ndim > 1 and value.any()}
    assert same(matrices, weights(refined, task)) == [], "the head does not"
    tuned = fine_tune(project, task, task)
    assert same(weights(tuned, "encoder"), before) != list(before)
    assert next(case.key for case in CASES if case.factory == task) in tuned(TEXTS[0]).spans


def test_other_labels_than_the_refined_pipelines(project, tmp_path):
    def one_label(doc):
        write_group(doc, INTENTS, [Span(doc, s.start, s.end, label="BILLING") for s in doc.sents])

    gold = write_gold(tmp_path / "other.spacy", one_label)
    with pytest.raises(MedmtlError, match=r"MEDMTL-E325.*'sentence_intent' has the labels \['BILLING'\].*'DENIAL'"):
        fine_tune(project, "other", "sentence_intent", **gold)
    assert not (project / "other" / "model-last").exists(), "before any training"


def test_a_pipeline_without_the_task(project):
    fine_tune(project, "alone", "pair_relation")
    path = {"paths.refined": str(project / "alone" / "model-last")}
    with pytest.raises(MedmtlError, match=r"MEDMTL-E324.*no component 'sru_nested_ner'"):
        fine_tune(project, "none", "sru_nested_ner", **path)


def test_the_config_is_valid_and_complete(project, monkeypatch):
    """As those of test_project, with the pipeline in the place that it names."""
    monkeypatch.chdir(project)
    (project / "training").mkdir()
    (project / "training" / "refine").symlink_to(project / "refined")
    debug_config(CONFIGS / "fine_tune.cfg")
    given, filled = load_config(CONFIGS / "fine_tune.cfg", interpolate=False), Config()
    filled.update(fill_config("-", CONFIGS / "fine_tune.cfg", silent=True)[1])
    for name in set(HEADS) - set(given["nlp"]["pipeline"]):  # which spaCy leaves out
        assert given["components"].pop(name)["factory"] == name
    scores = filled["training"]["score_weights"]
    assert {name: weight for name, weight in scores.items() if weight} == {"sru_nested_ner_f": 1.0}
    assert given["training"].pop("score_weights") == {"sents_f": None}
    del filled["training"]["score_weights"]
    assert given == filled
