"""``medmtl lab order``: the paper's two rules on gold annotation, constraints, measured difficulty, bad input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from toy import CASES, make_examples
from typer.testing import CliRunner, Result

from spacy_medmtl.annotations.groups import ENTITIES, write_group
from spacy_medmtl.annotations.pairs import pair_doc
from spacy_medmtl.annotations.relations import JudgedPair, write_relations
from spacy_medmtl.cli import app
from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.lab.order import Profile, difficulties, order_by_rules, parse_constraints, route_profiles

PAPER = ["sentence_intent", "pair_relation", "sru_nested_ner", "cpncf_assertion"]  # Eq. 3
CONFIG = """
[paths]
gold = null
[nlp]
lang = "en"
pipeline = ["encoder","cpncf_assertion","sru_nested_ner","pair_relation","sentence_intent"]
[components]
[components.encoder]
factory = "medmtl_progressive_tok2vec"
[components.encoder.model]
@architectures = "spacy-medmtl.ProgressiveTransformer.v1"
routes = ["cpncf_assertion","pair_relation","sru_nested_ner","sentence_intent"]
[components.encoder.model.sharing]
@misc = "spacy-medmtl.progressive_rule.v1"
[components.cpncf_assertion]
factory = "cpncf_assertion"
[components.sru_nested_ner]
factory = "sru_nested_ner"
[components.pair_relation]
factory = "pair_relation"
[components.sentence_intent]
factory = "sentence_intent"
[corpora]
[corpora.train]
@readers = "spacy-medmtl.MultitaskCorpus.v1"
[corpora.train.corpora]
[corpora.train.corpora.all]
path = ${paths.gold}
[corpora.dev]
@readers = "spacy-medmtl.MultitaskCorpus.v1"
[corpora.dev.corpora]
[corpora.dev.corpora.all]
path = ${paths.gold}
[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
"""


def pipeline(make_nlp: Callable[..., Language], routes: list[str], encoder_settings: Callable) -> Language:
    return make_nlp(*PAPER, encoder=encoder_settings(routes))


@pytest.mark.parametrize("routes", [PAPER, PAPER[::-1]])
def test_the_papers_order_from_gold_alone(make_nlp: Callable, encoder_settings: Callable, routes: list[str]):
    nlp = pipeline(make_nlp, routes, encoder_settings)
    profiles = route_profiles(nlp, make_examples(nlp, *(case.annotate for case in CASES)))
    assert list(profiles) == routes
    assert order_by_rules(profiles) == PAPER
    assert [profiles[route].describe() for route in PAPER] == [
        ("sentence", "1", "label"),
        ("sentence", "2", "label"),
        ("token", "1", "label"),
        ("token", "1", "label and status"),
    ]


def test_relations_of_entities_come_after_entities(make_nlp: Callable, encoder_settings: Callable):
    """The paper's own example of rule 2: relation extraction depends on NER."""
    nlp = make_nlp("pair_relation", "sru_nested_ner", encoder=encoder_settings(["pair_relation", "sru_nested_ner"]))
    doc: Doc = nlp.make_doc("fever and cough . left knee is fine .")
    write_group(doc, ENTITIES, [Span(doc, 0, 1, label="SIGN"), Span(doc, 2, 3, label="SIGN")])
    write_relations(doc, [JudgedPair((0, 1), (2, 3), ("WITH",), 1.0)])
    profiles = route_profiles(nlp, [Example(nlp.make_doc(doc.text), doc)])
    assert order_by_rules(profiles) == ["sru_nested_ner", "pair_relation"]


def test_references_without_sentences_are_split_by_rule(make_nlp: Callable, encoder_settings: Callable):
    nlp = make_nlp("sentence_intent", encoder=encoder_settings(["sentence_intent"]))
    doc = nlp.make_doc("fever and cough . left knee is fine .")
    write_group(doc, "medmtl_intents", [Span(doc, 0, 4, label="A"), Span(doc, 4, 9, label="B")])
    profiles = route_profiles(nlp, [Example(nlp.make_doc(doc.text), doc)])
    assert profiles["sentence_intent"] == Profile(["sentence_intent"], n_units=2, n_coarse=2)


def test_two_texts_in_one_doc_are_sentences(make_nlp: Callable, encoder_settings: Callable):
    """Whatever punctuation they end with."""
    nlp = make_nlp("pair_relation", encoder=encoder_settings(["pair_relation"]))
    doc = pair_doc(nlp, "has the left knee pain", "is the left knee fine ?")
    write_relations(doc, [JudgedPair((0, 5), (6, 12), ("SAME",), 1.0)])
    profiles = route_profiles(nlp, [Example(nlp.make_doc(doc.text), doc)])
    assert profiles["pair_relation"].describe() == ("sentence", "2", "label")


def test_stock_components_read_along_routes_too(make_nlp: Callable, encoder_settings: Callable):
    """``ner`` learns doc.ents, which are no gold of sru_nested_ner; ``textcat`` judges the whole text."""
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "view": "tokens", "upstream": "*"}
    heads = [
        (name, name, {"model": {"tok2vec": {**listener, "route": name}}})
        for name in ("ner", "textcat", "sru_nested_ner")
    ]
    nlp = make_nlp(*heads, encoder=encoder_settings(["sru_nested_ner", "ner", "textcat"]))
    doc = nlp.make_doc("fever and cough .")
    doc.cats = {"SICK": 1.0}
    doc.set_ents([Span(doc, 0, 1, label="SIGN"), Span(doc, 2, 3, label="SIGN")])
    example = Example(nlp.make_doc(doc.text), doc)
    with pytest.raises(MedmtlError, match="E026.*'sru_nested_ner'"):
        route_profiles(nlp, [example])
    write_group(doc, ENTITIES, [Span(doc, 0, 1, label="SIGN")])
    profiles = route_profiles(nlp, [example])
    assert {route: (profile.n_units, profile.n_coarse) for route, profile in profiles.items()} == {
        "sru_nested_ner": (1, 0),
        "ner": (2, 0),
        "textcat": (1, 1),
    }
    assert order_by_rules(profiles) == ["textcat", "sru_nested_ner", "ner"]


def fine(n: int) -> dict[str, Profile]:
    """Routes that the rules cannot tell apart."""
    return {name: Profile([name], n_units=1) for name in "abcdef"[:n]}


def test_constraints_go_before_the_rules():
    profiles = {**fine(2), "coarse": Profile(["coarse"], n_units=1, n_coarse=1)}
    assert order_by_rules(profiles) == ["coarse", "a", "b"]
    assert order_by_rules(profiles, [("b", "coarse")]) == ["b", "coarse", "a"]
    assert order_by_rules(profiles, parse_constraints(["b:a", "b:a"], list(profiles))) == ["coarse", "b", "a"]


@pytest.mark.parametrize(
    ("constraints", "cycle"),
    [
        ([("a", "b"), ("b", "a")], {"a before b before a", "b before a before b"}),
        ([("a", "a")], {"a before a"}),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")], None),
    ],
)
def test_a_cycle_is_named(constraints: list[Any], cycle: Any):
    with pytest.raises(MedmtlError, match="E025") as caught:
        order_by_rules(fine(4), constraints)
    named = str(caught.value).split(": ")[1].split(".")[0]
    assert cycle is None or named in cycle
    path = named.split(" before ")
    assert path[0] == path[-1]
    assert all(pair in constraints for pair in zip(path, path[1:]))


@pytest.mark.parametrize("text", ["a", "a:", "a:x", "a-b", "", "a:b:c"])
def test_malformed_constraints(text: str):
    with pytest.raises(MedmtlError, match="E024"):
        parse_constraints([text], ["a", "b"])


def test_a_route_without_gold(make_nlp: Callable, encoder_settings: Callable):
    nlp = pipeline(make_nlp, PAPER, encoder_settings)
    with pytest.raises(MedmtlError, match=r"E026.*'pair_relation'"):
        route_profiles(nlp, make_examples(nlp, *(case.annotate for case in CASES if case.factory != "pair_relation")))


def metrics(**scores: float) -> dict[str, Any]:
    return {"corpora": {"x": {"scores": scores, "floors": {"a_f": 0.5}}}}


def test_difficulty_is_what_is_left_of_what_the_floor_leaves():
    found = difficulties(fine(2), {"1": metrics(a_f=0.9, b_f=0.7), "2": metrics(b_f=0.5, b_p=0.1)})
    assert found == {"a": pytest.approx(0.2), "b": pytest.approx(0.4)}


@pytest.mark.parametrize("content", [[], {}, {"corpora": {"x": {}}}, metrics(), metrics(a_f=None), metrics(b_f=0.5)])
def test_metrics_that_say_nothing(content: Any):
    with pytest.raises(MedmtlError, match="E027.*run.json"):
        difficulties(fine(1), {"run.json": content})


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Result]:
    docs = [example.reference for example in make_examples(spacy.blank("en"), *(case.annotate for case in CASES))]
    DocBin(docs=docs).to_disk(tmp_path / "gold.spacy")
    (tmp_path / "config.cfg").write_text(CONFIG, encoding="utf8")

    def run(*arguments: Any) -> Result:
        start = ["lab", "order", tmp_path / "config.cfg"]
        result = CliRunner().invoke(app, [str(argument) for argument in (*start, *arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def test_the_command(order: Callable[..., Result], tmp_path: Path):
    gold = ("--paths.gold", tmp_path / "gold.spacy")
    result = order(*gold)
    assert result.exit_code == 0, result.output
    assert f"By the two rules:\nroutes = {json.dumps(PAPER, separators=(',', ':'))}" in result.output
    assert 'routes = ["cpncf_assertion","pair_relation","sru' in result.output.split("another order")[1]
    scores = {f"{task}_f": score for task, score in zip(PAPER, (0.9, 0.5, 0.8, 0.7))}
    (tmp_path / "m.json").write_text(json.dumps({"corpora": {"x": {"scores": scores, "floors": {}}}}))
    result = order("--metrics", tmp_path / "m.json", "--before", "sru_nested_ner:sentence_intent", *gold)
    assert 'rules:\nroutes = ["sru_nested_ner","sentence_intent","pair_relation","cpncf_assertion"]' in result.output
    assert (
        'measured difficulty:\nroutes = ["sentence_intent","sru_nested_ner","cpncf_assertion","pair_relation"]'
        in result.output
    )


def test_the_command_on_bad_input(order: Callable[..., Result], tmp_path: Path):
    gold = ("--paths.gold", tmp_path / "gold.spacy")
    (tmp_path / "m.json").write_text("{")
    for code, arguments in {
        "E025": ("--before", "sru_nested_ner:pair_relation", "--before", "pair_relation:sru_nested_ner", *gold),
        "E024": ("--before", "ner", *gold),
        "E027": ("--metrics", tmp_path / "m.json", *gold),
        "E301": ("--paths.gold", tmp_path / "nothing.spacy"),
        "E023": ("--nlp.pipeline", "[]", *gold),
        "E028": ("--components.encoder.model.routes", json.dumps([*PAPER, "summary"]), *gold),
        "E404": ("--befor", "pair_relation:sru_nested_ner", *gold),
    }.items():
        result = order(*arguments)
        assert result.exit_code == 1
        assert f"MEDMTL-{code}" in result.output, result.output
    (tmp_path / "config.cfg").write_text("[nlp\n{", encoding="utf8")
    assert "MEDMTL-E023" in order().output
    (tmp_path / "config.cfg").unlink()
    assert "MEDMTL-E023" in order().output
