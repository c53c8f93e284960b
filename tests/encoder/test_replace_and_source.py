"""spaCy's ways of taking pipelines apart: replace_listeners, sourced components, assembly, removed encoders."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from encoder_helpers import TASKS, TEXTS, adam, annotations, gold_examples, moments, pending, same, weights
from spacy.cli.assemble import assemble_cli
from spacy.language import Language

from spacy_medmtl.errors import MedmtlError, MedmtlWarning

KEY_OF = dict(zip(TASKS, ("medmtl_intents", "medmtl_relations", "medmtl_ner", "medmtl_findings")))
ORDER = ["sentencizer", "encoder", *TASKS]


def outputs(nlp: Language, tasks: Any = TASKS) -> list[Any]:
    return [[annotations(doc)[KEY_OF[task]] for task in tasks] for doc in nlp.pipe(TEXTS)]


@pytest.fixture
def nlp(trained_path: Path) -> Language:
    return spacy.load(trained_path)


@pytest.mark.parametrize("task", TASKS)
def test_replaced_listener_gives_the_same_and_survives_a_round_trip(nlp: Language, tmp_path: Path, task: str):
    expected = outputs(nlp)
    nlp.replace_listeners("encoder", task, ["model.tok2vec"])
    assert task not in nlp.get_pipe("encoder").listening_components
    assert outputs(nlp) == expected
    nlp.to_disk(tmp_path)
    assert outputs(spacy.load(tmp_path)) == expected
    fresh = spacy.util.load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert outputs(fresh) == expected


def test_head_with_its_own_encoder_needs_no_other(nlp: Language, tmp_path: Path):
    expected = outputs(nlp, ["sru_nested_ner"])
    nlp.replace_listeners("encoder", "sru_nested_ner", ["model.tok2vec"])
    nlp.to_disk(tmp_path)
    alone = spacy.load(tmp_path, exclude=["encoder", *[task for task in TASKS if task != "sru_nested_ner"]])
    assert outputs(alone, ["sru_nested_ner"]) == expected


def test_replaced_listener_trains_apart_with_moments_of_its_own(nlp: Language):
    nlp.update(gold_examples(nlp), sgd=(optimizer := adam()))
    nlp.replace_listeners("encoder", "sru_nested_ner", ["model.tok2vec"])
    shared, head = nlp.get_pipe("encoder").model, nlp.get_pipe("sru_nested_ner").model
    assert not set(weights(shared)) & set(weights(head))  # no key in common: no moment in common
    before = weights(shared), moments(shared, optimizer), weights(head)
    for _ in range(2):
        nlp.update(gold_examples(nlp, ["sru_nested_ner"]), sgd=optimizer)
    assert same(before[0], weights(shared))
    assert same(before[1], moments(shared, optimizer))
    own = {key for key, value in weights(head).items() if before[2][key].tobytes() != value.tobytes()}
    assert any(".ffns." in name for _, name in own)
    assert pending(nlp) == []
    head_before = weights(head)
    nlp.update(gold_examples(nlp, ["cpncf_assertion"]), sgd=optimizer)
    assert same(head_before, weights(head))
    assert not same(before[0], weights(shared))


def test_replaced_listener_trains_while_the_shared_encoder_is_frozen(nlp: Language):
    nlp.replace_listeners("encoder", "sru_nested_ner", ["model.tok2vec"])
    head = nlp.get_pipe("sru_nested_ner").model
    before = weights(head)
    nlp.update(gold_examples(nlp), sgd=adam(), exclude=["encoder"])
    moved = {key[1] for key, value in weights(head).items() if before[key].tobytes() != value.tobytes()}
    assert any(".ffns." in name for name in moved)


def test_a_pipeline_sourced_whole_gives_the_same(nlp: Language, tmp_path: Path):
    expected = outputs(nlp)
    other = spacy.blank("en")
    for name in ORDER:
        other.add_pipe(name, source=nlp)
    assert other.get_pipe("encoder").listening_components == list(TASKS)
    assert outputs(other) == expected
    other.to_disk(tmp_path)
    assert outputs(spacy.load(tmp_path)) == expected


def test_a_sourced_head_reads_the_encoder_of_its_new_pipeline(
    nlp: Language, make_nlp: Callable[..., Language], encoder_settings: Callable, tmp_path: Path
):
    """As any tok2vec listener of spaCy: it goes with the encoder before it, and then can be trained on."""
    routes = ["sentence_intent", "cpncf_assertion"]
    other = make_nlp(*routes, encoder=encoder_settings(routes))
    other.initialize(lambda: gold_examples(other))
    other.remove_pipe("cpncf_assertion")
    other.add_pipe("cpncf_assertion", source=nlp)
    found = outputs(other, ["cpncf_assertion"])
    other.to_disk(tmp_path)
    assert outputs(spacy.load(tmp_path), ["cpncf_assertion"]) == found
    before = weights(other.get_pipe("encoder").model)
    other.update(gold_examples(other, ["cpncf_assertion"]), sgd=adam())
    assert not same(before, weights(other.get_pipe("encoder").model))
    assert pending(other) == []


def test_a_route_that_no_component_reads_ends_the_initialisation(
    make_nlp: Callable[..., Language], encoder_settings: Callable
):
    other = make_nlp("sentence_intent", encoder=encoder_settings(["sentence_intent", "cpncf_assertion"]))
    with pytest.raises(MedmtlError, match=r"E028.*\['cpncf_assertion'\] of 'encoder'"):
        other.initialize(lambda: gold_examples(other))


def test_a_sourced_head_whose_route_the_new_encoder_has_not(
    nlp: Language, make_nlp: Callable[..., Language], encoder_settings: Callable
):
    other = make_nlp("sentence_intent", encoder=encoder_settings(routes=["sentence_intent"]))
    with pytest.raises(MedmtlError, match=r"E001.*'cpncf_assertion'.*\['sentence_intent'\]"):
        other.add_pipe("cpncf_assertion", source=nlp)


def test_a_sourced_head_without_an_encoder_says_so_when_loaded(nlp: Language, tmp_path: Path):
    """In memory it goes on reading the encoder that it came from; what is saved has none, and names what is missing."""
    expected = outputs(nlp, ["cpncf_assertion"])
    other = spacy.blank("en")
    other.add_pipe("sentencizer")
    other.add_pipe("cpncf_assertion", source=nlp)
    with pytest.warns(MedmtlWarning, match="W003.*Source the encoder too"):
        assert outputs(other, ["cpncf_assertion"]) == expected
    other.to_disk(tmp_path)
    with pytest.raises(MedmtlError, match="E003.*'medmtl_progressive_tok2vec'"):
        spacy.load(tmp_path)(TEXTS[0])


def test_a_removed_encoder_is_said_when_its_heads_are_used_and_saved(nlp: Language, tmp_path: Path):
    """In memory they go on reading it. One that is only disabled, or has another name, is no loss."""
    expected = outputs(nlp)
    nlp.disable_pipe("encoder")
    nlp.rename_pipe("encoder", "reader")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert outputs(nlp) == expected
        nlp.to_disk(tmp_path / "whole")
        other = spacy.blank("en")
        for name in ("sentencizer", "reader", "cpncf_assertion"):
            other.add_pipe(name, source=nlp)
        other.to_disk(tmp_path / "sourced")
    nlp.remove_pipe("reader")
    for use in (lambda: outputs(nlp), lambda: nlp.to_disk(tmp_path / "lost"), nlp.to_bytes):
        with pytest.warns(MedmtlWarning, match="W003.*reads an encoder that is not in this pipeline.*do not remove it"):
            use()


def test_a_head_loaded_without_its_encoder_says_so(trained_path: Path):
    nlp = spacy.load(trained_path, exclude=["encoder"])
    with pytest.raises(MedmtlError, match="E003.*'medmtl_progressive_tok2vec'"):
        nlp(TEXTS[0])


def test_a_head_in_front_of_the_encoder_says_so(make_nlp: Callable[..., Language]):
    nlp = make_nlp()
    nlp.add_pipe("sentence_intent", before="encoder")
    with pytest.raises(MedmtlError, match="E003"):
        nlp.initialize(lambda: gold_examples(nlp))


def test_assemble_of_sourced_components(trained_path: Path, nlp: Language, tmp_path: Path):
    """``spacy assemble`` of encoder and two heads, one of them with its listener replaced."""
    config = tmp_path / "assemble.cfg"
    sections = [
        '[nlp]\nlang = "en"\npipeline = ["sentencizer","encoder","sentence_intent","sru_nested_ner"]\n[components]',
        '[components.sentencizer]\nfactory = "sentencizer"',
        *[
            f'[components.{name}]\nsource = "{trained_path}"'
            for name in ("encoder", "sentence_intent", "sru_nested_ner")
        ],
        'replace_listeners = ["model.tok2vec"]',
    ]
    config.write_text("\n".join(sections), encoding="utf8")
    assemble_cli(_Context(), config, tmp_path / "out", code_path=None, verbose=False)
    assembled = spacy.load(tmp_path / "out")
    assert assembled.get_pipe("encoder").listening_components == ["sentence_intent"]
    tasks = ["sentence_intent", "sru_nested_ner"]
    assert outputs(assembled, tasks) == outputs(nlp, tasks)


def test_assemble_of_what_is_not_trained_says_what_to_do(nlp: Language, tmp_path: Path):
    nlp.config.to_disk(tmp_path / "train.cfg")
    with pytest.raises(MedmtlError, match=r"E201.*'spacy train'"):
        assemble_cli(_Context(), tmp_path / "train.cfg", tmp_path / "out", code_path=None, verbose=False)


class _Context:
    """Of a command line without further arguments."""

    args = ()


def test_two_encoders_by_name(make_nlp: Callable[..., Language], encoder_settings: Callable, tmp_path: Path):
    """``upstream`` picks the encoder; the other one does not move."""
    nlp = make_nlp(encoder=encoder_settings(["sentence_intent"]))
    nlp.add_pipe("medmtl_progressive_tok2vec", name="second", config=encoder_settings(["cpncf_assertion"]))
    nlp.config["initialize"]["components"]["second"] = nlp.config["initialize"]["components"]["encoder"]
    for task, upstream in (("sentence_intent", "encoder"), ("cpncf_assertion", "second")):
        nlp.add_pipe(task, config={"model": {"tok2vec": {"upstream": upstream}}})
    nlp.initialize(lambda: gold_examples(nlp))
    before = {name: weights(nlp.get_pipe(name).model) for name in ("encoder", "second")}
    nlp.update(gold_examples(nlp, ["cpncf_assertion"]), sgd=adam())
    assert same(before["encoder"], weights(nlp.get_pipe("encoder").model))
    assert not same(before["second"], weights(nlp.get_pipe("second").model))
    expected = outputs(nlp, ["sentence_intent", "cpncf_assertion"])
    nlp.to_disk(tmp_path)
    assert outputs(spacy.load(tmp_path), ["sentence_intent", "cpncf_assertion"]) == expected


def test_removed_and_renamed(nlp: Language):
    """A removed head no longer listens, a renamed one still does."""
    nlp.remove_pipe("pair_relation")
    nlp.rename_pipe("sru_nested_ner", "entities")
    assert nlp.get_pipe("encoder").listening_components == ["sentence_intent", "entities", "cpncf_assertion"]
    before = weights(nlp.get_pipe("encoder").model)
    nlp.update(gold_examples(nlp, ["sru_nested_ner"]), sgd=adam())
    assert not same(before, weights(nlp.get_pipe("encoder").model))
