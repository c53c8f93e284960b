"""Settings of a component: the config owns them, attributes change them, and nothing else is taken."""

import math
import pickle

import pytest
import spacy
from spacy.util import load_model_from_config
from toy import CASE, CASES, TEXTS, make_examples

from spacy_medmtl.errors import MedmtlError, MedmtlWarning
from spacy_medmtl.settings import settings_of

annotate_findings = CASE["cpncf_assertion"].annotate
annotate_intents = CASE["sentence_intent"].annotate

# a setting of each head: its default, another value, and what is none
CHANGES = [
    ("sentence_intent", "units", "sentence", "turns", ""),
    ("sentence_intent", "context", 0, 2, -1),
    ("sentence_intent", "multi_label", False, True, "no"),
    ("sentence_intent", "threshold", 0.5, 0.4, math.nan),
    ("sentence_intent", "spans_key", "medmtl_intents", "tones", None),
    ("pair_relation", "threshold", 0.5, 0.3, "0.3"),
    ("sru_nested_ner", "threshold", 0.4, 0.3, True),
    ("sru_nested_ner", "set_ents", True, False, 1),
    ("sru_nested_ner", "merge_types", False, True, None),
    ("sru_nested_ner", "sequence_tokens", 0, 50, 2.5),
    ("cpncf_assertion", "mode", "both", "assert", "asser"),
    ("cpncf_assertion", "given", ["medmtl_given"], ["ents"], {"medmtl_ner": []}),
    ("cpncf_assertion", "conflicts", "keep", "given", "both"),
    ("cpncf_assertion", "detection_threshold", 0.0, 0.6, -0.1),
    ("cpncf_assertion", "status_threshold", 0.0, 0.6, "0.6"),
    ("cpncf_assertion", "tag_weight", 0.0, 0.5, 1.5),
    ("cpncf_assertion", "context", 2, 0, -1),
    ("cpncf_assertion", "context_kind", "sentence", "turn", "page"),
    ("cpncf_assertion", "headings", False, True, "yes"),
    ("cpncf_assertion", "speakers", {}, {"D": "doctor"}, {"D": 1}),
]
each_change = pytest.mark.parametrize(("factory", "setting", "default", "other", "wrong"), CHANGES)


@pytest.fixture
def started(make_nlp):
    """A pipeline without weights."""
    return make_nlp(*(case.factory for case in CASES))


def test_what_is_given_to_load_holds(saved):
    config = {}
    for factory, setting, _, other, _ in CHANGES:
        config.setdefault(factory, {})[setting] = other
    nlp, changed = spacy.load(saved), spacy.load(saved, config={"components": config})
    for factory, setting, default, other, _ in CHANGES:
        assert nlp.get_pipe(factory).cfg[setting] == default
        assert changed.get_pipe(factory).cfg[setting] == other
        assert changed.config["components"][factory][setting] == other


def test_changed_attributes_are_saved(saved, tmp_path):
    nlp = spacy.load(saved)
    for factory, setting, _, other, _ in CHANGES:
        setattr(nlp.get_pipe(factory), setting, other)
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    for factory, setting, _, other, _ in CHANGES:
        assert again.get_pipe(factory).cfg[setting] == other
        assert again.config["components"][factory][setting] == other


@each_change
@pytest.mark.parametrize(
    "way", [setattr, lambda head, name, value: head.cfg.update({name: value})], ids=["attribute", "cfg"]
)
def test_a_change_is_checked(started, way, factory, setting, default, other, wrong):
    head = started.get_pipe(factory)
    with pytest.raises(MedmtlError, match=f"E203.*'{setting}' of '{factory}'"):
        way(head, setting, wrong)
    assert head.cfg[setting] == default
    way(head, setting, other)
    assert head.cfg[setting] == other
    if not isinstance(other, (list, dict)):  # kept as what cannot be changed past the check
        assert getattr(head, setting) == other
    assert started.config["components"][factory][setting] == other


@each_change
def test_the_factory_checks_as_well(factory, setting, default, other, wrong):
    nlp = spacy.blank("en")
    with pytest.raises((MedmtlError, ValueError), match=setting):  # ours, or that of spaCy's own check of types
        nlp.add_pipe(factory, config={setting: wrong})


def test_cfg_reads_like_a_mapping_and_refuses_the_rest(saved):
    nlp = spacy.load(saved)
    head = nlp.get_pipe("cpncf_assertion")
    assert set(head.cfg) == {*settings_of(type(head)), "labels", "temperatures", "modifiers"}
    assert head.cfg["labels"] == list(head.labels)
    assert head.cfg.get("nothing") is None
    assert dict(head.cfg)["mode"] == "both"
    for change in ({"mod": "assert"}, {"labels": ["A"]}, {"temperatures": {"tags": 0.0}}):
        with pytest.raises(MedmtlError, match="E209.*'cpncf_assertion' has no setting"):
            head.cfg.update(change)
    with pytest.raises(MedmtlError, match="E209"):
        del head.cfg["mode"]
    with pytest.raises(AttributeError):
        head.given.append("ents")


def test_settings_that_change_the_output_layer_are_refused_once_it_is_trained(saved):
    nlp = spacy.load(saved)
    pairs = nlp.get_pipe("pair_relation")
    with pytest.raises(MedmtlError, match="E203.*'mode' of 'pair_relation'.*trained"):
        pairs.mode = "exclusive"
    assert pairs.mode == "multilabel"
    with pytest.raises(MedmtlError, match="E203.*'statuses'.*trained"):
        nlp.get_pipe("cpncf_assertion").statuses = ["here", "not here"]
    with pytest.raises(MedmtlError, match="E208.*'pair_relation'.*does not fit the weights.*take that back"):
        spacy.load(saved, config={"components": {"pair_relation": {"mode": "exclusive"}}})


def test_a_changed_setting_acts_at_once(make_nlp):
    nlp = make_nlp("cpncf_assertion")
    nlp.initialize(lambda: make_examples(nlp, annotate_findings))
    nlp.get_pipe("cpncf_assertion").mode = "assert"
    assert list(nlp(TEXTS[0]).spans["medmtl_findings"]) == []


def test_the_candidates_say_which_entities_are_paired(make_nlp):
    """It was a setting of its own, beside that of the getter."""
    getter = {"@misc": "spacy-medmtl.entity_pairs.v1", "spans_key": "drugs"}
    nlp = make_nlp(("pair_relation", "pairs", {"candidates": getter}))
    assert nlp.get_pipe("pairs").entities_key == "drugs"
    assert "entities" not in nlp.get_pipe("pairs").cfg
    nlp = load_model_from_config(nlp.config.merge({"components": {"pairs": {"candidates": {"spans_key": "others"}}}}))
    assert nlp.get_pipe("pairs").entities_key == "others"


def test_spacy_find_threshold_may_assign_cfg(saved):
    """It takes the ``cfg`` of one pipeline, changes an entry, and puts it into another."""
    pipelines = spacy.load(saved), spacy.load(saved)
    one, other = (nlp.get_pipe("sentence_intent") for nlp in pipelines)
    config = one.cfg
    config["threshold"] = 0.25
    other.cfg = config
    assert other.threshold == 0.25
    assert other.labels == one.labels


def test_a_sourced_component_says_that_a_change_is_not_saved(make_nlp, tmp_path):
    """spaCy does not tell it which pipeline it is in: its maker's config would be the wrong one."""
    nlp = make_nlp("sentence_intent")
    nlp.initialize(lambda: make_examples(nlp, annotate_intents))
    other = spacy.blank("en")
    other.add_pipe("encoder", source=nlp)
    head = other.add_pipe("sentence_intent", name="intent", source=nlp)
    head.threshold = 0.5  # as it is: no change, no warning
    head.set_temperature("intents", 1.0)
    other.to_bytes()
    head.threshold = 0.3  # nothing is lost yet
    assert nlp.config["components"]["sentence_intent"]["threshold"] == 0.5
    for save in (lambda: other.to_disk(tmp_path / "lost"), other.to_bytes):
        with pytest.warns(MedmtlWarning, match="W203.*'threshold' of 'intent'"):
            save()
    assert spacy.load(tmp_path / "lost").get_pipe("intent").threshold == 0.5
    head.belong_to(other)
    other.to_disk(tmp_path / "kept")
    assert spacy.load(tmp_path / "kept").get_pipe("intent").threshold == 0.3
    assert nlp.config["components"]["sentence_intent"]["threshold"] == 0.5


def test_an_unpickled_pipeline_says_it_when_it_is_saved(saved, tmp_path):
    nlp = pickle.loads(pickle.dumps(spacy.load(saved)))
    head = nlp.get_pipe("sentence_intent")
    head.threshold = 0.3
    with pytest.warns(MedmtlWarning, match="W203.*'threshold' of 'sentence_intent'.*belong_to"):
        nlp.to_disk(tmp_path / "lost")
    head.belong_to(nlp)
    nlp.to_disk(tmp_path / "kept")
    assert spacy.load(tmp_path / "kept").get_pipe("sentence_intent").threshold == 0.3
