"""``medmtl card`` of pipelines that hold more, or less, than one head of each kind of this package."""

import spacy
import srsly
from spacy.language import Language
from thinc.api import Config

from spacy_medmtl.evaluation.card import model_card
from spacy_medmtl.sentence_intent.pipe import DEFAULT_CONFIG, make_sentence_intent


@Language.factory("test_grade", default_config={"model": Config().from_str(DEFAULT_CONFIG)["model"]})
def make_grade(nlp, name, model):
    return make_sentence_intent(nlp, name, model, "grades", "sentence", 0, False, 0.5, None)


def test_a_card_names_every_component_by_what_it_is_and_where_it_writes():
    """A second head of a kind, one of another package, components of spaCy; and a name that begins another's."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("sentence_intent", name="urgency", config={"spans_key": "urgencies"})
    nlp.add_pipe("sentence_intent", name="kind", config={"units": "doc"})
    nlp.add_pipe("test_grade", name="grade")
    nlp.add_pipe("test_grade", name="grade_of")
    nlp.add_pipe("ner").add_label("SIGN")
    nlp.add_pipe("spancat", config={"spans_key": "drugs"}).add_label("DRUG")
    result = {"scores": {"urgency_f": 0.5, "grade_of_f": 0.25, "ents_f": 0.75}}
    card = model_card(nlp, {"corpora": {"ward": result}, "machine": "m"})
    _, front, body = card.split("---\n", 2)
    for row in (
        '| `urgency` | Intents | `doc.spans["urgencies"]` | - |',
        "| `kind` | Intents | `doc.cats` | - |",
        '| `grade` | - | `doc.spans["grades"]` | - |',
        "| `ner` | - | `doc.ents`, `token.ent_iob`, `token.ent_type` | SIGN |",
        '| `spancat` | - | `doc.spans["drugs"]` | DRUG |',
    ):
        assert row in body
    assert "| `sentencizer`" not in body
    assert card.endswith("\n")
    index = srsly.yaml_loads(front)["model-index"][0]["results"]
    assert [one["task"] for one in index] == [
        {"type": "text-classification", "name": "Intents (urgency)"},
        {"type": "other", "name": "grade_of"},
    ]


def test_a_card_of_a_pipeline_without_heads_does_not_claim_them():
    nlp = spacy.blank("en")
    nlp.add_pipe("ner").add_label("SIGN")
    card = model_card(nlp, None)
    assert "multi-task" not in card
    assert "SIGN" in card
