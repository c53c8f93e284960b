"""Scores and losses carry the name that the pipeline has for a component, however it came by it."""

import pytest
import spacy
from spacy.training import Example
from toy import CASE, CASES, make_examples

each_head = pytest.mark.parametrize("case", CASES, ids=lambda case: case.factory)


def scored(nlp, case):
    """The names of the scores, without their endings."""
    scores = nlp.evaluate(make_examples(nlp, case.annotate))
    return {name.removesuffix("_f_per_type") for name in scores if name.endswith("_f_per_type") and name[:4] != "ents"}


@pytest.fixture
def trained(make_nlp):
    def start(case):
        nlp = make_nlp(case.factory)
        nlp.initialize(lambda: make_examples(nlp, case.annotate))
        return nlp

    return start


@each_head
def test_scores_and_losses_follow_a_new_name(case, trained, tmp_path):
    nlp = trained(case)
    nlp.rename_pipe(case.factory, "renamed")
    assert scored(nlp, case) == {"renamed"}
    assert set(nlp.update(make_examples(nlp, case.annotate))) == {"encoder", "renamed"}
    nlp.to_disk(tmp_path)
    assert scored(spacy.load(tmp_path), case) == {"renamed"}


@each_head
def test_a_sourced_component_has_its_name_in_the_new_pipeline(case, trained, tmp_path):
    """The encoder has to come along: it holds half of what was learnt."""
    source = trained(case)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("encoder", source=source)
    nlp.add_pipe(case.factory, name="sourced", source=source)
    assert scored(nlp, case) == {"sourced"}
    nlp.rename_pipe("sourced", "again")
    assert scored(nlp, case) == {"again"}
    nlp.to_disk(tmp_path)
    assert scored(spacy.load(tmp_path), case) == {"again"}


def test_two_heads_of_one_kind_from_two_pipelines_are_scored_apart(make_nlp):
    case = CASE["sentence_intent"]
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    for name in ("first", "second"):
        source = make_nlp((case.factory, case.factory, upstream(f"{name}_encoder")), encoder=None)
        source.rename_pipe("encoder", f"{name}_encoder")
        settings = source.config["initialize"]["components"].pop(f"{name}_encoder")
        source.config["initialize"]["components"][f"{name}_encoder"] = settings
        source.initialize(lambda source=source: make_examples(source, case.annotate))
        nlp.add_pipe(f"{name}_encoder", source=source)
        nlp.add_pipe(case.factory, name=name, source=source)
    assert scored(nlp, case) == {"first", "second"}


def upstream(name):
    listener = {"@architectures": "spacy-medmtl.RouteListener.v1", "route": "sentence_intent", "view": "sentence"}
    tok2vec = {**listener, "upstream": "*"}
    return {"model": {"@architectures": "spacy-medmtl.SentenceIntent.v1", "tok2vec": tok2vec}}


def test_the_weights_of_scores_are_spacys_and_do_not_follow(trained):
    """spaCy adds a factory's default weights under the factory's name: a config with other names gives its own."""
    nlp = trained(CASE["sentence_intent"])
    nlp.rename_pipe("sentence_intent", "tone")
    weights = nlp.config["training"]["score_weights"]
    assert weights["sentence_intent_f"] > 0.0
    assert "tone_f" not in weights
    assert "tone_f" in nlp.evaluate(make_examples(nlp, CASE["sentence_intent"].annotate))


@each_head
def test_the_name_of_another_component_is_refused_and_nothing_changes(case, trained):
    nlp = trained(case)
    with pytest.raises(ValueError, match="E007"):
        nlp.rename_pipe(case.factory, "encoder")
    assert scored(nlp, case) == {case.factory}


@each_head
def test_docs_of_another_pipeline_are_scored_by_what_they_hold(case, trained):
    """They are of another vocab; those that nobody annotated have nothing found in them."""
    head, other = trained(case).get_pipe(case.factory), spacy.blank("en")
    gold = [example.reference for example in make_examples(other, case.annotate)]
    assert head.score([Example(doc.copy(), doc) for doc in gold])[f"{case.factory}_f"] == 1.0
    assert head.score([Example(other.make_doc(doc.text), doc) for doc in gold])[f"{case.factory}_f"] == 0.0
